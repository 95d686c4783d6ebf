"""In which language a page is: as its link says, else as the browser prefers. Pure."""

import re

from mpic.words import LANGUAGES, Language

# RFC 4647 section 2.1, and a weight.
_RANGE = re.compile(r"([A-Za-z]{1,8})(?:-[A-Za-z0-9]{1,8})*(?:\s*;\s*q=([01](?:\.[0-9]{0,3})?))?")
_MOST = 32
"""Of the languages that a browser names; the others are not looked at."""


def choose_page_language(wanted: str, accepted: str) -> Language:
    """Return the language that is wanted, else what `Accept-Language` prefers, else English.

    A language without a weight has 1, and one of weight 0 is not accepted (RFC 9110 12.4.2).
    """
    for known in LANGUAGES:
        if wanted == known:
            return known
    found = [_RANGE.fullmatch(part.strip()) for part in accepted.split(",")[:_MOST]]
    weights: list[tuple[float, int, Language]] = [
        (float(one[2] or 1), -place, known)
        for place, one in enumerate(found)
        for known in LANGUAGES
        if one and one[1].lower() == known
    ]
    weight, _, best = max(weights, default=(0.0, 0, "en"))
    return best if weight else "en"
