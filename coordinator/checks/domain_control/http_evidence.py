"""Reading an HTTP GET with its redirects, as an agent tells it. Pure.

An agent tells every hop: the URL, how its host was found and reached, and the response. The first
URL must be the one that was asked for. Each next one must be where the response before redirects
to, by a status and to a port that were allowed. What does not fit together is not believed, so that
everybody can judge again from what is recorded.
"""

from collections.abc import Sequence

from coordinator.checks.check import MalformedFindingError, Statuses
from coordinator.checks.domain_control.connection_evidence import (
    TLS_VERSIONS,
    Endpoint,
    read_connection,
)
from mpic.urls import Url, UrlError, follow, parse_url
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p


def read_http(finding: o.Finding, asked: p.HttpGet, believed: Statuses) -> o.HttpHop:
    """Return the hop that decides: the last one, or the first one whose host is bogus, as failed.

    Raises MalformedFindingError, or NotValidatedError for a lookup that is not `believed`.
    """
    hops = finding.http_get.hops
    urls = _follow_hops(hops, asked)
    # The last hop may be a redirect that was not followed: nobody was asked there.
    for hop, url in zip(hops, urls, strict=False):
        bogus = _read_hop(hop, url, asked, believed)
        if bogus is not None:
            return o.HttpHop(url=hop.url, failure=bogus)
    return hops[-1]


def _follow_hops(hops: Sequence[o.HttpHop], asked: p.HttpGet) -> Sequence[Url]:
    """Return the URLs that were asked for, each of which follows from the one before."""
    if not hops:
        raise MalformedFindingError("an HTTP GET without a hop")
    urls: list[Url] = []
    for index, hop in enumerate(hops):
        if index == len(hops) - 1 and _was_not_asked(hop):
            break
        url = _follow(hops[index - 1], urls[-1], asked.redirects) if urls else parse_url(asked.url)
        if hop.url != str(url):
            raise MalformedFindingError(f"a hop to {hop.url!r} instead of {str(url)!r}")
        if url in urls:
            raise MalformedFindingError(f"{hop.url!r} was asked for twice")
        urls.append(url)
    if len(urls) > asked.redirects.most + 1:
        raise MalformedFindingError(f"{len(urls) - 1} redirects were followed")
    return urls


def _was_not_asked(hop: o.HttpHop) -> bool:
    """Whether a redirect was not followed, or the perspective could not even begin."""
    return hop.HasField("failure") and not hop.HasField("connection")


def _follow(hop: o.HttpHop, url: Url, rules: p.RedirectRules) -> Url:
    """Return where a hop redirects to, if that may be followed; raises MalformedFindingError."""
    if hop.response.status not in rules.statuses:
        raise MalformedFindingError(f"a hop after one that ended with {hop.response.status}")
    try:
        target = follow(url, hop.response.location)
    except UrlError as error:
        raise MalformedFindingError(f"a redirect was followed, but {error}") from error
    if target.port not in rules.ports:
        raise MalformedFindingError(f"a redirect to port {target.port} was followed")
    return target


def _read_hop(hop: o.HttpHop, url: Url, asked: p.HttpGet, believed: Statuses) -> o.Failure | None:
    """Return the failure of a bogus lookup, or None; raises as `read_http`."""
    result = hop.WhichOneof("result")
    if result is None:
        raise MalformedFindingError(f"a hop to {hop.url!r} without a result")
    is_answered = result == "response"
    if is_answered:
        _check_response(hop, url, asked)
    return read_connection(
        hop.connection, Endpoint(url.host, url.port), believed, is_answered=is_answered
    )


def _check_response(hop: o.HttpHop, url: Url, asked: p.HttpGet) -> None:
    if len(hop.response.body) > asked.body_octets:
        text = f"a body of {len(hop.response.body)} octets; {asked.body_octets} were asked for"
        raise MalformedFindingError(text)
    version = hop.connection.tls_version
    if version not in (TLS_VERSIONS if url.scheme == "https" else {""}):
        raise MalformedFindingError(f"a response to {url.scheme} with TLS version {version!r}")
