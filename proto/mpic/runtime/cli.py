"""The command `mpic`, and how it finds its sub-commands.

Each sub-command is an entry point "mpic.commands" of its own name, a function or a group. So
nothing here has to know the two programs. Only the sub-command that runs is loaded: a program would
keep the others in memory for good.
"""

import sys
from importlib.metadata import entry_points
from typing import Annotated

import typer

import mpic.runtime.logs  # noqa: F401 - loads structlog as is fit, before a program loads it
from mpic import __version__
from mpic.runtime.log_sink import occupy_standard_files
from mpic.runtime.problem import ConfigError, Flaw, Problem, explain_os_error


def main() -> None:
    """Run `mpic`; if an operator can mend an error, print a sentence and exit with status 1."""
    occupy_standard_files()
    try:
        build_app(*sys.argv[1:2])()
    except (ConfigError, Flaw) as error:
        sys.exit(str(error))
    except OSError as error:
        if error.filename is None:  # no file, so nothing is known to be the operator's
            raise
        sys.exit(str(Problem(str(error.filename), *explain_os_error(error))))


def build_app(word: str = "") -> typer.Typer:
    """Return the command with the sub-command named so, or with all if none is.

    What cannot be loaded is an error.
    """
    app = typer.Typer(
        add_completion=False,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    entries = sorted(entry_points(group="mpic.commands"), key=lambda entry: entry.name)
    for entry in [entry for entry in entries if entry.name == word] or entries:
        command = entry.load()
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=entry.name)
        else:
            app.command(entry.name)(command)
    return app


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
