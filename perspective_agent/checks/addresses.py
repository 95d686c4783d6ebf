"""The A lookup of a name. A name without addresses is an ordinary absence. Pure."""

from collections.abc import Callable

from perspective_agent.encoding import Answer, encode_finding
from perspective_agent.wanted import Wanted
from perspective_agent.wire import A


class AddressCheck:
    """The A record set of one name."""

    def __init__(self, name: str) -> None:
        """Look up `name` (no wildcard label)."""
        self.wanted = [Wanted(name, A)]

    def add(self, index: int, answer: Answer) -> bytes:  # noqa: ARG002 - there is only one
        """Return the finding."""
        return encode_finding("addresses", answer.entries)

    def finish(self, missing: Callable[[int], Answer]) -> bytes:
        """Return the finding for no answer."""
        return self.add(0, missing(0))
