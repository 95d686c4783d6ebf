"""The command `mpic`: what is written here, and what the two programs bring with them.

A program brings commands through the entry points "mpic.commands" and a check of its
configuration file through "mpic.config", so that neither has to know the other.
"""

from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Annotated

import click
import typer
from rich.console import Console
from rich.table import Table
from typer.core import TyperGroup

from mpic import __version__
from mpic.config import ConfigError, read_toml
from mpic.pki import (
    Authority,
    Kind,
    Pair,
    Subject,
    check_trust_domain,
    create_authority,
    issue_certificate,
    load_authority,
    name_pair,
)
from mpic.problem import Flaw, Problem, explain_os_error


def main() -> None:
    """Run `mpic`."""
    build_app()()


def build_app() -> typer.Typer:
    """Return the command with all that is installed; an entry point that fails, fails here."""
    app = typer.Typer(
        cls=_PlainErrors,
        add_completion=False,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
    )
    app.callback()(_root)
    for entry in sorted(entry_points(group="mpic.commands"), key=lambda entry: entry.name):
        program: typer.Typer = entry.load()
        app.registered_commands.extend(program.registered_commands)
        app.registered_groups.extend(program.registered_groups)
    app.command("check-config")(check_config)
    pki = typer.Typer(no_args_is_help=True, help="A small private CA for mutual TLS.")
    pki.callback()(_pki)
    pki.command("init")(init_pki)
    app.add_typer(pki, name="pki")
    return app


class _PlainErrors(TyperGroup):
    """Says what an operator can mend in a sentence, and leaves tracebacks to real faults."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except (ConfigError, Flaw) as error:
            typer.echo(error, err=True)
        except OSError as error:
            if error.filename is None:
                raise
            typer.echo(Problem(str(error.filename), *explain_os_error(error)), err=True)
        raise typer.Exit(1)
