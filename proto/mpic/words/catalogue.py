"""The catalogue: a text for each message id, in each language.

A text has the facts in braces, such as {zone}. It is filled in once and never searched again, so
what came from the network cannot do anything in it. Whoever fills in escapes it before.
"""

import gettext
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Literal

Language = Literal["en", "ja"]
LANGUAGES: tuple[Language, ...] = ("en", "ja")

# The first that is set decides (POSIX, "Environment Variables", 8.2).
_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")


def choose_language(wanted: str | None, environment: Mapping[str, str]) -> Language:
    """Return the language that is wanted, else that of the environment; English if in doubt."""
    locale = wanted or next(filter(None, map(environment.get, _VARIABLES)), "")
    return "ja" if locale.lower().startswith("ja") else "en"


def say(id: str, language: Language, /, **facts: object) -> str:
    """Return a text with its facts; an id that is not known is returned as it is."""
    return _read(language).gettext(id).format(**facts)


def is_known(id: str, language: Language) -> bool:
    """Whether there is a text for an id."""
    return _read(language).gettext(id) != id


def say_first(ids: Sequence[str], language: Language, /, **facts: object) -> str:
    """Return the text of the first id that has one; the last must have one."""
    known = (one for one in ids if is_known(one, language))
    return say(next(known, ids[-1]), language, **facts)


def read_text(ids: Sequence[str], language: Language) -> str:
    """Return the text of the first id that has one, with its facts in braces."""
    return _read(language).gettext(next((one for one in ids if is_known(one, language)), ids[-1]))


@cache
def _read(language: Language) -> gettext.GNUTranslations:
    compiled = files("mpic.words") / "locale" / language / "LC_MESSAGES" / "mpic.mo"
    with compiled.open("rb") as file:
        return gettext.GNUTranslations(file)
