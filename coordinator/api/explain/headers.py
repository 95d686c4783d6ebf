"""What a browser is told beside a page: nothing runs in it, and nobody keeps it. Pure."""

from collections.abc import Collection, Mapping, Sequence
from urllib.parse import urlsplit

_POLICY = (
    "default-src 'none'",
    "style-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
)

_USUAL: Mapping[str, str] = {
    "Content-Security-Policy": "; ".join(_POLICY),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
}
_STYLE_SECONDS = 86_400


def page_headers(language: str = "") -> dict[str, str]:
    """Return the headers of a page in a language; empty: it is in all of them."""
    own = {"Cache-Control": "no-store", "Vary": "Accept, Accept-Language"}
    named = {"Content-Language": language} if language else {}
    return {**_USUAL, **own, **named}


def style_headers() -> dict[str, str]:
    """Return the headers of the style sheet: its URL changes with it."""
    return {**_USUAL, "Cache-Control": f"public, max-age={_STYLE_SECONDS}, immutable"}


def accepts_html(accepted: Sequence[str]) -> bool:
    """Whether a caller wants a page: a browser says so, and a program does not."""
    ranges = (one.partition(";")[0].strip().lower() for part in accepted for one in part.split(","))
    return any(one in ("text/html", "application/xhtml+xml") for one in ranges)


def list_origins(host: str, public_url: str) -> set[str]:
    """Return the origins of this service: as it was asked, and as `public_url` has it, if any."""
    parts = urlsplit(public_url)
    return {f"https://{host}", *([f"{parts.scheme}://{parts.netloc}"] if public_url else [])}


def is_same_origin(headers: Mapping[str, str], own: Collection[str]) -> bool:
    """Whether a form comes from a page of ours; `own` are the origins that this service has.

    A browser says where a form comes from: in Sec-Fetch-Site, and older ones in Origin. What says
    nothing is no browser.
    """
    site = headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    origin = headers.get("Origin")
    return origin is None or origin in own
