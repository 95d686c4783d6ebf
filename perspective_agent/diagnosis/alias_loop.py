"""Whether aliases of a zone lead back to themselves.

A server that follows aliases within its zone answers SERVFAIL when they loop (BIND does). Asked for
the CNAME records alone, it shows them one by one.
"""

import dns.message
import dns.name
import dns.rdatatype

from mpic.v1 import observation_pb2 as o
from perspective_agent.diagnosis.direct_query import DirectQuery, QueryWay, ask_once
from perspective_agent.egress import Egress

MOST_ALIASES = 16
"""That are followed; a resolver follows no more."""
_WAY = QueryWay(o.TRANSPORT_UDP, edns=True)


async def is_loop(name: dns.name.Name, zone: dns.name.Name, server: str, egress: Egress) -> bool:
    """Whether the aliases from a name on come back to one of them, as a server of `zone` shows."""
    seen = {name}
    for _ in range(MOST_ALIASES):
        question = DirectQuery(name, dns.rdatatype.CNAME, zone)
        said = await ask_once(server, question, _WAY, egress)
        target = None if said.message is None else find_target(said.message, name)
        if target is None or not target.is_subdomain(zone):
            return False
        if target in seen:
            return True
        seen.add(target)
        name = target
    return False


def find_target(message: dns.message.Message, name: dns.name.Name) -> dns.name.Name | None:
    """Return what a name is an alias of, by an answer; None: it does not say that it is one."""
    for rrset in message.answer:
        if rrset.rdtype == dns.rdatatype.CNAME and rrset.name == name:
            target: dns.name.Name = rrset[0].target
            return target
    return None
