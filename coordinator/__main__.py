"""`python -m coordinator`: the program."""

import typer

from coordinator.commands.serve import serve

typer.run(serve)
