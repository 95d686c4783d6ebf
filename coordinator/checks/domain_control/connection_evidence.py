"""Reading how a host was found and reached, as an agent tells it. Pure.

An agent looks up AAAA and A of the host, and dials one of the addresses that it found: IPv6 first,
then IPv4. What does not fit together is not believed: addresses that no lookup found, another port,
a way that failed and yet led to an answer.

At the primary, every lookup must be validated (BR 4.2.2.2.2). One lookup of the two may fail: the
addresses of the other are dialled. But a bogus one is a failure, whatever the other says. It is a
DNSSEC error, which never counts as authorization (BR 4.2.2.2.5).
"""

from collections.abc import Sequence
from typing import NamedTuple

from coordinator.checks.check import MalformedFindingError, Statuses, read_lookup
from mpic.v1 import observation_pb2 as o

TLS_VERSIONS = frozenset({"TLSv1.2", "TLSv1.3"})
"""Those that may be used (RFC 8737 section 3; RFC 8996 for all else)."""

_IPV6_OCTETS, _IPV4_OCTETS = 16, 4
_FAMILIES = (_IPV6_OCTETS, _IPV4_OCTETS)
"""Of the lookups, in their order."""


class Endpoint(NamedTuple):
    """Where a connection should lead."""

    host: str
    """In looked-up form."""
    port: int


def read_connection(
    connection: o.Connection, to: Endpoint, believed: Statuses, *, is_answered: bool
) -> o.Failure | None:
    """Return the failure of a bogus lookup, or None; raises MalformedFindingError.

    Raises NotValidatedError for a lookup that is not `believed`. If the other end answered, the
    address that was dialled last is the one that answered.
    """
    if not (connection.lookups or connection.dialed or is_answered):
        return None  # it failed before that
    lookups = _read_lookups(connection.lookups, to.host, believed)
    _check_dialed(connection.dialed, lookups, to)
    if is_answered and not (connection.dialed and not connection.dialed[-1].HasField("failure")):
        raise MalformedFindingError(f"an answer of {to.host} without a connection to it")
    failures = [one.failure for one in lookups if one.HasField("failure")]
    return next((one for one in failures if one.kind == o.FAILURE_KIND_BOGUS), None)


def _read_lookups(lookups: Sequence[o.Lookup], host: str, believed: Statuses) -> Sequence[o.Lookup]:
    """Return the lookups of AAAA and A, which are sound."""
    if len(lookups) != len(_FAMILIES):
        raise MalformedFindingError(f"{len(lookups)} lookups of {host} instead of AAAA and A")
    for lookup, octets in zip(lookups, _FAMILIES, strict=True):
        read_lookup(lookup, host, believed)
        if any(len(address) != octets for address in lookup.records.rdata):
            raise MalformedFindingError(f"addresses of {host} that are not of {octets} octets")
    return lookups


def _check_dialed(
    dialed: Sequence[o.DialedAddress], lookups: Sequence[o.Lookup], to: Endpoint
) -> None:
    """Check that only addresses which were found were dialled, IPv6 first, each after a failure."""
    found = [address for lookup in lookups for address in lookup.records.rdata]
    sizes = [len(one.address) for one in dialed]
    if any(one.address not in found for one in dialed):
        raise MalformedFindingError(f"an address was dialled that is not one of {to.host}")
    if any(one.port != to.port for one in dialed):
        raise MalformedFindingError(f"another port of {to.host} was dialled than {to.port}")
    if sizes != sorted(sizes, reverse=True):
        raise MalformedFindingError(f"IPv6 addresses of {to.host} were dialled after IPv4 ones")
    if not all(one.HasField("failure") for one in dialed[:-1]):
        raise MalformedFindingError(f"{to.host} was dialled again without a failure")
