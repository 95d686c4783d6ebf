"""What an agent says of a question that it had no room or no time for: nothing of the domain."""

import asyncio
import time
from typing import Any

import pytest

from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p
from perspective_agent import examine
from perspective_agent.connection import Lookup, Take
from perspective_agent.examine import Examination
from perspective_agent.strain import Strain
from perspective_agent.walks import Walks
from perspective_agent.wanted import Wanted
from perspective_agent.wire import make_query

QUESTION = p.Question(
    id=7,
    name="www.example.test",
    timeout_ms=10,
    checks=[p.Check(caa_walk=p.CaaWalk()), p.Check(addresses=p.AddressLookup())],
)


class SilentResolver:
    """Never answers; may have no room for a type."""

    def __init__(self, queued: int = 0) -> None:
        self.queued = queued
        self.lookups: list[Lookup] = []
        self.abandoned: list[Lookup] = []
        self.strain = Strain()

    def ask(self, wanted: Wanted, take: Take) -> Lookup:
        lookup = Lookup(make_query(wanted.name, wanted.rdtype), take)
        lookup.is_queued = wanted.rdtype == self.queued
        self.lookups.append(lookup)
        return lookup

    def abandon(self, lookup: Lookup) -> None:
        self.abandoned.append(lookup)


def begin(resolver: Any, reports: list[p.EncodedObservation]) -> Examination:  # noqa: ANN401
    examination = Examination(QUESTION, Walks(resolver, lambda: True), 10, reports.append)
    examination.start()
    return examination


def kinds(report: p.EncodedObservation) -> list[str | None]:
    observation = o.Observation.FromString(report.observation)
    return [finding.WhichOneof("kind") for finding in observation.findings]


async def test_an_ordinary_deadline_is_a_timeout_of_the_lookup(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(examine, "_OVERDUE", 3600.0)  # however late this test's timer comes
    reports: list[p.EncodedObservation] = []
    begin(SilentResolver(), reports)
    await asyncio.sleep(0.05)
    assert [kinds(one) for one in reports] == [["caa_walk", "addresses"]]


async def test_a_lookup_that_our_own_side_kept_waiting_is_not_the_domains_failure() -> None:
    reports: list[p.EncodedObservation] = []
    resolver = SilentResolver()
    now = time.perf_counter()
    resolver.strain.note(now - 5, now, is_on=True)
    begin(resolver, reports)
    await asyncio.sleep(0.05)
    (report,) = reports
    walk, addresses = o.Observation.FromString(report.observation).findings
    for lookup in (walk.caa_walk.levels[-1], addresses.addresses.lookup):
        assert lookup.failure.kind == o.FAILURE_KIND_OVERLOADED
        assert lookup.failure.detail.endswith("no answer within 0.01 s")


@pytest.mark.parametrize("rdtype", [1, 257])
async def test_a_lookup_that_was_never_sent_is_not_the_domains_failure(rdtype: int) -> None:
    reports: list[p.EncodedObservation] = []
    resolver = SilentResolver(queued=rdtype)
    begin(resolver, reports)
    await asyncio.sleep(0.05)
    (report,) = reports
    for finding in o.Observation.FromString(report.observation).findings:
        assert finding.not_run.kind == o.FAILURE_KIND_OVERLOADED
    assert {id(one) for one in resolver.abandoned} == {id(one) for one in resolver.lookups}


async def test_a_deadline_that_comes_late_is_not_the_domains_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reports: list[p.EncodedObservation] = []
    examination = begin(SilentResolver(), reports)
    due = examination._deadline.when()
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: due + 0.3)
    examination._expire()
    monkeypatch.undo()
    assert [kinds(one) for one in reports] == [["not_run", "not_run"]]


async def test_what_is_withdrawn_is_not_reported_and_what_waits_for_room_not_sent() -> None:
    reports: list[p.EncodedObservation] = []
    resolver = SilentResolver(queued=1)
    begin(resolver, reports).withdraw()
    assert [one.query.rdtype for one in resolver.abandoned] == [1]
    await asyncio.sleep(0.05)
    assert not reports
    assert {id(one) for one in resolver.abandoned} == {id(one) for one in resolver.lookups}
