"""A lookup that is wanted. Pure."""

from typing import NamedTuple


class Wanted(NamedTuple):
    """What to look up, and whether what the resolver remembers of it counts."""

    name: str
    rdtype: int
    fresh: bool = False
    """Let the resolver forget it first, so that the answer is of now."""
    climbs: bool = False
    """Look up its parents too, up to the top-level domain, and take the first that is no absence
    (`walks`)."""
    direct: bool = False
    """Ask the servers of the name themselves, past the resolver (`diagnosis`)."""
