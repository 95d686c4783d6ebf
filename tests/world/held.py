"""Names that are being looked up for as long as a test wants: what is in flight stays so.

    with hold() as held:
        future = ask(*held.names(100))     # not answered
        held.release()                     # answered within a second or so

Each agent has one lookup that waits, whatever the number of names: that of their common parent's
CAA. The servers let go after ten seconds by themselves.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import dns.exception
import dns.message
import dns.query

from tests.world.network import HOSTILE
from tests.world.process import wait_until
from tests.world.zones import HOSTILE_ZONE


class Held:
    """Some names, and the end of waiting for them."""

    def __init__(self) -> None:
        """Hold nothing yet."""
        self._batch = uuid.uuid4().hex[:8]

    def names(self, count: int) -> list[str]:
        """Return names that nobody has asked for before."""
        return [f"{n}.hold.{self._batch}.held.{HOSTILE_ZONE}" for n in range(count)]

    def release(self) -> None:
        """Let everybody have their answers."""
        wait_until(self._tell, 60, lambda: f"{HOSTILE} does not answer")

    def _tell(self) -> bool:
        query = dns.message.make_query(f"release.{self._batch}.held.{HOSTILE_ZONE}", "A")
        try:
            dns.query.udp(query, HOSTILE, timeout=1)
        except (OSError, dns.exception.Timeout):
            return False
        return True


@contextmanager
def hold() -> Iterator[Held]:
    """Hold names, and release them in the end."""
    held = Held()
    try:
        yield held
    finally:
        held.release()
