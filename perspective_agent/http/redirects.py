"""What follows from a response: the next URL, or the end (BR 3.2.2.4.18 and .19). Pure."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from mpic.text import shorten
from mpic.urls import URL_OCTETS, Url, UrlError, follow
from mpic.v1 import observation_pb2 as o

MOST = 10
"""Redirects, whatever is asked for (RFC 9110 section 15.4 asks for a limit)."""


class RedirectLimits(NamedTuple):
    """Which redirects are followed."""

    most: int = 0
    statuses: frozenset[int] = frozenset()
    """Other responses are the end, whatever they say of a location."""
    ports: frozenset[int] = frozenset()


class NotFollowed(NamedTuple):
    """A redirect that is not followed."""

    url: str
    """Where it leads; if that is no URL, its text, escaped."""
    failure: o.Failure


Next = Url | NotFollowed | None
"""None: the response is the end."""


def find_next(
    asked: Sequence[Url], status: int, locations: Collection[bytes], rules: RedirectLimits
) -> Next:
    """Decide what follows the response to the last of the URLs asked."""
    if status not in rules.statuses or not locations:
        return None
    location, *others = dict.fromkeys(locations)
    try:
        url = follow(asked[-1], location)
    except UrlError as error:
        text = shorten(location.decode(errors="backslashreplace"), URL_OCTETS)
        return _refuse(text, o.FAILURE_KIND_REDIRECT_NOT_ALLOWED, str(error))
    if others:
        refused = (o.FAILURE_KIND_REDIRECT_NOT_ALLOWED, "two locations differ")
    elif url.port not in rules.ports:
        refused = (o.FAILURE_KIND_REDIRECT_NOT_ALLOWED, f"port {url.port} is not allowed")
    elif url in asked:
        refused = (o.FAILURE_KIND_REDIRECT_LOOP, "its target was asked for before")
    elif len(asked) > min(rules.most, MOST):
        most = min(rules.most, MOST)
        refused = (o.FAILURE_KIND_TOO_MANY_REDIRECTS, f"{most} redirects are followed")
    else:
        return url
    return _refuse(str(url), *refused)


def _refuse(url: str, kind: o.FailureKind.ValueType, detail: str) -> NotFollowed:
    failure = o.Failure(kind=kind, detail=f"the redirect is not followed: {detail}")
    return NotFollowed(url, failure)
