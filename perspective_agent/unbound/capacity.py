"""How much an agent looks up at the same time: what the open files of it and its Unbound allow.

A lookup that finds no socket would wait inside Unbound, and its failure would look like the
domain's. So Unbound is given less at a time than the sockets it may open, always in the same
proportion. The others wait in the agent. If they fail there, the agent counts it as its own
failure.
"""

from dataclasses import dataclass

import structlog

from mpic.runtime.open_files import HOW_TO_SET
from perspective_agent.dns.connection import PER_CONNECTION

log = structlog.get_logger()

_UNBOUNDS_OWN = 64
"""Files that Unbound opens besides: listening sockets, event loop, control, trust anchors."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """What there is room for. These are the values if the limit leaves room for all."""

    connections: int = 64
    """From the agent to its Unbound."""
    incoming_tcp: int = 256
    """Connections that Unbound holds: some close while others open."""
    outgoing_udp: int = 4096
    """Sockets for asking servers."""
    outgoing_tcp: int = 1024
    """So a lookup that hangs over TCP keeps no other from it; the default is ten in all."""
    questions: int = 4096
    """That are looked up or wait."""

    @property
    def files(self) -> int:
        """What Unbound may have open at most."""
        return self.incoming_tcp + self.outgoing_udp + self.outgoing_tcp + _UNBOUNDS_OWN

    @property
    def lookups(self) -> int:
        """What Unbound is given at a time, at most."""
        return self.connections * PER_CONNECTION


FULL = Capacity()

_LEAST_QUESTIONS = 100
"""As many as one certificate may have names."""


def find_capacity(limit: int) -> Capacity:
    """Return what there is room for, and say so in the log if it is less than it could be."""
    capacity = fit_capacity(limit)
    if capacity != FULL:
        log.warning(
            "open_files_few",
            limit=limit,
            wanted=FULL.files,
            lookups=capacity.lookups,
            questions=capacity.questions,
            mend=HOW_TO_SET,
        )
    return capacity


def fit_capacity(limit: int) -> Capacity:
    """Return what there is room for; `limit` is open_files.LEAST or more. Pure."""
    share = (limit - _UNBOUNDS_OWN) / (FULL.files - _UNBOUNDS_OWN)
    if share >= 1:
        return FULL
    connections = int(FULL.connections * share)
    incoming, tcp = 4 * connections, int(FULL.outgoing_tcp * share)
    return Capacity(
        connections=connections,
        incoming_tcp=incoming,
        outgoing_udp=limit - _UNBOUNDS_OWN - incoming - tcp,
        outgoing_tcp=tcp,
        questions=max(int(FULL.questions * share), _LEAST_QUESTIONS),
    )
