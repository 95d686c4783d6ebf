"""Text that people will read: of strangers, escaped and bounded; and lengths of time. Pure."""

import re

ELLIPSIS = "..."
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,31}:[\x21-\x7e]{1,2000}")

# With the full-width signs, which a spreadsheet in Japanese takes for the others.
_FORMULA = ("=", "+", "-", "@", "'", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def escape(text: str) -> str:
    r"""Return the text with everything but printable characters as \DDD or \u{...}.

    What turns the direction of writing (Unicode's bidirectional controls) does not print either.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escape_one(char) for char in text)


def escape_cell(text: str) -> str:
    """Return the text escaped, as a cell that no spreadsheet takes for a formula."""
    shown = escape(text)
    return f"'{shown}" if shown.startswith(_FORMULA) else shown


def shorten(text: str, octets: int) -> str:
    """Return the text escaped, in at most this many octets of UTF-8, with "..." for what is cut.

    The middle is cut: a sentence often says at its end what is wrong with what it quotes.
    """
    if len(text) <= octets and text.isascii() and text.isprintable():
        return text  # nearly every text
    if len(text) > 2 * octets:
        text = text[:octets] + ELLIPSIS + text[-octets:]  # to escape all would take long
    encoded = escape(text).encode()
    if len(encoded) <= octets:
        return encoded.decode()
    end = (octets - len(ELLIPSIS)) // 3
    head = encoded[: octets - len(ELLIPSIS) - end].decode(errors="ignore")
    tail = encoded[len(encoded) - end :].decode(errors="ignore")
    return head + ELLIPSIS + tail


def _escape_one(char: str) -> str:
    code = ord(char)
    return f"\\{code:03d}" if code < 256 else f"\\u{{{code:x}}}"  # noqa: PLR2004 - an octet


def is_uri(text: str) -> bool:
    """Whether a text is a URI (RFC 3986 section 3): a scheme, and visible ASCII, not too long."""
    return _URI.fullmatch(text) is not None


def describe_difference(difference: float) -> str:
    """Say how far an agent's clock is from the coordinator's, such as "9 h behind"."""
    return f"{_describe_seconds(abs(difference))} {'ahead of' if difference > 0 else 'behind'}"


def _describe_seconds(seconds: float) -> str:
    """Return a length of time in the largest unit that fits at least twice."""
    for unit, name in ((_DAY, "days"), (_HOUR, "h"), (_MINUTE, "min")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:.0f} s"
