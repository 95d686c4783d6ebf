"""A URL that may be fetched, and where a redirect leads (RFC 3986, RFC 9110). Pure.

Agents follow redirects by these rules, and the coordinator judges by them what agents followed. The
rules are stricter than those of browsers: where parsers differ, a URL is refused.
"""

import re
from dataclasses import dataclass

from mpic.names import InvalidNameError, parse_name

LONGEST = 2000
"""Octets of a URL, and of the field Location."""

SCHEMES = {"http": 80, "https": 443}
"""With the port of each."""

# RFC 3986 appendix B: scheme, authority, path, query. The fragment is dropped.
_PARTS = re.compile(r"(?:([^:/?#]+):)?(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#.*)?")
_AUTHORITY = re.compile(r"(?P<host>\[.*\]|[^:]*)(?::(?P<port>[0-9]{0,5}))?")
# Visible ASCII. Some parsers take a backslash for a slash.
_TEXT = re.compile(r"[!-\[\]-~]*")
# A last label that some parsers read as part of an IPv4 address (WHATWG URL, "ends in a number").
_NUMBER = re.compile(r"0x[0-9a-f]*")
_LARGEST_PORT = 65535


class UnusableUrlError(ValueError):
    """The text is no URL that may be fetched; it says what is wrong."""


@dataclass(frozen=True, slots=True)
class Url:
    """An absolute URL, without user information and fragment."""

    scheme: str
    """ "http" or "https"."""
    host: str
    """A name in looked-up form."""
    port: int
    target: str
    """The path, which begins with "/", and the query: what is asked for (RFC 9112 section 3.2)."""

    @property
    def authority(self) -> str:
        """The value of the field Host: without the port that the scheme has anyway."""
        is_default = self.port == SCHEMES[self.scheme]
        return self.host if is_default else f"{self.host}:{self.port}"

    def __str__(self) -> str:
        """Write it in the one form in which it is compared."""
        return f"{self.scheme}://{self.authority}{self.target}"


def parse_url(text: str) -> Url:
    """Return an absolute URL; raises UnusableUrlError."""
    return _resolve(text, None)


def follow(base: Url, location: bytes) -> Url:
    """Return where a response for `base` redirects to, by its field Location.

    The Location is a URL or a relative reference (RFC 9110 section 10.2.2, RFC 3986 section 5.2).
    Raises UnusableUrlError.
    """
    return _resolve(location.decode("latin-1"), base)


def _resolve(text: str, base: Url | None) -> Url:
    if len(text) > LONGEST:
        raise UnusableUrlError(f"has {len(text)} octets; at most {LONGEST} are followed")
    parts = _PARTS.fullmatch(text) if _TEXT.fullmatch(text) else None
    if parts is None:
        raise UnusableUrlError("has a backslash, a blank, or what is no visible ASCII character")
    scheme, authority, path, query = parts.groups()
    if base is None and scheme is None:
        raise UnusableUrlError("is not absolute")
    if scheme is None and authority is None and base is not None:
        return _checked(base.scheme, base.host, base.port, _merge(base.target, path, query))
    scheme = scheme.lower() if scheme is not None else base.scheme if base is not None else ""
    if scheme not in SCHEMES:
        raise UnusableUrlError(f"has the scheme {scheme!r}; only http and https are followed")
    host, port = _read_authority(authority or "", scheme)
    return _checked(scheme, host, port, _join(_remove_dots(path or "/"), query))


def _checked(scheme: str, host: str, port: int, target: str) -> Url:
    url = Url(scheme, host, port, target)
    if len(str(url)) > LONGEST:
        raise UnusableUrlError(f"leads to a URL of more than {LONGEST} octets")
    return url


def _read_authority(authority: str, scheme: str) -> tuple[str, int]:
    """Return host and port."""
    if "@" in authority:
        raise UnusableUrlError("has user information before the host")
    read = _AUTHORITY.fullmatch(authority)
    if read is None:
        raise UnusableUrlError(f"has {authority!r} where a host and a port should be")
    port = int(read["port"] or SCHEMES[scheme])
    if not 0 < port <= _LARGEST_PORT:
        raise UnusableUrlError(f"has the port {port}, which does not exist")
    return _read_host(read["host"]), port


def _read_host(text: str) -> str:
    if not text:
        raise UnusableUrlError("has no host")
    if not text.isascii() or "*" in text:
        raise UnusableUrlError(f"has the host {text!r}, which is no host name")
    try:
        host = parse_name(text).looked_up
    except InvalidNameError as error:
        raise UnusableUrlError(f"has the host {text!r}, which {error}") from error
    last = host.rpartition(".")[2]
    if _NUMBER.fullmatch(last):
        raise UnusableUrlError(f"has the host {text!r}, which ends in a number")
    if last == "well-known":
        raise UnusableUrlError(f"has the host {text!r}; a slash is missing after the host")
    return host


def _merge(base: str, path: str, query: str | None) -> str:
    """Return the target of a reference without scheme and authority (RFC 3986 section 5.2.2)."""
    base_path, _, _ = base.partition("?")
    if not path:
        return base if query is None else _join(base_path, query)
    if not path.startswith("/"):
        path = f"{base_path[: base_path.rindex('/')]}/{path}"
    return _join(_remove_dots(path), query)


def _join(path: str, query: str | None) -> str:
    return path if query is None else f"{path}?{query}"


def _remove_dots(path: str) -> str:
    """Remove the segments "." and ".." of a path that begins with "/" (RFC 3986 section 5.2.4)."""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in {".", ".."}:
        kept.append("")
    return "/" + "/".join(kept)
