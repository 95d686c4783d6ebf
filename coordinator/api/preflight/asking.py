"""Asks about each line of a list on the main path, as a dry run, under the caller's name."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime

import structlog
from grpc import StatusCode

from coordinator.api.answers import Answers
from coordinator.api.preflight.coming import find_changes
from coordinator.api.preflight.jobs import PreflightJob
from coordinator.corroboration import Call, Corroborator
from mpic.ask.lists.journal import JournalLine
from mpic.ask.lists.line import ListError, ListLine, Phrase
from mpic.ask.lists.results import settle, settle_malformed
from mpic.client.errors import ClientError, Failure, make_error
from mpic.client.result import Result
from mpic.runtime.grpc.errors import RequestError
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import record_pb2 as r
from mpic.words import LANGUAGES

log = structlog.get_logger()

AT_A_TIME = 4
"""Lines of one list that are asked about at the same time."""
TRIES = 6
"""For a line that the service has no room for."""
_LONGEST_WAIT = 10.0
"""Seconds until such a line is asked about again."""


class Asker:
    """Asks about lists."""

    def __init__(
        self,
        corroborator: Corroborator,
        answers: Answers,
        is_allowed: Callable[[str], bool],
        clock: Callable[[], datetime],
    ) -> None:
        """Ask `corroborator` for as long as a list's caller `is_allowed`."""
        self._corroborator = corroborator
        self._answers = answers
        self._is_allowed = is_allowed
        self._clock = clock

    async def ask(self, job: PreflightJob) -> None:
        """Ask about all lines of a list; what is known by then stays if that ends early."""
        lines = iter(job.handed_in.lines)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(AT_A_TIME):
                    group.create_task(self._ask_lines(job, lines))
        except* ListError as errors:
            first = errors.exceptions[0]
            job.wrong = first.phrase if isinstance(first, ListError) else None
        except* Exception:
            log.exception("preflight_failed")
            job.wrong = Phrase("preflight.failed")

    async def _ask_lines(self, job: PreflightJob, lines: Iterator[ListLine]) -> None:
        for line in lines:
            if not self._is_allowed(job.caller):
                raise ListError("not_allowed", said=job.caller)
            await self._ask_line(job, line)

    async def _ask_line(self, job: PreflightJob, line: ListLine) -> None:
        reading = line.reading
        request_id = f"preflight:{job.id}:{line.number}"
        known = JournalLine(line.number, request_id, reading.names, line.octets)
        if reading.malformed is not None:
            malformed = reading.malformed
            ended = {one: settle_malformed(known, malformed, one) for one in LANGUAGES}
            job.end(line.number, ended)
        elif reading.names:
            names = [c.RequestedName(name=name) for name in reading.names]
            request = c.CorroborateRequest(
                request_id=request_id, names=names, issuer=job.issuer, dry_run=True
            )
            result, record = await self._corroborate(request, job.caller)
            if record is not None:
                rules = self._corroborator.rules.policy, self._corroborator.issuers
                job.changes[line.number] = find_changes(record, *rules, self._clock())
            job.end(line.number, {one: settle(known, result, one) for one in LANGUAGES})

    async def _corroborate(
        self, request: c.CorroborateRequest, caller: str
    ) -> tuple[Result, r.Record | None]:
        """Return the answer, and its record; an error once asking again does not help."""
        for left in range(TRIES - 1, -1, -1):
            try:
                record = await self._corroborator.corroborate(request, Call(caller, lambda: None))
            except RequestError as error:
                if not left or error.status is not StatusCode.RESOURCE_EXHAUSTED:
                    return Result(request, error=_as_clients_see(error)), None
                await asyncio.sleep(min(error.retry_after or 1.0, _LONGEST_WAIT))
            else:
                answer = c.CorroborateResponse()
                self._answers.fill(answer, record)
                return Result(request, answer), record
        raise AssertionError("a last try has an end")


def _as_clients_see(error: RequestError) -> ClientError:
    violations = [
        c.FieldViolation(field=one.field, description=one.description) for one in error.violations
    ]
    failure = Failure(error.status, error.message, error.reason, violations, error.retry_after)
    return make_error(failure)
