"""What a server says when it is asked directly: an answer, a failure, or where to ask next. Pure.

It uses dnspython, since servers are asked only after a lookup has failed.
"""

from collections.abc import Mapping
from typing import NamedTuple

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
from dns.rdtypes.ANY.NS import NS

from mpic.v1 import observation_pb2 as o

_ANSWERS = (dns.rcode.NOERROR, dns.rcode.NXDOMAIN)
_ADDRESSES = (dns.rdatatype.A, dns.rdatatype.AAAA)


class Delegation(NamedTuple):
    """A zone and its servers, as the zone above names them."""

    zone: dns.name.Name
    servers: Mapping[dns.name.Name, frozenset[str]]
    """The addresses that came with each name server. Only for name servers below the zone that sent
    them: a zone need not be believed about the addresses of other servers."""


def classify(message: dns.message.Message, zone: dns.name.Name) -> o.ServerOutcome.ValueType:
    """Say what a server of `zone` did, given its answer to the question."""
    if message.flags & dns.flags.TC:
        return o.SERVER_OUTCOME_TRUNCATED
    if message.rcode() not in _ANSWERS:
        return o.SERVER_OUTCOME_FAILED
    # Anything that a resolver may take for an answer counts as one: the server has not failed then.
    if message.flags & dns.flags.AA or message.answer or message.rcode() == dns.rcode.NXDOMAIN:
        return o.SERVER_OUTCOME_ANSWERED
    if find_delegation(message, zone) is not None:
        return o.SERVER_OUTCOME_ANSWERED
    return o.SERVER_OUTCOME_LAME


def find_delegation(message: dns.message.Message, zone: dns.name.Name) -> Delegation | None:
    """Return the zone below `zone` that a message refers to; None: it refers to none."""
    if message.flags & (dns.flags.TC | dns.flags.AA) or message.rcode() != dns.rcode.NOERROR:
        return None
    if message.answer or not message.question:
        return None
    asked = message.question[0].name
    for rrset in message.authority:
        child = rrset.name
        leads_down = child != zone and child.is_subdomain(zone) and asked.is_subdomain(child)
        if rrset.rdtype == dns.rdatatype.NS and leads_down:
            names = [rdata.target for rdata in rrset if isinstance(rdata, NS)]
            return Delegation(child, {name: _find_glue(message, name, zone) for name in names})
    return None


def _find_glue(
    message: dns.message.Message, server: dns.name.Name, zone: dns.name.Name
) -> frozenset[str]:
    if not server.is_subdomain(zone):
        return frozenset()
    return frozenset(
        rdata.address
        for rrset in message.additional
        if rrset.name == server and rrset.rdtype in _ADDRESSES
        for rdata in rrset
    )
