"""A link to a resolver that answers from a table, for what is tested past the DNS."""

import asyncio
import ipaddress
from collections.abc import Sequence

from mpic.v1 import observation_pb2 as o
from perspective_agent.dns.connection import PendingLookup, Take
from perspective_agent.dns.lookup import LookupTarget
from perspective_agent.dns.overload_history import OverloadHistory
from perspective_agent.dns.wire import make_query

VERSIONS: dict[int, int] = {o.RECORD_TYPE_A: 4, o.RECORD_TYPE_AAAA: 6}


class TableLink:
    """Answers for the addresses of names, as `ResolverLink` does; anything else is an absence."""

    def __init__(self, addresses: dict[str, Sequence[str]]) -> None:
        self.addresses = addresses
        self.silent: set[tuple[str, int]] = set()
        """Names and types without an answer."""
        self.asked: list[tuple[str, int]] = []
        self.abandoned: list[str] = []
        self.overload_history = OverloadHistory()
        self.in_flight = 0

    def ask(self, target: LookupTarget, take: Take) -> PendingLookup:
        lookup = PendingLookup(make_query(target.name, target.rdtype), take)
        self.asked.append((target.name, target.rdtype))
        self.in_flight += 1
        if (target.name, target.rdtype) not in self.silent:
            asyncio.get_running_loop().call_soon(self._answer, lookup)
        return lookup

    def abandon(self, lookup: PendingLookup) -> None:
        lookup.take = None
        self.in_flight -= 1
        self.abandoned.append(lookup.query.name)

    def _answer(self, lookup: PendingLookup) -> None:
        take, lookup.take = lookup.take, None
        if take is not None:
            self.in_flight -= 1
            take(self.find(lookup.query.name, lookup.query.rdtype), 7)

    def find(self, name: str, rdtype: int) -> o.Lookup:
        """Return the answer for a name."""
        found = [ipaddress.ip_address(one) for one in self.addresses.get(name, ())]
        rdata = [one.packed for one in found if one.version == VERSIONS.get(rdtype)]
        lookup = o.Lookup(name=name, dnssec=o.DNSSEC_SECURE, tries=1)
        if rdata:
            lookup.records.CopyFrom(o.RecordSet(owner=name, ttl=60, rdata=rdata))
        else:
            lookup.absence = o.ABSENCE_NO_DATA
        return lookup
