"""The commands `mpic record ...`: what auditors, responders and operators ask of the record.

They read beside running coordinators; only `prune` removes anything.
"""

import typer

from coordinator.record.reading import export, judge_again, search, show
from coordinator.record.upkeep import head, migrate, prune, verify

app = typer.Typer()
record = typer.Typer(no_args_is_help=True)
app.add_typer(record, name="record")


@record.callback()
def _record() -> None:
    """Read, verify, judge again and prune the audit record of a coordinator.

    What is kept, how it is made evident that nothing was changed, and the schema of exports:
    deploy/record.md.
    """


record.command("show")(show)
record.command("search")(search)
record.command("export")(export)
record.command("replay")(judge_again)
record.command("verify")(verify)
record.command("head")(head)
record.command("prune")(prune)
record.command("migrate")(migrate)
