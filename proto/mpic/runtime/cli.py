"""The command `mpic`, and how it finds its sub-commands.

Each sub-command is an entry point "mpic.commands" of its own name, a function or a group. So
nothing here has to know the two programs. Only the sub-command that runs is loaded: a program would
keep the others in memory for good. A list of all of them, for help or for the shell's completion,
loads none: it would take more than a second. So their summaries stand here.

A caller installs only what `mpic ask` needs. So this module must not import more.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import Annotated

import typer

from mpic import __version__
from mpic.runtime.log_sink import occupy_standard_files
from mpic.runtime.problem import ConfigError, Flaw, Problem, explain_os_error

SUMMARIES: Mapping[str, str] = {
    "agent": "Run a perspective agent: it looks names up through its own resolver.",
    "ask": "Ask whether a certificate with these names may be issued, and show who saw what.",
    "check-config": "Check configuration files and the certificates they name; starts nothing.",
    "coordinator": "Run the coordinator: it asks all perspectives and decides.",
    "doctor": "Examine a host: what works, what does not, what soon will not, and what to do about"
    " it.",
    "explain": "Explain a recorded answer: what went wrong, whose task it is, and what to do.",
    "perspectives": "Show the perspectives of a running coordinator, and which can be asked right"
    " now.",
    "pki": "Make the certificates with which callers, coordinator and agents know each other.",
    "record": "Read, verify, judge again and prune the audit record of a coordinator.",
    "token": "Make the bearer tokens with which callers show over HTTP who they are.",
    "version": "Print the versions of mpic and of what it runs on.",
}
"""The first sentence of each sub-command's help."""

_COMPLETING = ("_TYPER_COMPLETE_ARGS", "COMP_WORDS")
"""Where a shell that completes a line puts it; the second is bash's."""
_OURS = ("coordinator", "mpic", "perspective_agent")
_EXTRAS = {
    "agent": "agent",
    "coordinator": "coordinator",
    "record": "coordinator",
    "token": "coordinator",
}


def main() -> None:
    """Run `mpic`; if an operator can mend an error, print a sentence and exit with status 1."""
    occupy_standard_files()
    word = _find_word(sys.argv, os.environ)
    try:
        build_app(word)(prog_name="mpic")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in _OURS:
            raise
        sys.exit(explain_missing(error.name or "", word))
    except (ConfigError, Flaw) as error:
        sys.exit(str(error))
    except OSError as error:
        if error.filename is None:  # no file, so nothing is known to be the operator's
            raise
        sys.exit(str(Problem(str(error.filename), *explain_os_error(error))))


def _find_word(arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    """Return what may be the sub-command; "" if nothing is."""
    if "_MPIC_COMPLETE" in environment:
        line = next((environment[name] for name in _COMPLETING if name in environment), "")
        arguments = line.split()
    return arguments[1] if len(arguments) > 1 else ""


def build_app(word: str = "") -> typer.Typer:
    """Return the command with the sub-command named so, or with the names of all if none is.

    What cannot be loaded is an error.
    """
    app = typer.Typer(
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    entries = sorted(entry_points(group="mpic.commands"), key=lambda entry: entry.name)
    found = [entry for entry in entries if entry.name == word]
    for entry in found:
        _add(app, entry)
    for entry in [] if found else entries:
        if entry.name in SUMMARIES:
            app.command(entry.name, help=SUMMARIES[entry.name])(_stand_in)
        else:
            _add(app, entry)
    return app


def _add(app: typer.Typer, entry: EntryPoint) -> None:
    command = entry.load()
    if isinstance(command, typer.Typer):
        app.add_typer(command, name=entry.name)
    else:
        app.command(entry.name)(command)


def _stand_in() -> None:
    """Stand for a sub-command in a list. It never runs: the one that is named is loaded."""


def explain_missing(module: str, word: str) -> str:
    """Say what to install for a sub-command that lacks a module of somebody else's."""
    extra = _EXTRAS.get(word)
    wanted = f"'mpic[{extra}]'" if extra else "'mpic[coordinator]' or 'mpic[agent]'"
    return f"mpic {word} needs more packages ({module} is missing): pip install {wanted}"


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mpic {__version__}")
        raise typer.Exit


def _root(
    *,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Multi-perspective issuance corroboration.

    Asks several networks of the world whether a certificate may be issued. To begin: `mpic pki
    init` makes the certificates, `mpic check-config` checks what you configured, `mpic agent` and
    `mpic coordinator` run, and `mpic ask` asks.
    """
