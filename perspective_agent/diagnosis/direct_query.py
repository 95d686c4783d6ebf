"""Asks one DNS server directly, not through the resolver, over UDP or TCP."""

import asyncio
import errno
import struct
from typing import NamedTuple

import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rdatatype

from mpic.v1 import observation_pb2 as o
from perspective_agent.diagnosis.referral import classify
from perspective_agent.egress import Egress
from perspective_agent.unbound.configuration import EDNS_OCTETS

_PORT = 53
# Seconds for each try. The second try is without EDNS, because some servers and firewalls need
# that. A server that takes longer than the second time counts as silent.
_FIRST_SECONDS = 1.0
_SECOND_SECONDS = 4.0
ONCE_SECONDS = 0.8
"""For `ask_once`."""

# What the other end, or the network between, does to a connection. All other errors come from our
# own system: no route, no permission, no room.
_OTHER_END = frozenset(
    {
        errno.ECONNREFUSED,
        errno.ECONNRESET,
        errno.ECONNABORTED,
        errno.EPIPE,
        errno.EHOSTUNREACH,
        errno.ETIMEDOUT,
    }
)
# After these a second try may bring more. TCP without a connection has tried long enough.
_AGAIN_TCP = frozenset({o.SERVER_OUTCOME_FAILED})
_AGAIN_UDP = _AGAIN_TCP | {o.SERVER_OUTCOME_SILENT}
_LENGTH = struct.Struct("!H")


class DirectQuery(NamedTuple):
    """The question for the servers of a zone."""

    name: dns.name.Name
    rdtype: dns.rdatatype.RdataType
    zone: dns.name.Name

    def make_query(self, *, edns: bool) -> dns.message.Message:
        """Return the message; recursion is not desired."""
        query = dns.message.make_query(
            self.name, self.rdtype, use_edns=0 if edns else -1, payload=EDNS_OCTETS
        )
        query.flags = dns.flags.Flag(0)
        return query


class QueryWay(NamedTuple):
    """How a server is asked."""

    transport: o.Transport.ValueType
    edns: bool


class QueryResult(NamedTuple):
    """What one server did."""

    outcome: o.ServerOutcome.ValueType
    message: dns.message.Message | None = None
    detail: str = ""


async def ask_server(
    address: str, question: DirectQuery, transport: o.Transport.ValueType, egress: Egress
) -> QueryResult:
    """Ask one server, and once more without EDNS if the first try brought nothing."""
    if bar := egress.find_bar(address):
        return QueryResult(o.SERVER_OUTCOME_NOT_ASKED, detail=bar)
    ask, seconds, again = _ask_tcp, _SECOND_SECONDS, _AGAIN_TCP
    if transport == o.TRANSPORT_UDP:
        ask, seconds, again = _ask_udp, _FIRST_SECONDS, _AGAIN_UDP
    first = await ask(address, question.make_query(edns=True), seconds, egress)
    said = _classify(first, question)
    if said.outcome not in again:
        return said
    second = await ask(address, question.make_query(edns=False), _SECOND_SECONDS, egress)
    return _better(said, _classify(second, question))


async def ask_once(
    address: str, question: DirectQuery, way: QueryWay, egress: Egress
) -> QueryResult:
    """Ask one server in one way, once."""
    if bar := egress.find_bar(address):
        return QueryResult(o.SERVER_OUTCOME_NOT_ASKED, detail=bar)
    ask = _ask_udp if way.transport == o.TRANSPORT_UDP else _ask_tcp
    query = question.make_query(edns=way.edns)
    try:
        async with asyncio.timeout(ONCE_SECONDS):
            said = await ask(address, query, ONCE_SECONDS, egress)
    except TimeoutError:
        return QueryResult(o.SERVER_OUTCOME_SILENT)
    return _classify(said, question)


def make_reply(address: str, transport: o.Transport.ValueType, said: QueryResult) -> o.ServerReply:
    """Return what is reported of a server."""
    reply = o.ServerReply(
        address=address, transport=transport, outcome=said.outcome, detail=said.detail
    )
    if said.message is not None:
        reply.rcode = said.message.rcode()
    return reply


def _classify(said: QueryResult, question: DirectQuery) -> QueryResult:
    if said.message is None:
        return said
    return said._replace(outcome=classify(said.message, question.zone))


def _better(first: QueryResult, second: QueryResult) -> QueryResult:
    """Return which of two tries counts: any answer counts more than silence."""
    return first if second.message is None and first.message is not None else second


async def _ask_udp(
    address: str, query: dns.message.Message, seconds: float, egress: Egress
) -> QueryResult:
    try:
        message = await dns.asyncquery.udp(
            query,
            address,
            seconds,
            _PORT,
            source=egress.source_for(address),
            ignore_unexpected=True,
        )
    except dns.exception.Timeout:
        return QueryResult(o.SERVER_OUTCOME_SILENT)
    except OSError as error:
        return _fail(error)
    except (dns.exception.DNSException, ValueError, struct.error) as error:
        return _unreadable(error)
    return QueryResult(o.SERVER_OUTCOME_ANSWERED, message)


async def _ask_tcp(
    address: str, query: dns.message.Message, seconds: float, egress: Egress
) -> QueryResult:
    source = egress.source_for(address)
    local = (source, 0) if source else None
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await asyncio.open_connection(address, _PORT, local_addr=local)
    except TimeoutError:
        return QueryResult(o.SERVER_OUTCOME_SILENT)
    except OSError as error:
        return _fail(error)
    try:
        async with asyncio.timeout(seconds):
            writer.write(query.to_wire(prepend_length=True))
            (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
            wire = await reader.readexactly(length)
    except TimeoutError:
        return QueryResult(o.SERVER_OUTCOME_STALLED)
    except (OSError, EOFError) as error:
        return QueryResult(o.SERVER_OUTCOME_UNREACHABLE, detail=str(error))
    finally:
        writer.close()
    return _read(query, wire)


def _read(query: dns.message.Message, wire: bytes) -> QueryResult:
    try:
        message = dns.message.from_wire(wire)
    except (dns.exception.DNSException, ValueError, struct.error) as error:
        return _unreadable(error)
    if not query.is_response(message):
        return QueryResult(o.SERVER_OUTCOME_UNREADABLE, detail="an answer to another question")
    return QueryResult(o.SERVER_OUTCOME_ANSWERED, message)


def _fail(error: OSError) -> QueryResult:
    """Distinguish what the other end did from what our own system cannot do."""
    outcome = o.SERVER_OUTCOME_NOT_ASKED
    if error.errno in _OTHER_END:
        outcome = o.SERVER_OUTCOME_UNREACHABLE
    return QueryResult(outcome, detail=error.strerror or str(error))


def _unreadable(error: Exception) -> QueryResult:
    return QueryResult(o.SERVER_OUTCOME_UNREADABLE, detail=type(error).__name__)
