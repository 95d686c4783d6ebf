"""One HTTP GET with its redirects: the second of three ways of looking. Pure.

The coordinator says which URL, how much of the content, and which redirects may be followed. It
judges what came; this agent knows no token, and no value that anybody expects.
"""

from mpic.urls import UrlError, parse_url
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p
from perspective_agent.connect.shared_looks import Seen
from perspective_agent.http.redirects import MOST, RedirectLimits
from perspective_agent.http.target import HttpTarget
from perspective_agent.wants import Missing, Step, Want

BODY_OCTETS = 65_536
"""Of the content, at most."""
_REDIRECTS = range(300, 400)
_PORTS = range(1, 65_536)


class HttpGetCheck:
    """One GET of one URL."""

    def __init__(self, asked: p.HttpGet) -> None:
        """Get what is asked for."""
        self._problem = _find_problem(asked)
        rules = asked.redirects
        self._target = HttpTarget(
            asked.url,
            asked.body_octets,
            RedirectLimits(rules.most, frozenset(rules.statuses), frozenset(rules.ports)),
        )

    def start(self) -> Step:
        """Want the GET, unless it cannot be made."""
        if self._problem:
            detail = f"this cannot be asked for: {self._problem}"
            failure = o.Failure(kind=o.FAILURE_KIND_INTERNAL, detail=detail)
            return o.Finding(not_run=failure)
        return (Want(self._target, _to_finding),)

    def finish(self, missing: Missing) -> o.Finding:
        """Return the finding at the deadline."""
        return _to_finding(missing(self._target))


def make(_name: str, asked: p.Check) -> HttpGetCheck:
    """Return the check of the URL that is asked for; the question's name has no part in it."""
    return HttpGetCheck(asked.http_get)


def _find_problem(asked: p.HttpGet) -> str:
    """Say why something cannot be asked for; "": it can. Then the caller is at fault."""
    try:
        parse_url(asked.url)
    except UrlError as error:
        return f"the URL: {error}"
    if "#" in asked.url:
        return "the URL: it has a fragment"
    if asked.body_octets > BODY_OCTETS:
        return f"{asked.body_octets} octets of content; {BODY_OCTETS} may be"
    return _find_problem_of(asked.redirects)


def _find_problem_of(rules: p.RedirectRules) -> str:
    if rules.most > MOST:
        return f"{rules.most} redirects; {MOST} may be"
    if any(status not in _REDIRECTS for status in rules.statuses):
        return "a status code that is no redirect's"
    if any(port not in _PORTS for port in rules.ports):
        return "a port that there is not"
    return ""


def _to_finding(result: Seen[o.HttpFinding]) -> o.Finding:
    return o.Finding(http_get=result.finding)
