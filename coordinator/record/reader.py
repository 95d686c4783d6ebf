"""Reads the record while others write: with a store and a thread of its own."""

import asyncio
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import grpc
import structlog

from coordinator.decision.attempt_id import OCTETS, show_id
from coordinator.record.entries import RecordEntries, read_entries
from coordinator.record.index_terms import request_term
from coordinator.record.stores.base import Search, Store, StoreError
from mpic.runtime.grpc.errors import RequestError

log = structlog.get_logger()

T = TypeVar("T")


class Reader:
    """Reads one store; every method raises RequestError when it cannot be read."""

    def __init__(self, store: Store) -> None:
        """Read a store that nobody else uses; it is opened at the first question."""
        self._store = store
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="record-reader")

    async def close(self) -> None:
        """Let go of the store."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._store.close)
        self._thread.shutdown()

    async def read(self, record: bytes) -> RecordEntries:
        """Return what there is about a record; without a question when there is nothing."""
        stored = await self._ask(lambda: self._store.read(record))
        entries = read_entries(stored.contents if stored else (), record)
        if entries.flaws:
            mend = "`mpic record verify` says more"
            log.error("record_not_whole", record_id=show_id(record), what=entries.flaws, mend=mend)
            text = f"record {show_id(record)} is not as it was written: {entries.flaws[0]}"
            raise RequestError(grpc.StatusCode.DATA_LOSS, "RECORD_NOT_WHOLE", text)
        return entries

    async def find(self, term: int) -> list[bytes]:
        """Return the ids of all records that have a term, the oldest first."""
        found = await self.find_all([term], bytes(OCTETS))
        return found.get(term, [])

    async def find_all(self, terms: Collection[int], since: bytes) -> dict[int, list[bytes]]:
        """Return the ids of the records that have each term, from `since` on."""
        return await self._ask(lambda: self._store.find(terms, since))

    async def recall(self, since: bytes, most: int) -> list[int] | None:
        """Return the terms of the requests recorded from `since` on; None: there are too many."""
        return await self._ask(lambda: self._read_terms(since, most))

    def _read_terms(self, since: bytes, most: int) -> list[int] | None:
        terms: list[int] = []
        for stored in self._store.search(Search(since=since)):
            question = read_entries(stored.contents).question
            if question is not None:
                terms.append(request_term(question.caller, question.request_id))
            if len(terms) > most:
                return None
        return terms

    async def _ask(self, call: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, call)
        except StoreError as error:
            log.error("record_not_read", error=error.message, mend=error.mend)  # noqa: TRY400 - it says all
            text = "the audit record cannot be read; ask again later"
            raise RequestError(grpc.StatusCode.UNAVAILABLE, "RECORD_NOT_READ", text) from error
