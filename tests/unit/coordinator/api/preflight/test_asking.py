"""Each line is asked as a dry run. What has no room is asked again; what is wrong ends a list."""

from typing import Any

import pytest
from grpc import StatusCode

from coordinator.api.answers import Answers
from coordinator.api.preflight import asking
from coordinator.api.preflight.asking import Asker
from coordinator.api.preflight.handed_in import read_pasted
from coordinator.api.preflight.jobs import PreflightJob, PreflightJobs
from coordinator.corroboration import Call
from mpic.ask.lists.journal import LineState
from mpic.ask.lists.outputs import to_csv, to_tsv
from mpic.runtime.grpc.errors import RequestError
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import record_pb2 as r
from tests.world.main_path import MainPath
from tests.world.samples import NOVEMBER

LIST = read_pasted("a.example\nlocalhost\n\nb.example\n")


class Service:
    """The main path, which first has no room as often as it is told."""

    def __init__(self, busy: int = 0) -> None:
        self.path = MainPath()
        self.busy = busy
        self.asked: list[c.CorroborateRequest] = []
        self.rules = self.path.corroborator.rules
        self.issuers = self.path.corroborator.issuers

    async def corroborate(self, request: c.CorroborateRequest, call: Call) -> r.Record:
        self.asked.append(request)
        assert call.caller == "pipeline"
        if self.busy:
            self.busy -= 1
            raise RequestError(
                StatusCode.RESOURCE_EXHAUSTED, "CALLER_LIMIT", "full", retry_after=0.001
            )
        return await self.path.corroborator.corroborate(request, call)


async def ask(service: Service, *, is_allowed: bool = True, issuer: str = "") -> PreflightJob:
    corroborator: Any = service
    asker = Asker(corroborator, Answers(), lambda _: is_allowed, lambda: NOVEMBER)
    job = PreflightJobs().add("pipeline", issuer, LIST)
    await asker.ask(job)
    return job


async def test_each_line_is_asked_as_a_dry_run_and_told_in_both_languages() -> None:
    service = Service()
    job = await ask(service)
    assert all(one.dry_run for one in service.asked)
    assert sorted(one.names[0].name for one in service.asked) == ["a.example", "b.example"]
    states = {one: [line.state for line in job.show(one).lines()] for one in ("en", "ja")}
    approved, malformed, blank = LineState.APPROVED, LineState.MALFORMED, LineState.BLANK
    assert states["en"] == states["ja"] == [approved, malformed, blank, approved]
    dress = job.handed_in.dress("ja")
    tsv = b"".join(to_tsv(job.show("ja"), dress)).decode()
    assert tsv.splitlines()[0].startswith("a.example\t発行可\t")
    assert tsv.splitlines()[2] == ""
    assert "FQDN" in tsv.splitlines()[1]
    rows = b"".join(to_csv(job.show("en"), job.handed_in.dress("en"))).decode().splitlines()
    assert len(rows) == 4
    assert "approved" in rows[1]


async def test_a_line_without_room_is_asked_again_under_the_same_id() -> None:
    service = Service(busy=2)
    job = await ask(service)
    assert len(service.asked) == 4
    assert len({one.request_id for one in service.asked}) == 2
    assert job.show("en").count()[LineState.APPROVED] == 2


async def test_a_line_that_never_has_room_is_undetermined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "TRIES", 2)
    job = await ask(Service(busy=10**6))
    assert job.show("en").count()[LineState.UNDETERMINED] == 2


async def test_wrong_options_and_callers_that_have_left_end_a_list() -> None:
    job = await ask(Service(), issuer="nobody")
    assert job.wrong is not None
    assert "issuer" in job.wrong.say("en")
    service = Service()
    job = await ask(service, is_allowed=False)
    assert job.wrong is not None
    assert not service.asked
    assert job.show("ja").count() == {LineState.OPEN: 3, LineState.BLANK: 1}


async def test_a_defect_is_told_without_its_text() -> None:
    service: Any = Service()

    async def fail(*_: object) -> None:
        raise KeyError("hush-hush")

    service.corroborate = fail
    job = await ask(service)
    assert job.wrong is not None
    assert "hush" not in job.wrong.say("en")


async def test_what_does_not_pass_by_itself_is_asked_once() -> None:
    service: Any = Service()

    async def fail(request: c.CorroborateRequest, _: Call) -> r.Record:
        service.asked.append(request)
        raise RequestError(StatusCode.UNAVAILABLE, "RECORD_NOT_WRITTEN", "the disk is full")

    service.corroborate = fail
    job = await ask(service)
    assert len(service.asked) == 2
    assert job.show("ja").count()[LineState.UNDETERMINED] == 2
