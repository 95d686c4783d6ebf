"""One line of a list, and what is wrong with it. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from mpic.bounds import MAX_NAMES
from mpic.name_form import InvalidNameError, check_form
from mpic.text import shorten
from mpic.words.catalogue import Language, say

_SHOWN = 80
"""Octets of a cell that are shown in a remark."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """What is said in the language of the run."""

    id: str
    """In the catalogue."""
    facts: Mapping[str, object] = field(default_factory=dict)
    """A fact may be a phrase too."""

    def say(self, lang: Language) -> str:
        """Return its text."""
        facts = {
            key: fact.say(lang) if isinstance(fact, Phrase) else fact
            for key, fact in self.facts.items()
        }
        return say(self.id, lang, **facts)


class ListError(Exception):
    """A list cannot be asked about, or not further; the phrase says what to do."""

    def __init__(self, code: str, /, **facts: object) -> None:
        """Take the code after "list.error.", and its facts."""
        self.phrase = Phrase(f"list.error.{code}", facts)
        super().__init__(self.phrase.say("en"))


@dataclass(frozen=True, slots=True)
class Remark:
    """What is wrong at one place of a line, and what would be right."""

    column: int
    """Counted from 1; 0: the line has no columns."""
    text: str
    """In English."""
    code: str = field(default="", compare=False)
    """Of its words in other languages; empty: there are none."""
    facts: Mapping[str, object] = field(default_factory=dict, compare=False)


def remark(column: int, code: str, **facts: object) -> Remark:
    """Return a remark that is told in the language of the run."""
    return Remark(column, Phrase(f"remark.{code}", facts).say("en"), code, facts)


@dataclass(frozen=True, slots=True)
class LineReading:
    """What a line says."""

    names: tuple[str, ...] = ()
    """Of one certificate, each once. None: nothing is asked."""
    malformed: Remark | None = None
    """Why nothing can be asked. None without names: the line is blank or a comment."""
    notes: tuple[Remark, ...] = ()
    """What is not as it should be, and no reason not to ask."""


@dataclass(frozen=True, slots=True)
class ListLine:
    """A line with its place in the file."""

    number: int
    """Counted from 1."""
    octets: bytes
    """As they stand there, with the line end."""
    reading: LineReading


def read_names(texts: Iterable[str], column: int, notes: tuple[Remark, ...] = ()) -> LineReading:
    """Return the certificate of these names; a name that is given twice counts once."""
    names = list({text.lower(): text for text in reversed(list(texts))}.values())[::-1]
    if len(names) > MAX_NAMES:
        wrong = remark(column, "many_names", count=len(names), most=MAX_NAMES)
        return LineReading(malformed=wrong, notes=notes)
    for name in names:
        if said := find_wrong_name(name):
            return LineReading(malformed=remark(column, "wrong_name", said=said), notes=notes)
    return LineReading(tuple(names), notes=notes)


def find_wrong_name(name: str) -> Phrase | None:
    """Say why a text is no name for a certificate; None: it may be one."""
    try:
        check_form(name)
    except InvalidNameError as error:
        why = Phrase(f"name.{error.code}", error.facts)
        return Phrase("name.wrong", {"name": shorten(name, _SHOWN), "why": why})
    return None
