"""Which addresses of a host are dialled, in which order, or why none is. Pure.

The first IPv6 address is dialled, then the first IPv4 address. Special-purpose addresses do not
count. One lookup of the two may fail: the addresses of the other are used.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from mpic.v1 import observation_pb2 as o
from perspective_agent.egress import Egress

FAMILIES = (o.RECORD_TYPE_AAAA, o.RECORD_TYPE_A)
"""In the order in which they are dialled."""

# Failures of this agent, and never of the domain.
_OURS = frozenset(
    {
        o.FAILURE_KIND_OVERLOADED,
        o.FAILURE_KIND_RESOLVER_UNAVAILABLE,
        o.FAILURE_KIND_INTERNAL,
        o.FAILURE_KIND_NO_WAY_OUT,
    }
)
_OCTETS = (4, 16)


@dataclass(frozen=True, slots=True)
class Candidates:
    """What may be dialled of a host."""

    addresses: tuple[str, ...] = ()
    """At most one of each family, in the order in which they are dialled."""
    failure: o.Failure | None = None
    """Why there are no addresses; or with addresses: why this agent cannot dial another one."""


def choose(lookups: Sequence[o.Lookup], egress: Egress) -> Candidates:
    """Choose from the lookups of `FAMILIES`, in their order."""
    addresses: list[str] = []
    barred: o.Failure | None = None
    is_special = False
    for lookup in lookups:
        found = read_addresses(lookup)
        public = [one for one in found if not egress.refuses(one)]
        usable = [one for one in public if not egress.find_bar(one)]
        addresses += usable[:1]
        is_special = is_special or len(public) < len(found)
        if public and not usable:
            detail = f"{public[0]}: {egress.find_bar(public[0])}"
            barred = o.Failure(kind=o.FAILURE_KIND_NO_WAY_OUT, detail=detail)
    if addresses:
        return Candidates(tuple(addresses), barred)
    return Candidates((), barred or _find_failure(lookups, is_special=is_special))


def read_addresses(lookup: o.Lookup) -> list[str]:
    """Return the addresses of a set, as text, in the order received."""
    octets = [one for one in lookup.records.rdata if len(one) in _OCTETS]
    return [str(ipaddress.ip_address(one)) for one in octets]


def gather(failures: Sequence[o.Failure]) -> o.Failure:
    """Return the one failure that several make; there is at least one.

    If this agent itself was kept from an address, the domain may have answered there. So our own
    failure counts before others. Else the last one counts, which is that of the last resort.
    """
    ours = [one for one in failures if one.kind in _OURS]
    failure = o.Failure()
    failure.CopyFrom((ours or failures)[-1])
    failure.detail = "; ".join(dict.fromkeys(one.detail for one in failures))
    return failure


def _find_failure(lookups: Sequence[o.Lookup], *, is_special: bool) -> o.Failure:
    """Say why no address can be dialled."""
    failed = [one.failure for one in lookups if one.HasField("failure")]
    if failed:
        return gather(failed)
    if is_special:
        detail = "all its addresses are special-purpose ones, which this agent does not dial"
        return o.Failure(kind=o.FAILURE_KIND_NOT_PUBLIC, detail=detail)
    detail = "it has neither an AAAA nor an A record"
    return o.Failure(kind=o.FAILURE_KIND_NO_ADDRESS, detail=detail)
