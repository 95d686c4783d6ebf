"""Says why a lookup failed: by Unbound's own reason, and if need be by asking a server once more.

Unbound says the same of a server that drops EDNS, of one that hangs up over TCP and of one that is
silent: "upstream server timeout", or, once it has given the server up, that its address is not
usable. So for these reasons alone, a few of the zone's servers are asked directly: with EDNS,
without it, and over TCP, all at once. What follows is for a person. No verdict rests on it, unlike
on `servers`.

A lookup that succeeds costs nothing here. One that fails takes at most a second longer.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import dns.name
import dns.rcode
import dns.rdatatype
import structlog

from mpic.v1 import observation_pb2 as o
from perspective_agent.diagnosis.alias_loop import is_loop
from perspective_agent.diagnosis.direct_query import DirectQuery, QueryResult, QueryWay, ask_once
from perspective_agent.egress import Egress
from perspective_agent.unbound.servfail import ServfailLog

log = structlog.get_logger()

AT_A_TIME = 4
"""Zones whose servers may be asked at the same time; of others no more than Unbound's reason is
told."""
MOST_ADDRESSES = 2
SECONDS = 1.0

_LINE_SECONDS = 0.01
_LINE_WAITS = 5
_RECORD_FIELDS = 5
"""Owner, TTL, class, type and the first of the data."""
_TO_BE_LOOKED_AT = (o.FAILURE_CAUSE_SILENT, o.FAILURE_CAUSE_ADDRESS_NOT_USABLE)
_SAID = {
    o.SERVER_OUTCOME_UNREADABLE: o.FAILURE_CAUSE_UNREADABLE,
    o.SERVER_OUTCOME_LAME: o.FAILURE_CAUSE_LAME,
}
_GAVE_ONE = frozenset({o.SERVER_OUTCOME_ANSWERED, o.SERVER_OUTCOME_FAILED, o.SERVER_OUTCOME_LAME})

Command = Callable[[str], Coroutine[Any, Any, str]]


class ServfailExplainer:
    """Fills the cause of failed lookups in."""

    def __init__(self, reasons: ServfailLog, command: Command, egress: Egress) -> None:
        """Read `reasons`; `command` sends one to Unbound's control."""
        self._reasons = reasons
        self._command = command
        self._egress = egress
        self._under_way: dict[tuple[str, int], asyncio.Task[o.FailureCause.ValueType]] = {}

    def read(self, answer: o.Lookup, rdtype: int, since: float) -> bool:
        """Fill in what Unbound's log says of a SERVFAIL; return whether it says anything."""
        failure = answer.failure
        reason = self._reasons.find(answer.name, rdtype, since)
        if reason is None or failure.cause or failure.kind != o.FAILURE_KIND_SERVFAIL:
            return False
        failure.detail += f": {reason.text}"
        failure.cause, failure.zone = reason.cause, reason.zone
        return True

    async def explain(
        self, answer: o.Lookup, rdtype: int, since: float, before: o.Lookup | None
    ) -> None:
        """Fill in why a lookup failed, for which nobody will ask again; `before` failed first."""
        if answer.failure.kind != o.FAILURE_KIND_SERVFAIL:
            return
        for _ in range(_LINE_WAITS):
            if self.read(answer, rdtype, since):
                break
            await asyncio.sleep(_LINE_SECONDS)  # the line comes another way than the answer
        failure = answer.failure
        if failure.cause == o.FAILURE_CAUSE_ADDRESS_NOT_USABLE and before is not None:
            failure.cause = before.failure.cause or failure.cause
        if failure.cause in _TO_BE_LOOKED_AT and failure.zone:
            asking = self._ask(answer, failure.zone, rdtype)
            failure.cause = await self._share((failure.zone, rdtype), asking, failure.cause)
        if failure.cause == o.FAILURE_CAUSE_SERVER_FAILED and failure.zone:
            key = answer.name, int(dns.rdatatype.CNAME)
            failure.cause = await self._share(key, self._ask_for_loop(answer), failure.cause)
        if failure.cause == o.FAILURE_CAUSE_ADDRESS_NOT_USABLE and not self._egress.ipv6:
            await self._find_way_out(failure)

    async def _find_way_out(self, failure: o.Failure) -> None:
        """Make a failure ours if the zone's servers have IPv6 addresses alone."""
        try:
            async with asyncio.timeout(SECONDS):
                told = await self._command(f"lookup {failure.zone}")
        except OSError:  # TimeoutError is one
            return
        families = read_families(told, failure.zone)
        if families == {"AAAA"}:
            failure.kind = o.FAILURE_KIND_NO_WAY_OUT
            failure.detail += (
                "; its name servers have IPv6 addresses alone, which are not used here"
            )

    async def _share(
        self,
        key: tuple[str, int],
        asking: Coroutine[Any, Any, o.FailureCause.ValueType],
        known: o.FailureCause.ValueType,
    ) -> o.FailureCause.ValueType:
        """Ask servers, once for all lookups with one key that fail together."""
        looking = self._under_way.get(key)
        if looking is not None:
            asking.close()
        elif len(self._under_way) >= AT_A_TIME:
            asking.close()
            return known
        else:
            looking = asyncio.create_task(asking)
            self._under_way[key] = looking
            looking.add_done_callback(lambda _: self._under_way.pop(key))
        return await asyncio.shield(looking)

    async def _ask_for_loop(self, answer: o.Lookup) -> o.FailureCause.ValueType:
        """Ask a server that failed whether the name's aliases loop."""
        known, zone = answer.failure.cause, answer.failure.zone
        try:
            async with asyncio.timeout(SECONDS):
                servers = read_servers(await self._command("dump_infra"), zone)
                names = dns.name.from_text(answer.name), dns.name.from_text(zone)
                found = bool(servers) and await is_loop(*names, servers[0], self._egress)
        except (OSError, ValueError):  # TimeoutError is an OSError
            return known
        except Exception:
            log.exception("servfail_not_explained", zone=zone)
            return known
        return o.FAILURE_CAUSE_ALIAS_LOOP if found else known

    async def _ask(self, answer: o.Lookup, zone: str, rdtype: int) -> o.FailureCause.ValueType:
        known = answer.failure.cause
        question = DirectQuery(
            dns.name.from_text(answer.name),
            dns.rdatatype.RdataType.make(rdtype),
            dns.name.from_text(zone),
        )
        try:
            async with asyncio.timeout(SECONDS):
                # Only those that it has asked: it does not ask what is not usable.
                servers = read_servers(await self._command("dump_infra"), zone)[:MOST_ADDRESSES]
                asking = (_ask_in_all_ways(one, question, self._egress) for one in servers)
                return judge_servers(await asyncio.gather(*asking)) if servers else known
        except (OSError, ValueError):  # TimeoutError is an OSError
            return known
        except Exception:
            log.exception("servfail_not_explained", zone=zone)
            return known


