"""How far a run is, on a terminal; nothing where standard error is a file or a pipe."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from mpic.ask.lists.journal import JournalLine, LineState


class RateColumn(ProgressColumn):
    """Lines a second."""

    def render(self, task: Task) -> Text:
        """Return the rate of the last while."""
        return Text("" if task.speed is None else f"{task.speed:.0f}/s")


class RunProgress:
    """A bar with how many lines are done, how many of them are not approved, rate and time left."""

    def __init__(self, lines: int | None, *, is_shown: bool) -> None:
        """Show nothing yet; without a number of lines there is no time left."""
        self._bar = Progress(
            BarColumn(),
            MofNCompleteColumn(),
            RateColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[others]} not approved"),
            console=Console(stderr=True),
            transient=True,
            disable=not is_shown,
        )
        self._task = self._bar.add_task("", total=lines, others=0)
        self._others = 0

    def advance(self, line: JournalLine) -> None:
        """Count a line that has come to its end."""
        self._others += line.state not in {LineState.APPROVED, LineState.BLANK}
        self._bar.update(self._task, advance=1, others=self._others)

    def __enter__(self) -> Self:
        """Begin to show."""
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Take the bar away."""
        self._bar.stop()
