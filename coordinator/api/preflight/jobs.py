"""Lists that were handed in, and what they have come to: in memory alone, of their callers alone.

There is a bound on how many there are, and each is forgotten after an hour.
"""

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from coordinator.api.preflight.coming import ComingChange
from coordinator.api.preflight.handed_in import HandedIn
from mpic.ask.lists.journal import JournalLine, LineState
from mpic.ask.lists.line import Phrase
from mpic.words import LANGUAGES, Language

SECONDS = 3600.0
"""Until a list is forgotten."""
MOST = 32
"""Lists in each process."""
MOST_OF_CALLER = 4
"""Lists of one caller; of these one is asked about at a time."""


class NoRoomError(Exception):
    """There are as many lists as there may be."""


@dataclass(eq=False, slots=True)
class PreflightJob:
    """One list."""

    id: str
    caller: str
    issuer: str
    handed_in: HandedIn
    began: float
    """Seconds, of the clock of the jobs."""
    results: Mapping[Language, dict[int, JournalLine]] = field(
        default_factory=lambda: {one: {} for one in LANGUAGES}
    )
    """What each line came to, in each language, by its number."""
    changes: dict[int, Sequence[ComingChange]] = field(default_factory=dict)
    """By line: names whose verdict turns at a date to come."""
    wrong: Phrase | None = None
    """Why not all lines are asked."""
    asking: asyncio.Task[None] | None = None

    @property
    def is_running(self) -> bool:
        """Whether lines are being asked about."""
        return self.asking is not None and not self.asking.done()

    @property
    def total(self) -> int:
        """How many lines are no blank ones."""
        lines = self.handed_in.lines
        return sum(bool(one.reading.names or one.reading.malformed) for one in lines)

    def end(self, number: int, ended: Mapping[Language, JournalLine]) -> None:
        """Note what a line came to."""
        for language, line in ended.items():
            self.results[language][number] = line

    def show(self, language: Language) -> "JobLines":
        """Return what is known, in a language."""
        return JobLines(self, language)


@dataclass(frozen=True, slots=True)
class JobLines:
    """The lines of a job, as the outputs of lists take them."""

    job: PreflightJob
    language: Language

    def lines(self, *states: LineState) -> Iterator[JournalLine]:
        """Yield the lines in their order: of these states, or all."""
        known = self.job.results[self.language]
        for one in self.job.handed_in.lines:
            is_blank = not (one.reading.names or one.reading.malformed)
            state = LineState.BLANK if is_blank else LineState.OPEN
            usual = JournalLine(one.number, "", one.reading.names, one.octets, state)
            line = known.get(one.number, usual)
            if not states or line.state in states:
                yield line

    def count(self) -> dict[LineState, int]:
        """Return how many lines are in each state."""
        return dict(Counter(line.state for line in self.lines()))


class PreflightJobs:
    """All lists of this process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start with none; `clock` gives seconds."""
        self._clock = clock
        self._jobs: dict[str, PreflightJob] = {}

    def add(self, caller: str, issuer: str, handed_in: HandedIn) -> PreflightJob:
        """Take a list; raises NoRoomError. The caller's oldest makes room if it is done."""
        self._forget_old()
        mine = self.of_caller(caller)
        if any(one.is_running for one in mine):
            raise NoRoomError
        if len(mine) >= MOST_OF_CALLER:
            del self._jobs[mine[0].id]
        if len(self._jobs) >= MOST:
            raise NoRoomError
        job = PreflightJob(secrets.token_urlsafe(16), caller, issuer, handed_in, self._clock())
        self._jobs[job.id] = job
        return job

    def find(self, job_id: str, caller: str) -> PreflightJob | None:
        """Return a list of a caller; None: that caller has none of that id."""
        self._forget_old()
        job = self._jobs.get(job_id)
        return job if job is not None and job.caller == caller else None

    def of_caller(self, caller: str) -> Sequence[PreflightJob]:
        """Return a caller's lists, the oldest first."""
        return [one for one in self._jobs.values() if one.caller == caller]

    def stop(self) -> None:
        """Ask about nothing any more."""
        for job in self._jobs.values():
            if job.asking is not None:
                job.asking.cancel()

    def forget_in_time(self) -> None:
        """Forget this job's list when its time has come, also if nobody asks for anything."""
        asyncio.get_running_loop().call_later(SECONDS + 1, self._forget_old)

    def _forget_old(self) -> None:
        now = self._clock()
        for job in [one for one in self._jobs.values() if now - one.began >= SECONDS]:
            if job.asking is not None:
                job.asking.cancel()
            del self._jobs[job.id]
