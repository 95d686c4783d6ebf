"""What an agent says of a question that it had no room or no time for: nothing of the domain."""

import asyncio
import time
from typing import Any

import pytest

from mpic.bounds import OBSERVATION_OCTETS
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p
from perspective_agent import checks, examine
from perspective_agent.dns.connection import PendingLookup, Take
from perspective_agent.dns.lookup import LookupTarget
from perspective_agent.dns.overload_history import OverloadHistory
from perspective_agent.dns.shared_lookups import SharedLookups
from perspective_agent.dns.wire import make_query
from perspective_agent.examine import Examination
from perspective_agent.wants import Ways

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
        self.lookups: list[PendingLookup] = []
        self.abandoned: list[PendingLookup] = []
        self.overload_history = OverloadHistory()

    def ask(self, wanted: LookupTarget, take: Take) -> PendingLookup:
        lookup = PendingLookup(make_query(wanted.name, wanted.rdtype), take)
        lookup.is_queued = wanted.rdtype == self.queued
        self.lookups.append(lookup)
        return lookup

    def abandon(self, lookup: PendingLookup) -> None:
        self.abandoned.append(lookup)


def ways_over(resolver: Any) -> Ways:  # noqa: ANN401 - as a Resolver
    return {LookupTarget: SharedLookups(resolver, lambda: True).start}


def begin(resolver: Any, reports: list[p.EncodedObservation]) -> Examination:  # noqa: ANN401
    examination = Examination(QUESTION, ways_over(resolver), 10, reports.append)
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


@pytest.mark.parametrize(("asked_ms", "seconds"), [(0, 10), (2500, 2.5), (3_600_000, 10)])
async def test_a_question_takes_no_longer_than_it_asks_for_and_the_agent_allows(
    asked_ms: int, seconds: float
) -> None:
    asked = p.Question(id=7, name=QUESTION.name, timeout_ms=asked_ms, checks=QUESTION.checks)
    examination = Examination(asked, ways_over(SilentResolver()), 10, lambda _: None)
    before = asyncio.get_running_loop().time()
    examination.start()
    assert 0 <= examination._deadline.when() - before - seconds < 1
    examination.withdraw()


async def test_a_lookup_that_our_own_side_kept_waiting_is_not_the_domains_failure() -> None:
    reports: list[p.EncodedObservation] = []
    resolver = SilentResolver()
    now = time.perf_counter()
    resolver.overload_history.note(now - 5, now, is_on=True)
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


class FullResolver(SilentResolver):
    """Answers at once: an alias of the longest kind at each level, as a domain may have them."""

    def ask(self, wanted: LookupTarget, take: Take) -> PendingLookup:
        lookup = super().ask(wanted, take)
        found = o.Lookup(name=wanted.name, absence=o.ABSENCE_NO_DATA, dnssec=o.DNSSEC_INSECURE)
        long = ["x" * 1000 for _ in range(17)]
        found.aliases.extend(o.Alias(owner=one, target=one, ttl=60) for one in long)
        asyncio.get_running_loop().call_soon(take, found, 1)
        return lookup


async def test_a_domain_cannot_make_an_observation_larger_than_it_may_be() -> None:
    """It is the domain's failure then, in a form that is believed, and not the agent's garbage."""
    question = p.Question()
    question.CopyFrom(QUESTION)
    question.name = "a." * 60 + "example.test"
    question.timeout_ms = 10_000
    reports: list[p.EncodedObservation] = []
    examination = Examination(question, ways_over(FullResolver()), 10, reports.append)
    examination.start()
    await asyncio.sleep(0)
    (report,) = reports
    assert len(report.observation) <= OBSERVATION_OCTETS
    observation = o.Observation.FromString(report.observation)
    (level,) = observation.findings[0].caa_walk.levels
    assert level.name == question.name
    assert level.failure.kind == o.FAILURE_KIND_TOO_LARGE
    assert observation.findings[1].addresses.lookup.HasField("absence")


