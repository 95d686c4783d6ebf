"""`python -m coordinator`: the coordinator's commands."""

from coordinator.cli import app

app()
