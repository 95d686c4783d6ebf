"""The command `mpic check-config`."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from mpic.runtime.config import load_for_file
from mpic.runtime.problem import ConfigError

Checker = Callable[[Path], list[str]]
"""Returns warnings about a configuration file; raises ConfigError."""


def check_config(
    files: Annotated[
        list[Path], typer.Argument(help="TOML files of agents or coordinators.", metavar="FILE...")
    ],
) -> None:
    """Check configuration files and the certificates they name; starts nothing.

    The table in a file, [coordinator] or [agent], says what it configures. For each file this
    prints ok, or everything that is wrong and what to do about it. Warnings do not fail.

    Exit status: 0 all can be used, 1 some cannot, 2 wrong usage.
    """
    if not all([_check_one(file) for file in files]):  # noqa: C419 - every file, not up to the first
        raise typer.Exit(1)


def _check_one(file: Path) -> bool:
    """Print what there is to say of one file; return whether it can be used."""
    try:
        check: Checker = load_for_file("mpic.runtime.config", file)
        warnings = check(file)
    except ConfigError as error:
        typer.echo(str(error), err=True)
        return False
    for warning in warnings:
        typer.echo(f"{file}: warning: {warning}", err=True)
    typer.echo(f"{file}: ok")
    return True
