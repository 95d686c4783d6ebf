"""A caller's side for asyncio."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from typing import Any, Protocol, Self, TypeVar

from grpc import aio

from mpic.channel import Options, Tls, open_channel
from mpic.client.conversation import Conversation
from mpic.client.diagnosis import SECONDS, CoordinatorAddress, check_credentials, explain
from mpic.client.errors import ClientError, NoConnectionError, read_call
from mpic.client.request import Question, make_request
from mpic.client.result import Result, StreamLimits
from mpic.client.retry import RetryPolicy
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import corroboration_pb2_grpc

M = TypeVar("M")
M_co = TypeVar("M_co", covariant=True)


class _UnaryMethod(Protocol[M_co]):
    """A method of the generated stub that has one answer."""

    def __call__(self, request: Any, *, timeout: float) -> Awaitable[M_co]:  # noqa: ANN401 - its own
        """Call it."""


class AsyncClient:
    """Asks a coordinator, over one channel with mutual TLS. To be used by one event loop.

    The port demands a client certificate, and knows a caller by it. So there are no call
    credentials: a bearer token is for the HTTP face only.
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
        """Connect at the first call.

        `server` is "host:port". `tls` are the PEM files, or their contents, of the client and of
        the authority that signed the server's certificate. They are read now, once.
        `server_name` is the DNS name in the server's certificate, if it is not the host. `timeout`
        is in seconds, for a call with all its retries. `options` are channel options of gRPC, on
        top of our own. Raises CredentialsError.
        """
        check_credentials(tls)
        self._target = CoordinatorAddress(server, tls, server_name)
        self._timeout = timeout
        self._retry = retry or RetryPolicy()
        self._options = options
        self._channel: aio.Channel | None = None

    async def corroborate(
        self, question: Question, *, timeout: float | None = None
    ) -> c.CorroborateResponse:
        """Ask whether a certificate with these names may be issued; a refusal is an answer.

        A request without an id is given one. Every repeat has the same id. Raises ClientError:
        nothing was decided.
        """
        request = make_request(question)
        return await self._call(
            self._stub.Corroborate, request, timeout, self._retry.wait_undetermined
        )

    async def stream(
        self,
        questions: AsyncIterable[Question] | Iterable[Question],
        limits: StreamLimits | None = None,
    ) -> AsyncGenerator[Result]:
        """Ask many questions, and yield each result when it is decided, in no particular order.

        Questions are taken only as fast as results are: `limits.open_names` are under way at most.
        A stream that breaks is opened again, and what is unanswered is asked again with the same
        ids. Ids must differ. An iterator that blocks holds up the event loop.

        Raises ClientError if no question is answered for `limits.timeout` seconds, and what
        `questions` raises.
        """
        conversation = Conversation(questions, self._retry, limits or StreamLimits())
        async with aclosing(conversation.results(self._open_stream, self._explain)) as batches:
            async for batch in batches:
                for result in batch:
                    yield result

    async def get(
        self,
        *,
        record_id: str = "",
        request_id: str = "",
        names: Sequence[str] = (),
        timeout: float | None = None,
    ) -> c.GetCorroborationResponse:
        """Read what was answered and recorded. Give one of the two ids. Raises ClientError."""
        request = c.GetCorroborationRequest(**_by(record_id, request_id), names=names)
        return await self._call(self._stub.GetCorroboration, request, timeout)

    async def record_issuance(
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
        request = c.RecordIssuanceRequest(**_by(record_id, request_id), issuance=issuance)
        answer: c.RecordIssuanceResponse
        answer = await self._call(self._stub.RecordIssuance, request, timeout)
        return answer.record_id

    async def perspectives(self, *, timeout: float | None = None) -> c.ListPerspectivesResponse:
        """Return the roster and the live state of each perspective. Raises ClientError."""
        request = c.ListPerspectivesRequest()
        return await self._call(self._stub.ListPerspectives, request, timeout)

    async def close(self) -> None:
        """End the connection; calls that are running end as CANCELLED."""
        channel, self._channel = self._channel, None
        if channel is not None:
            await channel.close()

    async def __aenter__(self) -> Self:
        """Do nothing yet."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close."""
        await self.close()

    @property
    def _stub(self) -> Any:  # noqa: ANN401 - the generated types are of the sync kind
        if self._channel is None:
            target = self._target
            self._channel = open_channel(
                target.address, target.tls, target.server_name, self._options
            )
        return corroboration_pb2_grpc.CorroborationServiceStub(self._channel)

    def _open_stream(self) -> aio.StreamStreamCall[Any, Any]:
        return self._stub.CorroborateStream()  # type: ignore[no-any-return]

    async def _call(
        self,
        method: _UnaryMethod[M],
        request: object,
        timeout: float | None,
        again: Callable[[M, int, float], float | None] | None = None,
    ) -> M:
        """Call until there is an answer, or until the time or the retries are used up."""
        deadline = time.monotonic() + (self._timeout if timeout is None else timeout)
        calls = 0
        while True:
            calls += 1
            chance = random.random()  # noqa: S311 - spreads callers
            try:
                answer = await method(request, timeout=max(deadline - time.monotonic(), 0))
            except aio.AioRpcError as found:
                error = read_call(found)
                delay = self._retry.wait_after(error, calls, chance)
                if delay is None or time.monotonic() + delay >= deadline:
                    raise await self._explain(error, deadline - time.monotonic()) from None
            else:
                delay = again(answer, calls, chance) if again else None
                if delay is None or time.monotonic() + delay >= deadline:
                    return answer
            await asyncio.sleep(delay)

    async def _explain(self, error: ClientError, seconds: float = SECONDS) -> ClientError:
        """Return the error, or what shows why there is no connection."""
        if not isinstance(error, NoConnectionError) or seconds <= 0:
            return error
        return await asyncio.to_thread(explain, self._target, error, min(seconds, SECONDS))


def _by(record_id: str, request_id: str) -> dict[str, Any]:
    if bool(record_id) == bool(request_id):
        raise ValueError("give a record_id or a request_id")
    return {"record_id": record_id} if record_id else {"request_id": request_id}