class LargeResolver(SilentResolver):
    """Answers at once, with one record of as many octets as the owner says."""

    def ask(self, wanted: LookupTarget, take: Take) -> PendingLookup:
        lookup = super().ask(wanted, take)
        found = o.Lookup(name=wanted.name, dnssec=o.DNSSEC_INSECURE)
        found.records.rdata.append(bytes(int(wanted.name.partition(".")[0])))
        asyncio.get_running_loop().call_soon(take, found, 1)
        return lookup


SET = 65_000
"""Octets; as large a set as a DNS message can hold."""


@pytest.mark.parametrize(
    ("sizes", "left_out"),
    [
        ([SET, SET, SET, SET], []),
        ([SET, SET, SET, SET, SET], [4]),
        ([SET, SET + 99, SET, SET, SET], [1]),
        ([SET, SET + 9, SET, SET + 99, SET, SET], [1, 3]),
        ([SET] * 16, list(range(4, 16))),
        ([100] * 10 + [SET] * 4 + [100] * 2, []),
    ],
)
async def test_a_domain_cannot_make_all_together_larger_than_it_may_be(
    sizes: list[int], left_out: list[int]
) -> None:
    """Of the sets that do not fit together the largest are told as such, and no more of them."""
    question = p.Question(id=7, name="example.test", timeout_ms=10_000)
    for number, size in enumerate(sizes):
        owner = f"{size}.{number}.example.test"
        question.checks.add().records.MergeFrom(p.RecordLookup(owner=owner, type=16))
    reports: list[p.EncodedObservation] = []
    Examination(question, ways_over(LargeResolver()), 10, reports.append).start()
    await asyncio.sleep(0)
    (report,) = reports
    assert len(report.observation) <= OBSERVATION_OCTETS
    findings = o.Observation.FromString(report.observation).findings
    found = [one.records.lookup for one in findings]
    assert [one.name for one in found] == [one.records.owner for one in question.checks]
    failures = [number for number, one in enumerate(found) if one.HasField("failure")]
    assert failures == left_out
    for number in failures:
        assert found[number].failure.kind == o.FAILURE_KIND_TOO_LARGE
        assert findings[number].records.type == o.RECORD_TYPE_TXT
    assert len(report.lookups_us) == len(sizes)


# What a newer coordinator may ask.

CAA, ADDRESSES = b"\x0a\x00", b"\x12\x00"
UNKNOWN = b"\x9a\x06\x00"
"""Field 99, of no octets."""


@pytest.mark.parametrize(
    ("octets", "unknown"),
    [
        (b"", "the check asked for"),
        (UNKNOWN, "the check asked for"),
        (UNKNOWN + CAA, "all that is asked of the check caa_walk"),
        (ADDRESSES + UNKNOWN, "all that is asked of the check addresses"),
        (b"\x0a\x03" + UNKNOWN, "all that is asked of the check caa_walk"),
    ],
    ids=["no kind", "another kind", "more than a walk", "more than addresses", "more of a walk"],
)
async def test_what_this_agent_does_not_know_of_a_check_it_says_and_does_the_others(
    octets: bytes, unknown: str
) -> None:
    question = p.Question(id=7, name=QUESTION.name, timeout_ms=10_000)
    question.checks.add().MergeFromString(octets)
    question.checks.add().addresses.SetInParent()
    reports: list[p.EncodedObservation] = []
    examination = Examination(question, ways_over(FullResolver()), 10, reports.append)
    examination.start()
    await asyncio.sleep(0)
    (report,) = reports
    newer, addresses = o.Observation.FromString(report.observation).findings
    assert newer.not_run.kind == o.FAILURE_KIND_UNSUPPORTED_CHECK
    assert newer.not_run.detail == (
        f"this agent does not know {unknown}; it is older than the caller"
    )
    assert addresses.addresses.lookup.HasField("absence")


async def test_a_check_that_the_agreement_has_and_this_agent_not_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(checks, "CHECKS", {"addresses": checks.CHECKS["addresses"]})
    checks.read_kind.cache_clear()
    finding = checks.read_kind(QUESTION.checks[0].SerializeToString())
    checks.read_kind.cache_clear()
    assert isinstance(finding, o.Finding)
    assert finding.not_run.detail.startswith("this agent does not know the check caa_walk;")
