"""The answer: the verdict, the quorum as a fraction, error 338, until when the check is usable."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from coordinator.api.response import (
    ANSWER_OCTETS,
    LATE_OCTETS,
    add_all_late,
    fill_answer,
    fill_whole_answer,
)
from coordinator.decision.attempt import Attempt
from coordinator.decision.vote import Reply
from coordinator.perspectives.client import PerspectiveClient
from coordinator.perspectives.client_options import ClientOptions
from coordinator.record.builder import AskedBy, RecordBuilder
from coordinator.rules.policy import PolicyRow
from coordinator.rules.quorum import AttemptRules
from mpic.channel import TlsFiles
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p
from mpic.v1 import record_pb2 as r
from tests.world.records import sample_record
from tests.world.requests import caa_of
from tests.world.samples import (
    ADDRESS,
    ISSUER,
    NAME,
    NOVEMBER,
    RULES,
    WORLD,
    addresses,
    asked_name,
    caa,
    failed_addresses,
    failed_caa,
    issuance_request,
    reply,
    subject,
)

NO_FILES = ClientOptions(TlsFiles(Path("a"), Path("b"), Path("c")))
LINKS = [PerspectiveClient(one, NO_FILES) for one in WORLD.perspectives]
BUILDER = RecordBuilder(LINKS, b"")
DIFFERS = (caa(), addresses(bytes([203, 0, 113, 66])))
FORBIDS = (caa(b"\x00\x05issueother.example"), addresses(ADDRESS))


def attempt(
    replies: Sequence[Reply], *, dry_run: bool = False, rules: AttemptRules = RULES
) -> Attempt:
    one = Attempt(issuance_request(rules=rules, dry_run=dry_run), WORLD, NOVEMBER, lambda _: None)
    for each in replies:
        one.receive(0, each)
    one.decided_at = NOVEMBER + timedelta(seconds=1)
    return one


def to_response(one: Attempt) -> c.CorroborateResponse:
    one.freeze()
    record = r.Record()
    BUILDER.fill_record(record, one, AskedBy("caller", b"digest"))
    response = c.CorroborateResponse()
    fill_whole_answer(response, r.Record.FromString(record.SerializeToString()))
    return response


def answer(replies: Sequence[Reply], *, dry_run: bool = False) -> c.CorroborateResponse:
    return to_response(attempt(replies, dry_run=dry_run))


def remotes(*differing: int) -> list[Reply]:
    """Replies of all: the remotes named here see other addresses."""
    return [
        reply(WORLD.primary),
        *(reply(one, DIFFERS if n in differing else None) for n, one in enumerate(WORLD.remotes)),
    ]


def with_caa(ttl: int, alias_ttl: int | None = None) -> tuple[o.Finding, o.Finding]:
    finding = caa(b"\x00\x05issueca.example.test")
    level = finding.caa_walk.levels[0]
    level.records.ttl = ttl
    if alias_ttl is not None:
        level.aliases.add(owner=NAME, target="x.test", ttl=alias_ttl)
    return finding, addresses(ADDRESS)


def ends(response: c.CorroborateResponse) -> list[list[datetime | None]]:
    """Until when each check of each name may be used; None: it is not told."""
    return [
        [
            one.usable_until.ToDatetime(NOVEMBER.tzinfo) if one.HasField("usable_until") else None
            for one in name.determinations
        ]
        for name in response.names
    ]


async def test_br_5_4_1_the_quorum_is_corroborating_by_attempted() -> None:
    for differing, quorum in [
        ((), "5/5"),
        ((2,), "4/5"),
        ((2, 3), "3/5"),
        ((0, 1, 2, 3, 4), "0/5"),
    ]:
        assert answer(remotes(*differing)).names[0].quorum == quorum


async def test_approved_carries_no_error() -> None:
    response = answer(remotes(4))
    assert response.approved
    assert response.names[0].approved
    assert not response.HasField("error")
    assert not response.names[0].HasField("error")
    assert response.names[0].required == 4
    assert response.names[0].reason == c.REASON_CORROBORATED


async def test_error_338_when_the_quorum_is_not_met() -> None:
    response = answer(remotes(1, 4))
    assert not response.approved
    assert response.error.code == 338
    assert response.names[0].error.code == 338
    assert response.names[0].error.message.startswith("Issuance suppressed: 3 of 5")
    assert not response.HasField("caa_usable_until")
    assert ends(response) == [[None, None]]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (replace(RULES.row, minimum_regions=6), c.REASON_REGIONS_NOT_MET),
        (replace(RULES.row, minimum_remotes=6), c.REASON_TOO_FEW_REMOTES),
    ],
)
async def test_error_338_too_when_regions_or_remotes_are_too_few(
    row: PolicyRow, reason: c.Reason.ValueType
) -> None:
    response = to_response(attempt(remotes(), rules=AttemptRules(row, 5)))
    assert response.names[0].reason == reason
    assert response.names[0].error.code == 338


TWO_NAMES = issuance_request(asked_name(), asked_name(subject(wildcard=True)))


def two_names(*second: Reply) -> c.CorroborateResponse:
    """Everybody corroborates the first name; of the second comes what is given."""
    one = Attempt(TWO_NAMES, WORLD, NOVEMBER, lambda _: None)
    for each in remotes():
        one.receive(0, each)
    assert not one.certain.done()
    for each in second:
        one.receive(1, each)
    assert one.certain.done()
    one.decided_at = NOVEMBER
    return to_response(one)


async def test_br_3_2_2_9_one_refused_name_refuses_the_certificate() -> None:
    response = two_names(*remotes(0, 1))
    assert not response.approved
    assert [name.approved for name in response.names] == [True, False]
    assert response.error.code == 338
    assert not response.HasField("caa_usable_until")
    assert ends(response) == [[None, None]] * 2


async def test_every_name_must_be_approved() -> None:
    response = two_names(*remotes(0))
    assert response.approved
    assert [name.quorum for name in response.names] == ["5/5", "4/5"]


@pytest.mark.parametrize("ttls", [(86400, 36000), (36000, 86400)])
async def test_br_4_2_2_1_an_answer_is_usable_as_long_as_the_earliest_of_its_names(
    ttls: tuple[int, int],
) -> None:
    one = Attempt(TWO_NAMES, WORLD, NOVEMBER, lambda _: None)
    for index, ttl in enumerate(ttls):
        for who in WORLD.perspectives:
            one.receive(index, reply(who, with_caa(ttl)))
    one.decided_at = NOVEMBER
    response = to_response(one)
    until = [NOVEMBER + timedelta(seconds=ttl) for ttl in ttls]
    assert ends(response) == [[one, None] for one in until]
    assert response.caa_usable_until.ToDatetime(NOVEMBER.tzinfo) == min(until)


async def test_a_primary_that_forbids_or_fails_is_no_338() -> None:
    for findings in (FORBIDS, (failed_caa(), addresses(ADDRESS))):
        replies = [reply(WORLD.primary, findings), *(reply(one) for one in WORLD.remotes)]
        response = answer(replies)
        assert not response.approved
        assert not response.HasField("error")
        assert response.names[0].quorum == "0/5"
        assert response.names[0].detail.startswith("the primary perspective: ")


@pytest.mark.parametrize(
    ("who", "earlier"), [(0, timedelta(seconds=3)), (1, timedelta(0))], ids=["primary", "remote"]
)
async def test_br_4_2_2_1_the_time_counts_from_before_a_lookup_sent_for_another_question(
    who: int, earlier: timedelta
) -> None:
    replies = [reply(one) for one in WORLD.perspectives]
    encoded = replies[who].encoded
    assert encoded is not None
    encoded.lookups_us.extend((2_000, 3_000_000, 0))
    until = answer(replies).caa_usable_until.ToDatetime(NOVEMBER.tzinfo)
    assert until == NOVEMBER - earlier + timedelta(hours=8)


@pytest.mark.parametrize(
    ("findings", "usable"),
    [
        ((caa(), addresses(ADDRESS)), timedelta(hours=8)),
        (with_caa(60), timedelta(hours=8)),
        (with_caa(86400), timedelta(hours=24)),
        (with_caa(86400, alias_ttl=36000), timedelta(hours=10)),
        (with_caa(86400, alias_ttl=60), timedelta(hours=8)),
    ],
)
async def test_br_4_2_2_1_the_check_is_usable_for_the_ttl_or_8_hours(
    findings: tuple[o.Finding, ...], usable: timedelta
) -> None:
    replies = [reply(WORLD.primary, findings), *(reply(one) for one in WORLD.remotes)]
    response = answer(replies)
    until = response.caa_usable_until.ToDatetime(NOVEMBER.tzinfo)
    assert until == NOVEMBER + usable
    assert ends(response) == [[until, None]]


RETRY_OF = {
    c.RESPONSIBLE_UNSPECIFIED: c.RETRY_UNSPECIFIED,
    c.RESPONSIBLE_SERVICE: c.RETRY_NOW,
    c.RESPONSIBLE_DOMAIN: c.RETRY_LATER,
}


@pytest.mark.parametrize(
    ("dissents", "responsible"),
    [
        ((None, None), c.RESPONSIBLE_UNSPECIFIED),
        ((c.DISSENT_LATE, c.DISSENT_UNREACHABLE), c.RESPONSIBLE_SERVICE),
        # The domain's alone would have left four of five.
        ((DIFFERS, c.DISSENT_UNREACHABLE), c.RESPONSIBLE_SERVICE),
        ((DIFFERS, FORBIDS), c.RESPONSIBLE_DOMAIN),
    ],
)
async def test_the_answer_names_whose_failure_it_is(
    dissents: Sequence[Any], responsible: c.Responsible.ValueType
) -> None:
    replies = [reply(one) for one in WORLD.perspectives]
    for index, dissent in enumerate(dissents, 1):
        remote = WORLD.perspectives[index]
        if isinstance(dissent, tuple):
            replies[index] = reply(remote, dissent)
        elif dissent is not None:
            replies[index] = Reply(remote, None, None, dissent, "silent")
    (verdict,) = to_response(attempt(replies)).names
    assert verdict.responsible == responsible
    assert verdict.approved == (not responsible)
    assert verdict.retry == RETRY_OF[responsible]


async def test_a_primary_that_did_not_look_is_ours_and_one_that_forbids_the_domains() -> None:
    primary, *others = [reply(one) for one in WORLD.perspectives]
    silent = Reply(primary.perspective, None, None, c.DISSENT_NOT_LOOKED, "Unbound is down")
    for first, responsible in (
        (silent, c.RESPONSIBLE_SERVICE),
        (silent._replace(dissent=c.DISSENT_NO_TIME), c.RESPONSIBLE_CALLER),
        (reply(primary.perspective, FORBIDS), c.RESPONSIBLE_DOMAIN),
    ):
        (verdict,) = to_response(attempt([first, *others])).names
        assert verdict.responsible == responsible


@pytest.mark.parametrize(
    ("kind", "retry"),
    [
        (o.FAILURE_KIND_SERVFAIL, c.RETRY_LATER),
        (o.FAILURE_KIND_BOGUS, c.RETRY_AFTER_CHANGE),
    ],
)
async def test_what_the_primary_met_says_whether_asking_again_helps(
    kind: o.FailureKind.ValueType, retry: c.Retry.ValueType
) -> None:
    primary, *others = [reply(one) for one in WORLD.perspectives]
    finding = failed_caa()
    finding.caa_walk.levels[0].failure.kind = kind
    failed = reply(primary.perspective, (finding, addresses(ADDRESS)))
    (verdict,) = to_response(attempt([failed, *others])).names
    assert (verdict.reason, verdict.retry) == (c.REASON_PRIMARY_FAILED, retry)


async def test_a_primary_that_forbids_is_asked_again_after_a_change() -> None:
    primary, *others = [reply(one) for one in WORLD.perspectives]
    (verdict,) = to_response(attempt([reply(primary.perspective, FORBIDS), *others])).names
    assert verdict.retry == c.RETRY_AFTER_CHANGE


async def test_a_dry_run_permits_nothing() -> None:
    response = answer(remotes(), dry_run=True)
    assert response.dry_run
    assert not response.HasField("caa_usable_until")
    assert ends(response) == [[None, None]]


async def test_who_saw_what_and_who_was_not_awaited() -> None:
    response = answer(remotes(0)[:5])
    assert response.names[0].quorum == "3/5"
    reports = response.names[0].perspectives
    assert [one.perspective_id for one in reports] == [one.id for one in WORLD.perspectives]
    assert [one.role for one in reports] == [c.ROLE_PRIMARY] + [c.ROLE_REMOTE] * 5
    assert [one.corroborates for one in reports] == [True, False, True, True, True, False]
    assert reports[1].dissent == c.DISSENT_DIFFERS
    assert (reports[1].check, reports[1].responsible) == ("addresses", c.RESPONSIBLE_DOMAIN)
    assert "203.0.113.66" in reports[1].detail
    assert reports[5].dissent == c.DISSENT_NOT_AWAITED
    assert not reports[5].HasField("observation")
    assert reports[5].responsible == c.RESPONSIBLE_UNSPECIFIED
    assert caa_of(reports[0]).outcome == c.OUTCOME_PASSED
    assert reports[2].elapsed.ToNanoseconds() == 10_000_000


async def test_what_was_asked_and_what_each_check_came_to_is_told() -> None:
    response = two_names(*remotes(0))
    for name, wildcard in zip(response.names, (False, True), strict=True):
        assert [one.WhichOneof("kind") for one in name.checks] == ["caa", "addresses"]
        assert name.checks[0].caa.wildcard == wildcard
        assert [one.check for one in name.determinations] == ["caa", "addresses"]
        assert {one.outcome for one in name.determinations} == {c.OUTCOME_PASSED}
        assert name.check == ""
    assert list(response.issuer_domains) == [ISSUER]
    came_to = [
        [(one.check, one.outcome) for one in report.determinations]
        for report in response.names[1].perspectives[:2]
    ]
    permits = ("caa", c.OUTCOME_PASSED)
    assert came_to == [
        [permits, ("addresses", c.OUTCOME_PASSED)],
        [permits, ("addresses", c.OUTCOME_DIFFERS)],
    ]


def test_each_check_has_an_end_of_its_own() -> None:
    record = sample_record()
    for ends_us, told in (([1, 2], [1, 2]), ([0, 2], [None, 2]), ([1, 0], [1, None])):
        record.names[0].usable_until_us[:] = ends_us
        response = c.CorroborateResponse()
        fill_whole_answer(response, record)
        found = [
            one.usable_until.ToMicroseconds() if one.HasField("usable_until") else None
            for one in response.names[0].determinations
        ]
        assert found == told


async def test_the_check_that_decided_is_told() -> None:
    for findings, check in (
        (FORBIDS, "caa"),
        ((failed_caa(), addresses(ADDRESS)), "caa"),
        ((caa(), failed_addresses()), "addresses"),
    ):
        (verdict,) = answer([reply(WORLD.primary, findings), *remotes()[1:]]).names
        assert (verdict.check, verdict.perspectives[0].check) == (check, check)
        outcomes = {one.check: one.outcome for one in verdict.determinations}
        assert outcomes.pop(check) != c.OUTCOME_PASSED
        assert set(outcomes.values()) == {c.OUTCOME_PASSED}
    silent = Reply(WORLD.primary, None, None, c.DISSENT_UNREACHABLE, "down")
    (verdict,) = answer([silent, *remotes()[1:]]).names
    assert not verdict.check
    assert not verdict.determinations
    assert len(verdict.checks) == 2


async def test_what_an_agent_said_of_itself_is_told() -> None:
    first = 0
    LINKS[first].description = p.DescribeResponse(
        version="9", resolver=p.Resolver(software="Unbound 1.17.1")
    )
    reports = answer(remotes()).names[0].perspectives
    LINKS[first].description = None
    assert (reports[0].agent_version, reports[0].resolver.software) == ("9", "Unbound 1.17.1")
    assert not reports[1].agent_version


async def test_the_policy_applied_is_told() -> None:
    policy = answer(remotes()).policy
    assert policy.minimum_remotes == 4
    assert policy.allowed_noncorroborations == 1
    assert policy.minimum_regions == 2
    assert policy.minimum_distance_km == 500
    assert policy.effective_from.ToDatetime(NOVEMBER.tzinfo) == RULES.row.effective_from


# An answer has a bound, whatever was seen.

CLIENTS_TAKE = 4 * 1024 * 1024


def large_record(names: int, perspectives: int, octets: int) -> r.Record:
    """A record in which nothing could be larger: everybody saw something else, and says much."""
    record = sample_record()
    while len(record.perspectives) < perspectives:
        one = record.perspectives.add(id=f"perspective-{len(record.perspectives)}".ljust(63, "x"))
        one.role, one.rir, one.agent_version = c.ROLE_REMOTE, o.RIR_RIPE, "v" * 64
        one.resolver.software = one.resolver.address = one.resolver.transport = "r" * 64
    (first,) = record.names
    first.detail = "ä" * 2048
    first.reason = c.REASON_QUORUM_NOT_MET
    del first.replies[:], first.observations[:]
    for number in range(perspectives):
        seen = o.Observation(name=NAME, findings=[caa(b"\x00" + number.to_bytes() * octets)])
        first.observations.append(seen.SerializeToString())
        reply = first.replies.add(observation=number + 1, elapsed_us=2**32 - 1)
        reply.determinations.extend([1, 2])
        reply.dissent, reply.detail = c.DISSENT_FORBIDS, "ö" * 2048
        reply.agent_elapsed_us = 2**32 - 1
        reply.lookups_us.extend([2**32 - 1] * 512)
    first.determinations[0].record = "x" * 2000
    for number in range(1, names):
        name = record.names.add()
        name.CopyFrom(first)
        name.asked = f"{number}.{'ü' * 500}"
    return record


def bounded_answer(record: r.Record, wanted: Sequence[str] = ()) -> c.CorroborateResponse:
    response = c.CorroborateResponse()
    fill_answer(response, record, wanted=wanted)
    return response


@pytest.mark.parametrize("octets", [0, 1000, 20_000, 5_000_000])
def test_no_answer_is_larger_than_clients_take(octets: int) -> None:
    names, perspectives = (100, 32) if octets < 5_000_000 else (2, 6)
    record = large_record(names, perspectives, octets)
    response = bounded_answer(record)
    assert response.ByteSize() <= ANSWER_OCTETS
    assert [name.name for name in response.names] == [name.asked for name in record.names]
    for name in response.names:
        reports = name.perspectives
        assert [one.perspective_id for one in reports] == [one.id for one in record.perspectives]
        assert {one.dissent for one in reports} == {c.DISSENT_FORBIDS}
        assert all(one.left_out != bool(one.determinations) for one in reports)


def test_an_answer_is_filled_as_far_as_it_may_be() -> None:
    response = bounded_answer(large_record(100, 6, 22_000))
    assert response.ByteSize() > ANSWER_OCTETS - 30_000


def test_who_sends_much_leaves_out_itself_and_nobody_else() -> None:
    record = sample_record()
    (first,) = record.names
    seen = o.Observation(name=NAME, findings=[caa(b"x" * 100_000)])
    first.observations.append(seen.SerializeToString())
    first.replies[4].observation = 2
    record.names.extend([first] * 99)
    response = bounded_answer(record)
    left_out = {
        report.perspective_id
        for name in response.names
        for report in name.perspectives
        if report.left_out
    }
    assert left_out == {record.perspectives[4].id}


def test_of_the_names_that_are_wanted_nothing_is_left_out() -> None:
    record = large_record(100, 6, 150_000)
    wanted = record.names[70].asked
    response = bounded_answer(record, wanted=[wanted])
    assert not any(report.left_out for report in response.names[70].perspectives)
    assert any(report.left_out for report in response.names[71].perspectives)


def test_what_came_late_has_a_bound_too() -> None:
    record = large_record(100, 32, 1000)
    late = [
        r.LateReply(name=name, perspective_id=one.id, reply=record.names[name].replies[0])
        for name in range(100)
        for one in record.perspectives
    ]
    response, few = c.GetCorroborationResponse(), c.GetCorroborationResponse()
    add_all_late(response, late, record)
    assert response.ByteSize() <= LATE_OCTETS
    assert 0 < len(response.late) < len(late)
    assert len(response.late) + response.late_left_out == len(late)
    assert response.late[0].report.left_out
    assert ANSWER_OCTETS + LATE_OCTETS < CLIENTS_TAKE
    add_all_late(few, late[:5], record)
    assert [one.report.left_out for one in few.late] == [False] * 5


def test_an_observation_that_nobody_could_read_is_not_handed_on() -> None:
    """As records have that were written before observations had bounds."""
    record = sample_record()
    name = record.names[0]
    name.observations[0] += b"\xa3\x06" * 98 + b"\xa4\x06" * 98
    response = bounded_answer(record)
    assert not any(report.HasField("observation") for report in response.names[0].perspectives)
    assert all(report.corroborates for report in response.names[0].perspectives)
