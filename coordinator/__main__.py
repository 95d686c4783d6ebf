"""`python -m coordinator`: the program."""

import typer

from coordinator.cli import serve

typer.run(serve)
