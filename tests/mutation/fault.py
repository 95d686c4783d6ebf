"""A fault as data: one piece of a source file, and what a mistake would make of it."""

from collections.abc import Sequence
from typing import NamedTuple


class Fault(NamedTuple):
    what: str
    file: str
    old: str
    """Stands in the file exactly once."""
    new: str
    tests: Sequence[str] = ()
    """Those that notice it, where only tests that start servers can; else the nearest are asked."""
