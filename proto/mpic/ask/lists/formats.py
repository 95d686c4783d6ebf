"""What the formats of a list have in common: lines in, what they say out. Pure."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain

from mpic.ask.lists.applications_format import FQDN, read_application
from mpic.ask.lists.csv_format import (
    CsvRecord,
    RecordEnd,
    find_column,
    read_record,
    split_record,
)
from mpic.ask.lists.encoding import Encoding, EncodingGuess, decode_line
from mpic.ask.lists.line import LineReading, ListError, ListLine, Phrase, Remark, remark
from mpic.ask.lists.names_format import read_name
from mpic.ask.lists.source import MOST_OCTETS, RawLine

MOST_RECORD_LINES = 100
"""Lines of one CSV record; a quote that is not closed would take in the rest of the file."""


class ListFormat(StrEnum):
    """How the names stand in a list."""

    NAMES = "names"
    APPLICATIONS = "applications"
    CSV = "csv"


_BY_SUFFIX = {".tsv": ListFormat.APPLICATIONS, ".csv": ListFormat.CSV}


@dataclass(frozen=True, slots=True)
class ListOptions:
    """How a list is to be read; what is not said is found out."""

    format: ListFormat | None = None
    encoding: Encoding | None = None
    column: str = ""


class ListReader:
    """Reads the lines of one list."""

    def __init__(self, name: str, options: ListOptions) -> None:
        """Take the format by the name of the file, if that says it and the options do not."""
        suffix = name[name.rfind(".") :].lower() if "." in name else ""
        self.format = options.format or _BY_SUFFIX.get(suffix)
        self._options = options
        self._guess = EncodingGuess()
        self.known_encoding = options.encoding
        """None: nothing that depends on it has been read."""

    def read(self, lines: Iterable[RawLine]) -> Iterator[ListLine]:
        """Yield what each line says; raises ListError if no line can be read."""
        rest = iter(lines)
        before: list[RawLine] = []
        while self.format is None and (line := next(rest, None)):
            before.append(line)
            self.format = guess_format(line.content)
            if len(before) > MOST_RECORD_LINES:
                self.format = ListFormat.NAMES
        if self._options.column and self.format not in {None, ListFormat.CSV}:
            raise ListError("column_is_for_csv")
        whole = chain(before, rest)
        if self.format is ListFormat.CSV:
            return self._read_csv(whole)
        read = read_application if self.format is ListFormat.APPLICATIONS else read_name
        return self._read_each(whole, read)

    def _read_each(
        self, lines: Iterable[RawLine], read: Callable[[str], LineReading]
    ) -> Iterator[ListLine]:
        for line in lines:
            text = self._decode(line)
            reading = LineReading(malformed=text) if isinstance(text, Remark) else read(text)
            yield ListLine(line.number, line.octets, reading)

    def _read_csv(self, lines: Iterable[RawLine]) -> Iterator[ListLine]:
        index: int | None = None
        for first, octets, record in self._records(lines):
            if isinstance(record, Remark):
                yield ListLine(first, octets, LineReading(malformed=record))
            elif index is not None:
                yield ListLine(first, octets, read_record(record, index))
            elif any(record.cells) or record.end:
                if record.end:
                    wrong = Phrase(f"remark.{record.remark.code}")
                    raise ListError("heading", line=first, said=wrong)
                index = find_column(record.cells, self._options.column)

    def _records(self, lines: Iterable[RawLine]) -> Iterator[tuple[int, bytes, CsvRecord | Remark]]:
        """Yield each record with its first line's number, and its octets."""
        rest, ahead = iter(lines), deque[RawLine]()
        while line := _take(ahead, rest):
            text = self._decode(line)
            if isinstance(text, Remark):
                yield line.number, line.octets, text
                continue
            record, taken = split_record(text), [line]
            while record.end is RecordEnd.OPEN:
                more = self._go_on(taken, ahead, rest)
                if more is None:
                    break
                text = f"{text}\n{more}"
                record = split_record(text)
            if record.end is not None:
                # The lines after the first are read again, each by itself.
                ahead.extendleft(reversed(taken[1:]))
                del taken[1:]
                text_of_first = self._decode(line)
                if isinstance(text_of_first, str):
                    record = split_record(text_of_first)
            yield line.number, b"".join(one.octets for one in taken), record

    def _go_on(
        self, taken: list[RawLine], ahead: deque[RawLine], rest: Iterator[RawLine]
    ) -> str | None:
        """Take one line more into a record; None: it has as many as it may have."""
        octets = sum(len(one.octets) for one in taken)
        if len(taken) >= MOST_RECORD_LINES or octets >= MOST_OCTETS:
            return None
        line = _take(ahead, rest)
        if line is None:
            return None
        text = self._decode(line)
        if isinstance(text, Remark):
            ahead.appendleft(line)
            return None
        taken.append(line)
        return text

    def _decode(self, line: RawLine) -> str | Remark:
        if line.is_cut:
            return remark(0, "long_line", most=MOST_OCTETS)
        content = line.content
        if self.known_encoding is None and not content.isascii():
            self._guess.see(content)
            self.known_encoding = self._guess.encoding
        return decode_line(content, self.known_encoding or Encoding.UTF_8)


def guess_format(content: bytes) -> ListFormat | None:
    """Tell the format by a line; None: the line is blank or a comment."""
    stripped = content.strip()
    if not stripped or stripped.startswith(b"#"):
        return None
    if content.count(b"\t") >= FQDN - 1:
        return ListFormat.APPLICATIONS
    if b"," in content or b'"' in content:
        return ListFormat.CSV
    return ListFormat.NAMES


def _take(ahead: deque[RawLine], rest: Iterator[RawLine]) -> RawLine | None:
    return ahead.popleft() if ahead else next(rest, None)
