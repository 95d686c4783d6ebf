"""`python -m perspective_agent`: the agent's command."""

from perspective_agent.cli import app

app()
