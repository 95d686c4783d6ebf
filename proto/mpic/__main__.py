"""`python -m mpic`: the command."""

from mpic.runtime.cli import main

main()
