"""Runs of lists, with a service that answers at once."""

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Self

import grpc

from mpic.ask.lists.options import ListCaller, ListJob, ListQuestion
from mpic.ask.lists.outputs import OutputKind
from mpic.ask.lists.run import ask_list
from mpic.client import (
    InvalidRequestError,
    NoConnectionError,
    Result,
)
from mpic.client.errors import BusyError, ClientError, Failure
from mpic.v1 import corroboration_pb2 as c

Answer = Callable[[c.CorroborateRequest], Result]


def approve(request: c.CorroborateRequest, usable_until: str = "2999-12-01T02:00:00Z") -> Result:
    verdict = c.CorroborateResponse(
        request_id=request.request_id,
        approved=True,
        dry_run=request.dry_run,
        corroborated=True,
        record_id="r-1",
    )
    for one in request.names:
        verdict.names.add(
            name=one.name, approved=True, reason=c.REASON_CORROBORATED, quorum="5/5", required=4
        )
    verdict.caa_usable_until.FromJsonString(usable_until)
    return Result(request, verdict)


def refuse(
    request: c.CorroborateRequest,
    responsible: c.Responsible.ValueType = c.RESPONSIBLE_DOMAIN,
    detail: str = "3 of 5",
) -> Result:
    verdict = c.CorroborateResponse(request_id=request.request_id, record_id="r-2")
    for one in request.names:
        verdict.names.add(
            name=one.name,
            reason=c.REASON_QUORUM_NOT_MET,
            responsible=responsible,
            quorum="3/5",
            required=4,
            error=c.Error(code=338),
            detail=detail,
        )
    return Result(request, verdict)


def fail(request: c.CorroborateRequest, error: ClientError) -> Result:
    return Result(request, error=error)


def by_name(request: c.CorroborateRequest) -> Result:
    """Answer as the first name says."""
    name = request.names[0].name
    if name.startswith("refused"):
        return refuse(request)
    if name.startswith("unknown"):
        return refuse(request, c.RESPONSIBLE_SERVICE)
    if name.startswith("busy"):
        return fail(
            request,
            BusyError(Failure(grpc.StatusCode.RESOURCE_EXHAUSTED, "too much", "OVERLOADED")),
        )
    if name.startswith("invalid"):
        violation = c.FieldViolation(field="names[0].name", description="is a public suffix")
        failure = Failure(grpc.StatusCode.INVALID_ARGUMENT, "", "INVALID_REQUEST", [violation])
        return fail(request, InvalidRequestError(failure))
    return approve(request)


class FakeClient:
    """Answers each question, until it has answered `most`; then there is no connection."""

    def __init__(self, answer: Answer = by_name, most: int = 10**9) -> None:
        self.answer = answer
        self.most = most
        self.asked: list[c.CorroborateRequest] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def stream(
        self, questions: AsyncIterator[c.CorroborateRequest], _: object
    ) -> AsyncIterator[Result]:
        async for question in questions:
            if len(self.asked) >= self.most:
                raise NoConnectionError(Failure(grpc.StatusCode.UNAVAILABLE, "nobody is there"))
            self.asked.append(question)
            yield self.answer(question)

    @property
    def names(self) -> list[str]:
        return [question.names[0].name for question in self.asked]


def run(
    job: ListJob, client: FakeClient | None = None, question: ListQuestion | None = None
) -> int:
    made: Any = client or FakeClient()
    asked = question or ListQuestion(c.CorroborateRequest(issuer="main"))
    return ask_list(job, asked, ListCaller(lambda: made, str))


def job_of(directory: Path, octets: bytes, **others: object) -> ListJob:
    file = directory / str(others.pop("name", "list.txt"))
    file.write_bytes(octets)
    options: dict[str, Any] = {"kind": OutputKind.JSONL, "output": str(directory / "out"), **others}
    return ListJob(str(file), **options)


def told(directory: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (directory / "out").read_bytes().splitlines()]


MIXED = (
    b"good.example\nrefused.example\nunknown.example\nbusy.example\nlocalhost\ninvalid.example\n"
)
