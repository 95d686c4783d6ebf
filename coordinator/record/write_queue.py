"""Entries that wait to be written, and those who wait for them to be durable."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import grpc
import structlog

from coordinator.record.determination import is_determination
from coordinator.record.index_terms import find_terms, request_term
from coordinator.record.stores.base import Claim, Entry
from mpic.runtime.grpc.errors import RequestError
from mpic.v1 import record_pb2 as r

log = structlog.get_logger()

Word = Callable[[], r.RecordEntry]
"""Says what is to be written; it is asked once its turn has come, and again when that failed."""
Outcome = RequestError | bytes | None
"""Why an entry could not be written; or that it is, and which record's verdict is told instead."""
Done = asyncio.Future[Outcome]


@dataclass(frozen=True, slots=True)
class Waiting:
    """An entry in the queue, and who waits for it."""

    record: bytes
    word: Word
    done: Done | None

    def to_entry(self, since: bytes | None) -> Entry | None:
        """Return it; None where it cannot be worded, and who waits for it is told why.

        A verdict claims its request from everybody who has not from `since` on.
        """
        try:
            worded = self.word()
            claim = _find_claim(worded, since) if since is not None else None
            return Entry(self.record, worded.SerializeToString(), find_terms(worded), claim)
        except Exception as error:  # it is a defect, and must not take the others along
            if self.done is None:
                log.exception("record_entry_dropped")
            elif not self.done.done():
                self.done.set_exception(error)
            return None

    def tell(self, outcome: Outcome) -> None:
        """Let who waits go on, if anybody does."""
        if self.done is not None and not self.done.done():
            self.done.set_result(outcome)


async def outlast(done: Done) -> Outcome:
    """Wait to the end even if cancelled meanwhile, which `is_cancelled` tells then."""
    while not done.done():
        with suppress(asyncio.CancelledError):
            await asyncio.shield(done)
    return done.result()


def is_cancelled() -> bool:
    """Whether this task was cancelled and has gone on for as long as a record was written."""
    task = asyncio.current_task()
    return task is not None and bool(task.cancelling())


def tell_written(waiting: Sequence[Waiting], superseded: Mapping[bytes, bytes]) -> None:
    """Say that a batch is durable; by record, which record's verdict is told instead of its own."""
    for one in waiting:
        one.tell(superseded.get(one.record))


def tell_failed(waiting: Sequence[Waiting], why: str) -> None:
    """Say that a batch could not be written."""
    error = not_written(why)
    for one in waiting:
        one.tell(error)


def not_written(why: str) -> RequestError:
    """Make the error of an entry that is not durable."""
    return RequestError(
        grpc.StatusCode.UNAVAILABLE,
        "RECORD_NOT_WRITTEN",
        f"{why}, so nothing is approved; ask again later",
    )


def supersede(entry: Entry, holder: bytes) -> Entry:
    """Return an entry that says that another record's verdict was told instead of its own."""
    worded = r.RecordEntry.FromString(entry.content)
    worded.question.superseded_by = holder
    return Entry(entry.record, worded.SerializeToString(), entry.terms)


def is_question(entry: Entry) -> bool:
    """Say whether an entry is a question with its verdict."""
    return r.RecordEntry.FromString(entry.content).HasField("question")


def _find_claim(worded: r.RecordEntry, since: bytes) -> Claim | None:
    if worded.WhichOneof("kind") != "question" or not is_determination(worded.question):
        return None
    question = worded.question
    return Claim(request_term(question.caller, question.request_id), since)
