"""A list that is open: what is known of it before, while and after it is read."""

from collections.abc import Iterator
from contextlib import contextmanager

from mpic.ask.lists.encoding import Encoding
from mpic.ask.lists.formats import ListFormat, ListOptions, ListReader
from mpic.ask.lists.line import ListError, ListLine, Phrase
from mpic.ask.lists.outputs import Dress
from mpic.ask.lists.source import open_source
from mpic.words import Language


class OpenedList:
    """A file of names or applications, or a pipe that brings one."""

    def __init__(self, path: str, options: ListOptions) -> None:
        """Open it, and read a file once to know its length and its encoding; raises ListError."""
        self._source = open_source(path)
        try:
            with self._naming():
                self.surveyed = self._source.survey()
        except ListError:
            self._source.close()
            raise
        encoding = options.encoding or (self.surveyed.encoding if self.surveyed else None)
        settled = ListOptions(options.format, encoding, options.column)
        self._reader = ListReader(self._source.name, settled)

    @property
    def name(self) -> str:
        """The list, for messages."""
        return self._source.name

    @property
    def lines_ahead(self) -> int | None:
        """How many lines there are; None: it is a pipe."""
        return self.surveyed.lines if self.surveyed else None

    def lines(self) -> Iterator[ListLine]:
        """Yield every line; raises ListError."""
        with self._naming():
            yield from self._reader.read(self._source.lines())

    def close(self) -> None:
        """Close it."""
        self._source.close()

    def check_read(self) -> Phrase | None:
        """Say what was added since the beginning; raises ListError if it is not the same list."""
        if self.surveyed is None:
            return None
        if not self._source.is_still(self.surveyed):
            raise ListError("in", name=self._source.name, said=Phrase("list.error.changed"))
        if not self._source.has_more():
            return None
        return Phrase("list.grown", {"name": self.name, "line": self.surveyed.lines})

    def dress(self, lang: Language) -> Dress:
        """Return how results are written so that they fit to the list, once it is read."""
        is_of_applications = self._reader.format is ListFormat.APPLICATIONS
        is_marked = self._source.has_mark
        usual = Encoding.SHIFT_JIS if is_of_applications and not is_marked else Encoding.UTF_8
        encoding = self._reader.known_encoding or usual
        return Dress(encoding, is_marked, is_of_applications, lang)

    @contextmanager
    def _naming(self) -> Iterator[None]:
        """Put the name of the list before what is wrong with it."""
        try:
            yield
        except ListError as error:
            raise ListError("in", name=self._source.name, said=error.phrase) from error
