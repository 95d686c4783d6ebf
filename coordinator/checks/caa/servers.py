"""Decide whose failure it is, from how servers replied to a perspective's direct queries. Pure.

BR 4.2.2.1 speaks of a failure "outside the CA's infrastructure". This has to be shown, and a
resolver's SERVFAIL does not show it. So every address of every server of the failing zone must be
seen to fail by itself. Servers that are known to answer (the root's) must answer within the same
seconds. They must answer the same perspective, over the same transports and address families:

| over UDP                  | over TCP                              | it is                        |
|---------------------------|---------------------------------------|------------------------------|
| an answer                 |                                       | ours: the lookup had one too |
|                           | an answer                             | ours: it is there to be read |
| a RCODE of failure, lame  | whatever else                         | theirs                       |
| cut short, silence        | failure, lame, no connection, closed  | theirs                       |
| cut short, silence        | a connection and no whole answer      | perhaps ours: see below      |
| not asked, unreadable     |                                       | ours, or not known           |

A connection that brings no whole answer may mean that our own network loses large packets. The
root's short answers would not show that. A server is not asked if our rules or our system do not
allow it: a special-purpose address, IPv6 where there is none, no socket.
"""

from collections.abc import Mapping, Sequence

from mpic.v1 import observation_pb2 as o

_ANSWERED = o.SERVER_OUTCOME_ANSWERED
_FAILS = frozenset({o.SERVER_OUTCOME_FAILED, o.SERVER_OUTCOME_LAME})
_GAVE_NOTHING = frozenset({o.SERVER_OUTCOME_TRUNCATED, o.SERVER_OUTCOME_SILENT})
_NO_CONNECTION = frozenset({o.SERVER_OUTCOME_SILENT, o.SERVER_OUTCOME_UNREACHABLE})

_TRANSPORTS = (o.TRANSPORT_UDP, o.TRANSPORT_TCP)

Way = tuple[str, "o.Transport.ValueType"]
"""An address or an address family, and a transport."""


def find_doubt(lookup: o.Lookup) -> str:
    """Return why a failure may be ours; "" when the servers are shown to fail by themselves."""
    diagnosis = lookup.diagnosis
    if not lookup.HasField("diagnosis"):
        return "nobody asked the servers directly"
    if diagnosis.incomplete:
        return f"the servers were not asked directly: {diagnosis.incomplete}"
    cut = lookup.insecurity_proof.zone_cut  # without one, the failure is no permission anyway
    if not _is_below(lookup.name, diagnosis.zone) or (cut and not _is_below(diagnosis.zone, cut)):
        return f"the delegations led to {diagnosis.zone or 'the root'} and no further"
    servers = _read_replies(diagnosis.servers)
    addresses = dict.fromkeys(address for address, _ in servers)
    doubts = [_doubt_server(address, servers) for address in addresses]
    doubts += [_doubt_way(family, diagnosis.known) for family in map(_family, addresses)]
    if not addresses:
        return "no server was asked directly"
    return next(filter(None, doubts), "")


def _is_below(name: str, zone: str) -> bool:
    """Whether a name is in a zone that is not the root."""
    return bool(zone) and f".{name}".endswith(f".{zone}")


def _read_replies(replies: Sequence[o.ServerReply]) -> Mapping[Way, o.ServerReply]:
    """Return the replies by address and transport; of two for one key, the one that answered."""
    found: dict[Way, o.ServerReply] = {}
    for reply in replies:
        way = (reply.address, reply.transport)
        if way not in found or reply.outcome == _ANSWERED:
            found[way] = reply
    return found


def _doubt_server(address: str, replies: Mapping[Way, o.ServerReply]) -> str:
    """Say why one server is not shown to fail by itself."""
    udp, tcp = (replies.get((address, way), o.ServerReply()) for way in _TRANSPORTS)
    if _ANSWERED in (udp.outcome, tcp.outcome):
        way = "UDP" if udp.outcome == _ANSWERED else "TCP"
        return f"{address} answered over {way} when it was asked directly"
    if udp.outcome in _FAILS:
        return ""
    if udp.outcome in _GAVE_NOTHING and tcp.outcome in (_FAILS | _NO_CONNECTION):
        return ""
    return f"{address} {_describe(udp)} over UDP and {_describe(tcp)} over TCP"


def _doubt_way(family: str, known: Sequence[o.ServerReply]) -> str:
    """Say over which transport servers of an address family are not shown to be reachable."""
    for transport in _TRANSPORTS:
        if not any(
            _family(reply.address) == family
            and reply.transport == transport
            and reply.outcome == _ANSWERED
            for reply in known
        ):
            way = o.Transport.Name(transport).removeprefix("TRANSPORT_")
            return f"no server that is known to answer did over {family} and {way}"
    return ""


def _family(address: str) -> str:
    return "IPv6" if ":" in address else "IPv4"


def _describe(reply: o.ServerReply) -> str:
    """Return an outcome with its detail, such as "NOT_ASKED (...)"."""
    name = str(reply.outcome)
    if reply.outcome in o.ServerOutcome.values():
        name = o.ServerOutcome.Name(reply.outcome).removeprefix("SERVER_OUTCOME_")
    return f"{name} ({reply.detail})" if reply.detail else name
