"""The command `mpic doctor`, and how findings are shown."""

import json
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from mpic.runtime.config import ConfigError, load_for_file
from mpic.runtime.doctor import DoctorFinding, Fact, from_config_error
from mpic.runtime.logs import configure_logging

Doctor = Callable[[Path], list[DoctorFinding]]
"""What a program installs: examines all that a configuration file brings together."""

_COLOURS = {"ok": typer.colors.GREEN, "warning": typer.colors.YELLOW, "error": typer.colors.RED}
_MARGIN = " " * 9


def doctor(
    config: Annotated[
        Path,
        typer.Option("--config", "-c", help="An agent's or a coordinator's TOML.", metavar="FILE"),
    ],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Examine a host: what works, what does not, what soon will not, and what to do about it.

    Run it on the host, as the user that runs the program. It changes nothing. You may run it beside
    the running program.

    - On an agent it examines clock, certificates, callers, port, open files, trust anchor, the
      resolver (by one of its own, just like the agent's) and the ways out to root and top-level
      servers.
    - On a coordinator it examines clock, certificates, callers, ports, open files, grpcio, the
      roster against today's rules and those to come, the record's store, and each perspective by
      calling it.

    Exit status: 0 nothing is wrong (there may be warnings), 1 something is, 2 wrong usage.
    """
    configure_logging("console", "error")  # what the parts of a program log is not what is asked
    findings = examine_file(config)
    if as_json:
        typer.echo(json.dumps(as_document(config, findings), indent=2, ensure_ascii=False))
    else:
        for finding in findings:
            typer.echo(format_finding(finding, coloured=sys.stdout.isatty()))
        typer.echo(summarize(findings))
    raise typer.Exit(int(any(finding.outcome == "error" for finding in findings)))


def examine_file(file: Path) -> list[DoctorFinding]:
    """Let the program that a file configures examine it."""
    try:
        examine: Doctor = load_for_file("mpic.runtime.doctor", file)
        return examine(file)
    except ConfigError as error:
        return from_config_error(error)


def as_document(file: Path, findings: Sequence[DoctorFinding]) -> dict[str, object]:
    """Return what --json prints."""
    counts = Counter(finding.outcome for finding in findings)
    return {
        "file": str(file),
        "errors": counts["error"],
        "warnings": counts["warning"],
        "findings": [asdict(finding) for finding in findings],
    }


def format_finding(finding: DoctorFinding, *, coloured: bool = False) -> str:
    """Return a finding as lines: outcome, check and sentence; facts; what to do."""
    outcome = f"{finding.outcome:<7}"
    if coloured:
        outcome = typer.style(outcome, fg=_COLOURS[finding.outcome])
    lines = [f"{outcome}  {finding.check}: {_printable(finding.what)}"]
    if finding.facts:
        facts = (f"{key}={_printable(_show(fact))}" for key, fact in finding.facts.items())
        lines.append(f"{_MARGIN}{'  '.join(facts)}")
    if finding.mend:
        lines.append(f"{_MARGIN}-> {_printable(finding.mend)}")
    return "\n".join(lines)


def summarize(findings: Sequence[DoctorFinding]) -> str:
    """Return the last line."""
    counts = Counter(finding.outcome for finding in findings)
    errors, warnings = _count(counts["error"], "error"), _count(counts["warning"], "warning")
    return f"{errors}, {warnings}, {counts['ok']} ok"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _show(fact: Fact) -> str:
    if isinstance(fact, bool):
        return "yes" if fact else "no"
    if isinstance(fact, str | int | float):
        return str(fact)
    return ",".join(fact) or "none"


def _printable(text: str) -> str:
    """Return the text without anything that a terminal obeys: some of it comes from strangers."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)
