"""The commands `mpic record ...`: what auditors and operators ask of the record.

They may run beside coordinators. Only `prune` removes anything.
"""

import typer

from coordinator.commands.record.maintain import head, migrate, prune, verify
from coordinator.commands.record.read import export, judge_again, search, show

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _record() -> None:
    """Read, verify, judge again and prune the audit record of a coordinator.

    deploy/record.md says what is kept, how changes are made evident, and what the schema of exports
    is.
    """


app.command("show")(show)
app.command("search")(search)
app.command("export")(export)
app.command("replay")(judge_again)
app.command("verify")(verify)
app.command("head")(head)
app.command("prune")(prune)
app.command("migrate")(migrate)
