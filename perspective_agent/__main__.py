"""`python -m perspective_agent`: the program."""

import typer

from perspective_agent.cli import serve

typer.run(serve)
