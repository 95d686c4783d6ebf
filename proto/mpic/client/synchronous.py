"""A caller's side for programs without an event loop.

One thread of this process has a loop, on which all `Client`s run an `AsyncClient` each. So what is
retried, and how, stands in one place.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import AsyncIterator, Coroutine, Generator, Iterable, Sequence
from contextlib import suppress
from functools import cache
from typing import Any, Self, TypeVar

from mpic.channel import Options, Tls
from mpic.client.asynchronous import AsyncClient
from mpic.client.request import Question
from mpic.client.result import Result, StreamLimits
from mpic.client.retry import RetryPolicy
from mpic.v1 import corroboration_pb2 as c

T = TypeVar("T")

_AHEAD = 64
"""Questions that are taken from an iterator before there is room for them."""
_STOP_SECONDS = 0.2


class Client:
    """Asks a coordinator, over one channel with mutual TLS. Threads may share it.

    As `AsyncClient`, whose methods say what each does. It does not survive a fork.
    """

    def __init__(  # noqa: PLR0913 - each can be set by itself
        self,
        server: str,
        tls: Tls,
        *,
        server_name: str | None = None,
        timeout: float = 30.0,
        retry: RetryPolicy | None = None,
        options: Options | None = None,
    ) -> None:
        """Connect at the first call; see `AsyncClient`. Raises CredentialsError."""
        self._client = AsyncClient(
            server, tls, server_name=server_name, timeout=timeout, retry=retry, options=options
        )

    def corroborate(
        self, question: Question, *, timeout: float | None = None
    ) -> c.CorroborateResponse:
        """Ask whether a certificate with these names may be issued; a refusal is an answer.

        A request without an id is given one. Every repeat has the same id. Raises ClientError:
        nothing was decided.
        """
        return _run(self._client.corroborate(question, timeout=timeout))

    def stream(
        self, questions: Iterable[Question], limits: StreamLimits | None = None
    ) -> Generator[Result]:
        """Ask many questions, and yield each result when it is decided, in no particular order.

        The questions are taken by a thread of its own: the iterator may block. See
        `AsyncClient.stream`.
        """
        with _Source(questions) as source:
            results = self._client.stream(source.items(), limits)
            try:
                while (result := _run(_next(results))) is not None:
                    yield result
            finally:
                _run(results.aclose())

    def get(
        self,
        *,
        record_id: str = "",
        request_id: str = "",
        names: Sequence[str] = (),
        timeout: float | None = None,
    ) -> c.GetCorroborationResponse:
        """Read what was answered and recorded. Give one of the two ids. Raises ClientError."""
        return _run(
            self._client.get(
                record_id=record_id, request_id=request_id, names=names, timeout=timeout
            )
        )

    def record_issuance(
        self,
        issuance: c.Issuance,
        *,
        record_id: str = "",
        request_id: str = "",
        timeout: float | None = None,
    ) -> str:
        """Add to a record that a certificate was issued on it; return the record's id.

        Give one of the two ids. The same certificate is added once, however often it is reported.
        Raises ClientError.
        """
        return _run(
            self._client.record_issuance(
                issuance, record_id=record_id, request_id=request_id, timeout=timeout
            )
        )

    def perspectives(self, *, timeout: float | None = None) -> c.ListPerspectivesResponse:
        """Return the roster and the live state of each perspective. Raises ClientError."""
        return _run(self._client.perspectives(timeout=timeout))

    def close(self) -> None:
        """End the connection; calls that are running end as CANCELLED."""
        _run(self._client.close())

    def __enter__(self) -> Self:
        """Do nothing yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()


class _Source:
    """An iterator, run in a thread of its own, a little ahead of who takes its items."""

    def __init__(self, questions: Iterable[Question]) -> None:
        self._items: queue.Queue[tuple[Question] | BaseException | None] = queue.Queue(_AHEAD)
        """Items; then an error or None, the end."""
        self._is_stopped = False
        self._thread = threading.Thread(target=self._fill, args=(questions,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_stopped = True

    async def items(self) -> AsyncIterator[Question]:
        """Yield the items; raises what the iterator raises."""
        while (item := await self._get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item[0]

    async def _get(self) -> tuple[Question] | BaseException | None:
        with suppress(queue.Empty):
            return self._items.get_nowait()
        return await asyncio.to_thread(self._wait)

    def _wait(self) -> tuple[Question] | BaseException | None:
        while not self._is_stopped:
            with suppress(queue.Empty):
                return self._items.get(timeout=_STOP_SECONDS)
        return None

    def _fill(self, questions: Iterable[Question]) -> None:
        end: BaseException | None = None
        try:
            for question in questions:
                if not self._put((question,)):
                    return
        except BaseException as error:  # noqa: BLE001 - it is raised where items are taken
            end = error
        self._put(end)

    def _put(self, item: tuple[Question] | BaseException | None) -> bool:
        """Put an item when there is room; return False if nobody takes it any more."""
        while not self._is_stopped:
            with suppress(queue.Full):
                self._items.put(item, timeout=_STOP_SECONDS)
                return True
        return False


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """Return the loop of this process's clients; it runs until the process ends."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="mpic-client", daemon=True).start()
    return loop


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Run on that loop, and return the result; what is interrupted here is cancelled there."""
    future = asyncio.run_coroutine_threadsafe(work, _loop())
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise


async def _next(results: AsyncIterator[Result]) -> Result | None:
    return await anext(results, None)