Said = Sequence[QueryResult]
"""What a server did, for each of _WAYS."""

_WAYS = (
    QueryWay(o.TRANSPORT_UDP, edns=True),
    QueryWay(o.TRANSPORT_UDP, edns=False),
    QueryWay(o.TRANSPORT_TCP, edns=True),
)


async def _ask_in_all_ways(address: str, question: DirectQuery, egress: Egress) -> Said:
    return await asyncio.gather(*(ask_once(address, question, way, egress) for way in _WAYS))


def judge_servers(said: Sequence[Said]) -> o.FailureCause.ValueType:
    """Return what servers do that a resolver calls silent; the first for which it is plain."""
    for by_edns, plain, by_tcp in said:
        if by_edns.outcome in _SAID:
            return _SAID[by_edns.outcome]
        if by_edns.outcome == o.SERVER_OUTCOME_FAILED:
            is_refusal = by_edns.message and by_edns.message.rcode() == dns.rcode.REFUSED
            return o.FAILURE_CAUSE_REFUSED if is_refusal else o.FAILURE_CAUSE_SERVER_FAILED
        if by_edns.outcome == o.SERVER_OUTCOME_TRUNCATED and by_tcp.outcome not in _GAVE_ONE:
            return o.FAILURE_CAUSE_TCP_CLOSED
        if by_edns.outcome == o.SERVER_OUTCOME_SILENT and plain.outcome in _GAVE_ONE:
            return o.FAILURE_CAUSE_EDNS_DROPPED
    return o.FAILURE_CAUSE_SILENT


def read_families(told: str, zone: str) -> AbstractSet[str]:
    """Return of which types the addresses of a zone's servers are, from Unbound's `lookup`.

    It shows the NS records that it would use, the addresses of these servers, and a line
    "Delegation with ...". None: it would ask the servers of a zone above.
    """
    delegation = told.partition("Delegation with")[0]
    records = [line.split()[:5] for line in delegation.splitlines() if not line.startswith(";")]
    whole = [(owner, rdtype) for owner, _, _, rdtype, *_ in filter(_is_record, records)]
    owners = {owner.lower().removesuffix(".") for owner, rdtype in whole if rdtype == "NS"}
    return {rdtype for _, rdtype in whole if rdtype in ("A", "AAAA")} if zone in owners else set()


def _is_record(fields: Sequence[str]) -> bool:
    return len(fields) == _RECORD_FIELDS and fields[2] == "IN"


def read_servers(infra: str, zone: str) -> list[str]:
    """Return the addresses that Unbound has asked about a zone, from its `dump_infra`."""
    lines = (line.split() for line in infra.splitlines())
    return [
        fields[0]
        for fields in lines
        if len(fields) > 1 and fields[1].lower().removesuffix(".") == zone
    ]
