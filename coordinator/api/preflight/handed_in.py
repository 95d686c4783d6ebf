"""A list that was handed in: the lines as `mpic ask --file` reads them, up to a bound. Pure."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from mpic.ask.lists.applications_format import FQDN
from mpic.ask.lists.encoding import Encoding, EncodingGuess
from mpic.ask.lists.formats import ListFormat, ListOptions, ListReader
from mpic.ask.lists.line import ListError, ListLine
from mpic.ask.lists.outputs import Dress
from mpic.ask.lists.source import Source
from mpic.words import Language

MOST_LINES = 1_000
"""Certificates of one list; for more there is `mpic ask --file`."""
MOST_NAMES = 5_000
"""Of all lines together."""
_LINES_READ = 10_000
"""Also empty lines and comments: each is kept, to be given back."""


@dataclass(frozen=True, slots=True)
class HandedIn:
    """A list, and how it is given back."""

    lines: Sequence[ListLine]
    format: ListFormat
    encoding: Encoding
    has_mark: bool

    def dress(self, language: Language) -> Dress:
        """Return how results are written so that they fit to the list."""
        pads = self.format is ListFormat.APPLICATIONS
        return Dress(self.encoding, self.has_mark, pads, language)


def read_list(name: str, octets: bytes, column: str = "") -> HandedIn:
    """Read a list by its file's name and its octets; raises ListError."""
    source = Source(name, io.BytesIO(octets))
    raw = list(islice(source.lines(), _LINES_READ + 1))
    if len(raw) > _LINES_READ:
        raise ListError("too_many", lines=MOST_LINES, names=MOST_NAMES)
    guess = EncodingGuess()
    for one in raw:
        guess.see(one.content)
    reader = ListReader(name, ListOptions(None, guess.encoding, column))
    lines = list(reader.read(raw))
    asked = [one for one in lines if one.reading.names or one.reading.malformed]
    if not asked:
        raise ListError("no_names", name=name)
    if len(asked) > MOST_LINES or sum(len(one.reading.names) for one in asked) > MOST_NAMES:
        raise ListError("too_many", lines=MOST_LINES, names=MOST_NAMES)
    usual = Encoding.SHIFT_JIS if reader.format is ListFormat.APPLICATIONS else Encoding.UTF_8
    encoding = reader.known_encoding or (Encoding.UTF_8 if source.has_mark else usual)
    return HandedIn(lines, reader.format or ListFormat.NAMES, encoding, source.has_mark)


def read_pasted(text: str) -> HandedIn:
    """Read what was pasted: names, one a line, or lines of an application file."""
    octets = text.replace("\r\n", "\n").encode()
    is_table = any(line.count("\t") >= FQDN - 1 for line in text.splitlines())
    return read_list("names.tsv" if is_table else "names.txt", octets)
