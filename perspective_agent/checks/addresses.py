"""The A lookup of a name. A name without addresses is an ordinary absence. Pure."""

from collections.abc import Callable

from mpic.v1 import observation_pb2 as o
from perspective_agent.wanted import Wanted
from perspective_agent.wire import A


class AddressCheck:
    """The A record set of one name."""

    def __init__(self, name: str) -> None:
        """Look up `name` (no wildcard label)."""
        self.lookups = [Wanted(name, A)]

    def add(self, index: int, lookup: o.Lookup) -> o.Finding:  # noqa: ARG002 - there is only one
        """Return the finding."""
        return o.Finding(addresses=o.AddressFinding(lookup=lookup))

    def finish(self, missing: Callable[[str], o.Lookup]) -> o.Finding:
        """Return the finding for no answer."""
        return self.add(0, missing(self.lookups[0].name))
