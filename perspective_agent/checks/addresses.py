"""The A lookup of a name. A name without addresses is an ordinary absence. Pure."""

from collections.abc import Callable

from mpic.v1 import observation_pb2 as o
from perspective_agent.dns.lookup_request import Answer, LookupRequest
from perspective_agent.dns.wire import A


class AddressCheck:
    """The A record set of one name."""

    def __init__(self, name: str) -> None:
        """Look up `name` (no wildcard label)."""
        self.wanted = [LookupRequest(name, A)]

    def add(self, index: int, answer: Answer) -> o.Finding:  # noqa: ARG002 - there is only one
        """Return the finding."""
        finding = o.Finding()
        finding.addresses.lookup.CopyFrom(answer.levels[0])
        return finding

    def finish(self, missing: Callable[[int], Answer]) -> o.Finding:
        """Return the finding for no answer."""
        return self.add(0, missing(0))
