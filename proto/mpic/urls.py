"""Which URLs are asked for, and where a redirect leads (RFC 3986, RFC 9110). Pure.

Agents follow redirects by these rules, and the coordinator judges by them what agents followed.

A URL that two programs may read in two ways is read in none: a host that one takes for a name and
another for an address, user information that looks like a host, a backslash that is a slash to
some. Such a URL is refused before anything is looked up.
"""

import re
from typing import NamedTuple
from urllib.parse import quote

from mpic.name_form import MAX_NAME, InvalidNameError
from mpic.names import parse_name
from mpic.text import shorten

PATH_OCTETS = 2000
URL_OCTETS = 4000
"""With the query."""

DEFAULT_PORTS = {"http": 80, "https": 443}

# RFC 3986 appendix B: scheme, authority, path, query. The fragment is dropped.
_PARTS = re.compile(r"(?:([^:/?#]+):)?(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#.*)?")
# Names of hosts may have underscores, though no certificate has them.
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})+")
# "Ends in a number" (URL Standard): such a host is an IPv4 address to some parsers.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PORT = re.compile(r"[0-9]{1,5}")
_MAX_PORT = 65535
# Not in the public DNS, or bogus to agents on purpose.
_NOWHERE = ("localhost", "onion", "arpa")
_VISIBLE = "".join(map(chr, range(0x21, 0x7F)))
_QUOTED = 80
"""Octets of a foreign text in a sentence."""


class UrlError(ValueError):
    """The text is not a URL that is asked for; it says why."""


class Url(NamedTuple):
    """A URL that may be asked for."""

    scheme: str
    """ "http" or "https"."""
    host: str
    """Lower-case, A-labels, no final dot."""
    port: int
    target: str
    """The path and the query, as they stand in the request (RFC 9112 section 3.2.1)."""

    @property
    def authority(self) -> str:
        """The host, and the port if it is not the scheme's own: the value of the field Host."""
        is_default = self.port == DEFAULT_PORTS[self.scheme]
        return self.host if is_default else f"{self.host}:{self.port}"

    def __str__(self) -> str:
        """Write it in the one form in which URLs are compared."""
        return f"{self.scheme}://{self.authority}{self.target}"


def parse_url(text: str) -> Url:
    """Return an absolute URL; raises UrlError."""
    return _resolve(text, None)


def follow(base: Url, location: bytes) -> Url:
    """Return where a redirect of `base` leads, by its field Location (RFC 9110 section 10.2.2).

    The field is a URL or a relative reference (RFC 3986 section 5.2). Raises UrlError.
    """
    try:
        return _resolve(location.decode(), base)
    except UnicodeDecodeError:
        raise UrlError("it is not UTF-8") from None


def _resolve(text: str, base: Url | None) -> Url:
    _check_text(text)
    parts = _PARTS.fullmatch(text)
    if parts is None:  # every text matches
        raise UrlError("it is no URL")
    scheme, authority, path, query = parts.groups()
    if scheme is None and base is None:
        raise UrlError("it is not absolute")
    if scheme is None and authority is None and base is not None:
        return _make(base, _merge(base.target, path, query))
    scheme = scheme.lower() if scheme is not None else base.scheme if base is not None else ""
    if scheme not in DEFAULT_PORTS:
        raise UrlError(f"its scheme is {_show(scheme)}; http and https are asked for")
    host, port = _read_authority(authority or "")
    place = Url(scheme, host, port or DEFAULT_PORTS[scheme], "")
    return _make(place, _join(_remove_dots(path or "/"), query))


def _check_text(text: str) -> None:
    """Refuse what some parsers drop, or read as something else."""
    if len(text) > URL_OCTETS:
        raise UrlError(f"it has {len(text)} characters; {URL_OCTETS} may be")
    if not text.isprintable():
        raise UrlError("it holds a control or other unprintable character")
    if " " in text:
        raise UrlError("it holds a space")
    if "\\" in text:
        raise UrlError("it holds a backslash, which is a slash to some")


def _make(place: Url, target: str) -> Url:
    """Return the URL of a target at the place of another; what is encoded stays so."""
    url = place._replace(target=quote(target, safe=_VISIBLE))
    path = url.target.partition("?")[0]
    if len(path) > PATH_OCTETS:
        raise UrlError(f"its path has {len(path)} octets; {PATH_OCTETS} may be")
    if len(str(url)) > URL_OCTETS:
        raise UrlError(f"it has {len(str(url))} octets; {URL_OCTETS} may be")
    return url


def _read_authority(authority: str) -> tuple[str, int | None]:
    """Return the host, and the port if there is one."""
    if "@" in authority:
        raise UrlError("it has user information")
    if "[" in authority or "]" in authority:
        raise UrlError("its host is an IP address; only names are asked for")
    host, _, port = authority.partition(":")
    host = _read_host(host)
    if not port:
        return host, None  # RFC 3986 section 3.2.3: "host:" has the scheme's own port
    if not _PORT.fullmatch(port) or not 0 < int(port) <= _MAX_PORT:
        raise UrlError(f"its port is {_show(port)}")
    return host, int(port)


def _read_host(text: str) -> str:
    if not text:
        raise UrlError("it has no host")
    host = text.lower() if text.isascii() else _encode_host(text)
    last = host.rpartition(".")[2]
    if _NUMBER.fullmatch(last):
        raise UrlError(f"its host {_show(host)} is or looks like an IP address")
    if "." not in host:
        raise UrlError(f"its host {_show(host)} is a single label")
    if last.startswith("well-known"):
        raise UrlError(
            f"its host is {_show(host)}: a slash is missing before .well-known; write one at the"
            " end of the redirect's target in the web server's configuration"
        )
    if len(host) > MAX_NAME or not _HOST.fullmatch(host):
        raise UrlError(f"its host {_show(host)} is not a name that can be looked up")
    if last in _NOWHERE:
        raise UrlError(f"its host {_show(host)} is in {last}, which agents cannot look up")
    return host


def _encode_host(text: str) -> str:
    try:
        name = parse_name(text)
    except InvalidNameError as error:
        raise UrlError(f"its host {_show(text)} {error}") from None
    return name.certificate_name


def _merge(base: str, path: str, query: str | None) -> str:
    """Return the target of a reference without scheme and authority (RFC 3986 section 5.2.2)."""
    base_path, _, _ = base.partition("?")
    if not path:
        return base if query is None else _join(base_path, query)
    if not path.startswith("/"):
        path = f"{base_path[: base_path.rindex('/')]}/{path}"
    return _join(_remove_dots(path), query)


def _join(path: str, query: str | None) -> str:
    # An empty query is left out, for aiohttp does not send its question mark.
    return f"{path}?{query}" if query else path


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


def _show(text: str) -> str:
    return f'"{shorten(text, _QUOTED)}"'
