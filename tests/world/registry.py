"""A registry with opt-out (RFC 5155) that says NXDOMAIN of a name that only has names below it.

    python -m tests.world.registry LISTEN UPSTREAM CHILD

relays to the server on UPSTREAM, which serves `zones.OPT_OUT`, but of EMPTY it says, and proves,
that it does not exist (RFC 8020 section 2: then nothing below it could). On CHILD it serves what is
delegated below: a zone without signatures whose only name has an address and may not have
certificates.
"""

import sys
import threading
from collections.abc import Callable
from socketserver import BaseRequestHandler, ThreadingUDPServer

import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.rrset
import dns.zone

from tests.world import network
from tests.world.zones import EMPTY, OPT_OUT

_DNS = 53
_DENIALS = (dns.rdatatype.NSEC3, dns.rdatatype.SOA)

Answer = Callable[[dns.message.Message], dns.message.Message]


def relay(query: dns.message.Message, upstream: str) -> dns.message.Message:
    """Return what the server upstream says, unless the empty name is asked for."""
    message = dns.query.udp(query, upstream, timeout=2)
    if query.question[0].name == dns.name.from_text(EMPTY):
        message.set_rcode(dns.rcode.NXDOMAIN)
        message.authority = list(_denials(upstream))
    return message


def _denials(upstream: str) -> list[dns.rrset.RRset]:
    """Return the SOA and the NSEC3 records of the whole zone, with signatures."""
    transfer = dns.query.xfr(upstream, OPT_OUT.name, relativize=False)
    zone = dns.zone.from_xfr(transfer, relativize=False)
    found = []
    for name, rdataset in zone.iterate_rdatasets():
        if rdataset.rdtype in _DENIALS or rdataset.covers in _DENIALS:
            rrset = dns.rrset.RRset(name, rdataset.rdclass, rdataset.rdtype, rdataset.covers)
            rrset.update(rdataset)
            found.append(rrset)
    return found


def child(query: dns.message.Message) -> dns.message.Message:
    """Answer for the zone below."""
    message = dns.message.make_response(query)
    message.flags |= dns.flags.AA
    name, rdtype = query.question[0].name, dns.rdatatype.to_text(query.question[0].rdtype)
    texts = {"A": network.WEB, "CAA": '0 issue ";"'}
    if rdtype in texts:
        message.answer.append(dns.rrset.from_text(name, 60, "IN", rdtype, texts[rdtype]))
    else:
        soa = "ns1 admin 1 3600 900 604800 60"
        message.authority.append(dns.rrset.from_text(f"child.{EMPTY}.", 60, "IN", "SOA", soa))
    return message


def _server(address: str, answer: Answer) -> ThreadingUDPServer:
    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            octets, socket = self.request
            reply = answer(dns.message.from_wire(octets))
            socket.sendto(reply.to_wire(max_size=1232), self.client_address)

    return ThreadingUDPServer((address, _DNS), Handler)


def main(listen: str, upstream: str, below: str) -> None:
    """Serve for ever."""
    threading.Thread(target=_server(below, child).serve_forever, daemon=True).start()
    registry = _server(listen, lambda query: relay(query, upstream))
    print("ready", flush=True)  # noqa: T201 - for whoever started it
    registry.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
