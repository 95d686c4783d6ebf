"""`python -m mpic`: the command."""

from mpic.cli import main

main()
