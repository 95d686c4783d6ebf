"""What a check gets by HTTP, and the result. Pure."""

from __future__ import annotations

from typing import NamedTuple

from mpic.v1 import observation_pb2 as o
from perspective_agent.connect.shared_looks import Seen
from perspective_agent.http.redirects import RedirectLimits


class HttpTarget(NamedTuple):
    """What to get; URL and limits were judged before."""

    url: str
    body_octets: int
    rules: RedirectLimits

    def too_large(self, detail: str) -> Seen[o.HttpFinding]:
        """Return the failure of a server whose redirects are too large to report."""
        failure = o.Failure(kind=o.FAILURE_KIND_TOO_LARGE, detail=detail)
        return Seen(o.HttpFinding(hops=[o.HttpHop(url=self.url, failure=failure)]), ())
