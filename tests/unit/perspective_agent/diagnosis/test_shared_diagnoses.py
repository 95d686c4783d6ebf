"""Direct queries as a way of looking: shared while they are under way, and stopped by the last."""

import asyncio
from functools import partial

import pytest

from mpic.v1 import observation_pb2 as o
from perspective_agent.diagnosis.shared_diagnoses import (
    DiagnosisResult,
    DiagnosisTarget,
    SharedDiagnoses,
)
from perspective_agent.dns.resolver import ResolverLink

WANTED = DiagnosisTarget("a.test")


class Servers:
    """Are asked until the test lets them answer."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.stopped = 0
        self.answer = asyncio.Event()

    async def diagnose(self, name: str) -> o.Diagnosis:
        self.asked.append(name)
        try:
            await self.answer.wait()
        except asyncio.CancelledError:
            self.stopped += 1
            raise
        return o.Diagnosis(zone=name)


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.fixture
def link() -> ResolverLink:
    return ResolverLink(("127.0.0.1", 9))


async def test_one_under_way_is_shared_and_what_is_done_is_not(link: ResolverLink) -> None:
    servers, seen = Servers(), [[] for _ in range(3)]  # type: ignore[var-annotated]
    diagnoses = SharedDiagnoses(servers.diagnose, link)
    pending = [diagnoses.start(WANTED, seen[number].append) for number in range(2)]
    await settle()
    assert (servers.asked, link.in_flight) == (["a.test"], 1)
    servers.answer.set()
    await settle()
    for number in range(2):
        (result,) = seen[number]
        assert result.diagnosis.zone == "a.test"
        assert len(result.lookups_us) == 1
        assert not pending[number].is_open
    assert link.in_flight == 0
    diagnoses.start(WANTED, seen[2].append)
    await settle()
    assert servers.asked == ["a.test"] * 2
    assert seen[2]


async def test_the_last_to_let_go_stops_it_and_who_comes_then_asks_anew(
    link: ResolverLink,
) -> None:
    servers, results = Servers(), list[DiagnosisResult]()
    diagnoses = SharedDiagnoses(servers.diagnose, link)
    receivers = [partial(list.append, results) for _ in range(3)]
    pending = [diagnoses.start(WANTED, receive) for receive in receivers[:2]]
    await settle()
    pending[0].withdraw()
    pending[0].release(receivers[0])
    await settle()
    assert [one.is_open for one in pending] == [True, True]
    pending[1].release(receivers[1])
    assert [one.is_open for one in pending] == [False, False]
    diagnoses.start(WANTED, receivers[2])
    await settle()
    assert (servers.stopped, len(servers.asked), link.in_flight) == (1, 2, 1)
    servers.answer.set()
    await settle()
    assert len(results) == 1


async def test_one_that_is_cut_short_or_too_large_proves_nothing(link: ResolverLink) -> None:
    pending = SharedDiagnoses(Servers().diagnose, link).start(WANTED, lambda _: None)
    cut = pending.cut_short(1.0, 2.5)
    assert (cut.diagnosis.incomplete, cut.lookups_us) == ("not done within 2.5 s", pending.no_times)
    assert WANTED.too_large("5 octets").diagnosis.incomplete == "5 octets"


async def test_an_agent_that_asks_no_server_directly_says_so(link: ResolverLink) -> None:
    results: list[DiagnosisResult] = []
    SharedDiagnoses(None, link).start(WANTED, results.append)
    await settle()
    assert results[0].diagnosis.incomplete == "this agent asks no server directly"
