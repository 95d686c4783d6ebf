"""The checks that an agent can run for a name: one shape, one register.

A check does no I/O. It says what it wants, and all of that is started at once. It takes the results
one by one until its finding is certain. If it then needs more, it says so.

To add a check: its message in the `oneof`s of perspective.proto and observation.proto, a module
here with a `make`, and a line in `CHECKS` under the name of the `oneof` member.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Protocol

from mpic.fields import discard_unknown
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p
from perspective_agent.checks import addresses, caa_walk, http_get, records, tls_handshake
from perspective_agent.wants import Missing, Step


class RunningCheck(Protocol):
    """A check that runs: it takes results and returns its finding."""

    def start(self) -> Step:
        """Return what is wanted first; the results go to each want's `take`.

        If nothing can be looked at as it is asked for, it returns the finding.
        """

    def finish(self, missing: Missing) -> o.Finding:
        """Return the finding, with `missing(target)` for each target that is still open."""


Make = Callable[[str, p.Check], RunningCheck]
"""Makes the check of a name, as the question asks for it."""

CHECKS: dict[str, Make] = {
    "caa_walk": caa_walk.make,
    "addresses": addresses.make,
    "records": records.make,
    "http_get": http_get.make,
    "tls_handshake": tls_handshake.make,
}


@lru_cache(maxsize=1024)
def read_kind(octets: bytes) -> str | o.Finding:
    """Return the name of the check to run, or the finding that this agent is older than the caller.

    It is also older if a check demands more than it knows: its finding would look as if it had
    understood the demand. Nearly all questions ask for the same few checks, so each is read once.
    """
    asked = p.Check.FromString(octets)
    kind = asked.WhichOneof("kind")
    if kind is None or kind not in CHECKS:
        return _unsupported(f"the check {kind or 'asked for'}")
    if discard_unknown(asked):
        return _unsupported(f"all that is asked of the check {kind}")
    return kind


def _unsupported(what: str) -> o.Finding:
    detail = f"this agent does not know {what}; it is older than the caller"
    return o.Finding(not_run=o.Failure(kind=o.FAILURE_KIND_UNSUPPORTED_CHECK, detail=detail))
