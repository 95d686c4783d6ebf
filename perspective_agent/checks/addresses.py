"""The A lookup of a name. A name without addresses is an ordinary absence. Pure."""

from collections.abc import Sequence

from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p
from perspective_agent.dns.lookup import Answer, LookupTarget
from perspective_agent.dns.wire import A
from perspective_agent.wants import Missing, Want


class AddressCheck:
    """The A record set of one name."""

    def __init__(self, name: str) -> None:
        """Look up `name` (no wildcard label)."""
        self._target = LookupTarget(name, A)

    def start(self) -> Sequence[Want[Answer]]:
        """Want the one lookup."""
        return (Want(self._target, to_finding),)

    def finish(self, missing: Missing) -> o.Finding:
        """Return the finding if there is no answer."""
        return to_finding(missing(self._target))


def to_finding(answer: Answer) -> o.Finding:
    """Return the finding of an answer."""
    finding = o.Finding()
    finding.addresses.lookup.CopyFrom(answer.levels[0])
    return finding


def make(name: str, _asked: p.Check) -> AddressCheck:
    """Return the check of `name`; this check has no parameters."""
    return AddressCheck(name)
