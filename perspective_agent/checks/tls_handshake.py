"""One TLS handshake with a host: the third of three ways of looking. Pure.

The coordinator judges the certificate and the protocol; this agent knows no method, and no value
that anybody expects.
"""

from mpic.name_form import is_looked_up
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p
from perspective_agent.connect.dialer import Destination
from perspective_agent.connect.shared_looks import Seen
from perspective_agent.tls.handshake import TlsTarget
from perspective_agent.wants import Missing, Step, Want

_PORTS = range(1, 65_536)
_PROTOCOL = range(1, 256)
"""Octets of the name of a protocol (RFC 7301 section 3.1)."""
_MOST_PROTOCOLS = 16


class TlsHandshakeCheck:
    """One handshake."""

    def __init__(self, asked: p.TlsHandshake) -> None:
        """Make a handshake as it is asked for."""
        self._asked = asked
        to = Destination(asked.host, asked.port, asked.ipv4_after_any_failure)
        self._target = TlsTarget(to, asked.server_name, tuple(asked.alpn))

    def start(self) -> Step:
        """Want the one handshake, unless it cannot be made as it is asked for."""
        wrong = find_wrong(self._asked)
        if wrong:
            detail = f"{wrong} is not in the form that this agent takes"
            return o.Finding(not_run=o.Failure(kind=o.FAILURE_KIND_INTERNAL, detail=detail))
        return (Want(self._target, _to_finding),)

    def finish(self, missing: Missing) -> o.Finding:
        """Return the finding at the deadline."""
        return _to_finding(missing(self._target))


def make(_name: str, asked: p.Check) -> TlsHandshakeCheck:
    """Return the check of the host that is asked for; the question's name has no part in it."""
    return TlsHandshakeCheck(asked.tls_handshake)


def find_wrong(asked: p.TlsHandshake) -> str:
    """Return what of a handshake cannot be made as it is asked for; empty: nothing."""
    if not is_looked_up(asked.host):
        return "the host"
    if not is_looked_up(asked.server_name):
        return "the server name"
    if asked.port not in _PORTS:
        return "the port"
    if len(asked.alpn) > _MOST_PROTOCOLS:
        return "the number of application protocols"
    if not all(one.isascii() and len(one) in _PROTOCOL for one in asked.alpn):
        return "an application protocol"
    return ""


def _to_finding(seen: Seen[o.TlsFinding]) -> o.Finding:
    return o.Finding(tls_handshake=seen.finding)
