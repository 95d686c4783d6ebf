"""`python -m perspective_agent`: the program."""

import typer

from perspective_agent.commands.serve import serve

typer.run(serve)
