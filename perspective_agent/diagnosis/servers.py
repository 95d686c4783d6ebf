"""Asks the servers of a name directly, to show whose failure a failed lookup is.

SERVFAIL from a resolver does not show that. The domain's servers may have failed, or our network,
our rules, or the resolver itself. BR 4.2.2.1 requires that the failure is confirmed to be "outside
the CA's infrastructure". So the agent does this:

- It follows the delegations from the root by itself.
- It asks every address of every server of the last zone, over UDP and TCP.
- It asks servers of the root in the same seconds over the same transports.

The coordinator decides what follows from the result. The agent does this only if the coordinator
asks for it (`CaaWalk.ask_servers`), and only after a lookup has failed.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from secrets import SystemRandom

import dns.asyncquery
import dns.exception
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import structlog
from dns.rdtypes.ANY.NS import NS

from mpic.v1 import observation_pb2 as o
from perspective_agent.diagnosis.direct_query import DirectQuery, ask_server, make_reply
from perspective_agent.diagnosis.referral import Delegation, find_delegation
from perspective_agent.dns.overload_history import OverloadHistory
from perspective_agent.egress import Egress

log = structlog.get_logger()

AT_A_TIME = 4
"""Names that may have their servers asked at the same time; others wait."""
MOST_DELEGATIONS = 16
MOST_SERVERS = 13
"""Name servers of a zone."""
MOST_ADDRESSES = 16
"""For all name servers of a zone together."""
SECONDS = 20.0
"""For one name, with the time it waits."""
_RESOLVER_SECONDS = 3.0
_SAMPLE = 3
"""How many addresses of each family are asked for the next zone, and how many of the root's, which
are known to answer."""
_SAMPLE_SECONDS = 1.5

_TRANSPORTS = (o.TRANSPORT_UDP, o.TRANSPORT_TCP)
_LOT = SystemRandom()


class _IncompleteError(Exception):
    """Not every server of a zone can be asked."""


class Diagnoser:
    """Asks servers directly."""

    def __init__(
        self, resolver: tuple[str, int], egress: Egress, overload_history: OverloadHistory
    ) -> None:
        """Find name servers through `resolver`; the history is this agent's own."""
        self._resolver = resolver
        self._egress = egress
        self._overload_history = overload_history
        self._room = asyncio.Semaphore(AT_A_TIME)

    async def diagnose(self, name: str) -> o.Diagnosis:
        """Ask the servers of `name` for its CAA records, and servers that are known to answer."""
        diagnosis = o.Diagnosis()
        try:
            async with asyncio.timeout(SECONDS), self._room:
                await self._fill(diagnosis, dns.name.from_text(name))
        except TimeoutError:
            diagnosis.incomplete = f"it would take more than {SECONDS:g} s"
        except _IncompleteError as error:
            diagnosis.incomplete = str(error)
        except Exception:
            log.exception("diagnosis_failed", name=name)
            diagnosis.incomplete = "this agent failed at it"
        return diagnosis

    async def _fill(self, diagnosis: o.Diagnosis, name: dns.name.Name) -> None:
        root = await self._find_root()
        last = root
        async for delegation in self._descend(root, name):
            last = delegation
            diagnosis.zone = last.zone.to_text(omit_final_dot=True).lower()
        addresses = await self._find_all_addresses(last)
        known = self._sample(await self._find_some_addresses(root))
        started = time.perf_counter()
        question = DirectQuery(name, dns.rdatatype.CAA, last.zone)
        of_root = DirectQuery(dns.name.root, dns.rdatatype.SOA, dns.name.root)
        servers, references = await asyncio.gather(
            self._ask_all(addresses, question), self._ask_all(known, of_root)
        )
        diagnosis.servers.extend(servers)
        diagnosis.known.extend(references)
        if self._overload_history.explains(started, time.perf_counter()):
            raise _IncompleteError("this agent has too much to do to read answers in time")

    async def _ask_all(
        self, addresses: Sequence[str], question: DirectQuery
    ) -> list[o.ServerReply]:
        asked = [(address, transport) for address in addresses for transport in _TRANSPORTS]
        said = await asyncio.gather(
            *(ask_server(address, question, way, self._egress) for address, way in asked)
        )
        return [make_reply(*one, what) for one, what in zip(asked, said, strict=True)]

    async def _descend(self, root: Delegation, name: dns.name.Name) -> AsyncIterator[Delegation]:
        """Yield each delegation on the way from the root to a name."""
        at = root
        for _ in range(MOST_DELEGATIONS):
            addresses = self._sample(await self._find_some_addresses(at))
            below = await self._follow(at.zone, addresses, name)
            if below is None:
                return
            yield below
            at = below
        raise _IncompleteError(f"more than {MOST_DELEGATIONS} delegations lead to it")

    async def _follow(
        self, zone: dns.name.Name, addresses: Sequence[str], name: dns.name.Name
    ) -> Delegation | None:
        """Ask some servers of a zone for the next zone, and take the first that names one."""
        question = DirectQuery(name, dns.rdatatype.CAA, zone)
        asking = [
            asyncio.create_task(ask_server(one, question, o.TRANSPORT_UDP, self._egress))
            for one in addresses
        ]
        try:
            for said in asyncio.as_completed(asking, timeout=_SAMPLE_SECONDS):
                message = (await said).message
                delegation = None if message is None else find_delegation(message, zone)
                if delegation is not None:
                    return delegation
        except TimeoutError:
            pass
        finally:
            for task in asking:
                task.cancel()
        return None

    def _sample(self, addresses: Iterable[str]) -> Sequence[str]:
        """Return some addresses that can be asked, of both families if both are used."""
        usable = [one for one in sorted(addresses) if not self._egress.find_bar(one)]
        families = [[one for one in usable if (":" in one) == is_v6] for is_v6 in (False, True)]
        return [
            one for family in families for one in _LOT.sample(family, min(_SAMPLE, len(family)))
        ]

    async def _find_root(self) -> Delegation:
        message = await self._look_up(dns.name.root, dns.rdatatype.NS)
        names = [
            rdata.target for rrset in message.answer for rdata in rrset if isinstance(rdata, NS)
        ]
        some = _LOT.sample(names, min(_SAMPLE, len(names)))
        return Delegation(dns.name.root, dict.fromkeys(some, frozenset()))

    async def _find_some_addresses(self, delegation: Delegation) -> Iterable[str]:
        """Return addresses to ask next: those that came with the delegation, if any did."""
        glue = frozenset[str]().union(*delegation.servers.values())
        return glue or await self._find_all_addresses(delegation)

    async def _find_all_addresses(self, delegation: Delegation) -> Sequence[str]:
        """Return every address of a zone's servers; raises _IncompleteError."""
        names = delegation.servers
        if len(names) > MOST_SERVERS:
            raise _IncompleteError(f"its zone has {len(names)} name servers")
        found = await asyncio.gather(
            *(self._find_addresses(name, glue, delegation.zone) for name, glue in names.items())
        )
        addresses = sorted(set().union(*found))
        if not addresses:
            raise _IncompleteError("no name server of its zone has an address")
        if len(addresses) > MOST_ADDRESSES:
            raise _IncompleteError(f"the name servers of its zone have {len(addresses)} addresses")
        return addresses

    async def _find_addresses(
        self, server: dns.name.Name, glue: frozenset[str], zone: dns.name.Name
    ) -> frozenset[str]:
        # Only the zone itself knows the address of a server within it.
        if glue and server.is_subdomain(zone):
            return glue
        messages = await asyncio.gather(
            *(self._look_up(server, rdtype) for rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA))
        )
        return glue.union(*map(_read_addresses, messages))

    async def _look_up(
        self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType
    ) -> dns.message.Message:
        """Ask the resolver; raises _IncompleteError if it does not know."""
        host, port = self._resolver
        query = dns.message.make_query(name, rdtype)
        what = f"the {rdtype.name} records of the name server {name.to_text(omit_final_dot=True)}"
        try:
            message = await dns.asyncquery.tcp(query, host, _RESOLVER_SECONDS, port)
        except (OSError, EOFError, dns.exception.DNSException) as error:
            raise _IncompleteError(f"{what} cannot be looked up") from error
        if message.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
            raise _IncompleteError(f"{what} cannot be looked up: {message.rcode().name}")
        return message


def _read_addresses(message: dns.message.Message) -> Iterable[str]:
    return [
        rdata.address
        for rrset in message.answer
        if rrset.rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA)
        for rdata in rrset
    ]
