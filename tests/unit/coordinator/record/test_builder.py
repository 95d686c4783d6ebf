"""From an attempt to its record: small, complete, and whatever the network sent."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from coordinator.api.response import fill_late, fill_whole_answer
from coordinator.checks.caa.issuer import Issuer
from coordinator.decision.attempt import Attempt
from coordinator.decision.request import IssuanceRequest, RequestRules, read_request
from coordinator.decision.vote import Reply
from coordinator.perspectives.client import PerspectiveClient
from coordinator.perspectives.client_options import ClientOptions
from coordinator.record.builder import AskedBy, RecordBuilder, fill_late_replies
from coordinator.record.index_terms import dissent_term, find_terms
from coordinator.record.timestamps import to_us
from mpic.channel import TlsFiles
from mpic.text import escape
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import perspective_pb2 as p
from mpic.v1 import record_pb2 as r
from tests.world.requests import caa_of, named
from tests.world.samples import (
    ADDRESS,
    ISSUER,
    NAME,
    NOVEMBER,
    RULES,
    WORLD,
    addresses,
    caa,
    failed_addresses,
    issuance_request,
    reply,
)

NO_FILES = ClientOptions(TlsFiles(Path("a"), Path("b"), Path("c")))
LINKS = [PerspectiveClient(one, NO_FILES) for one in WORLD.perspectives]
BY = AskedBy("caller", b"digest")


def decide(replies: Sequence[Reply], request: IssuanceRequest | None = None) -> Attempt:
    attempt = Attempt(request or issuance_request(), WORLD, NOVEMBER, lambda _: None)
    for one in replies:
        attempt.receive(0, one)
    attempt.decided_at = NOVEMBER + timedelta(seconds=1)
    attempt.freeze()
    return attempt


def transcribe(attempt: Attempt) -> r.Record:
    """The record, through its stored form."""
    record = r.Record()
    RecordBuilder(LINKS, b"version").fill_record(record, attempt, BY)
    return r.Record.FromString(record.SerializeToString())


def late_of(attempt: Attempt) -> r.LateReplies:
    late = r.LateReplies()
    fill_late_replies(late, attempt)
    return r.LateReplies.FromString(late.SerializeToString())


def everybody() -> list[Reply]:
    return [reply(one) for one in WORLD.perspectives]


async def test_what_all_saw_alike_is_stored_once() -> None:
    replies = everybody()
    replies[2] = reply(WORLD.remotes[1], (caa(), addresses(bytes(4))))
    record = transcribe(decide(replies))
    (name,) = record.names
    assert [one.observation for one in name.replies] == [1, 1, 2, 1, 1, 1]
    assert name.observations[0] == replies[0].encoded.observation
    alike, other = [1, 2], [1, 3]
    assert [list(one.determinations) for one in name.replies] == [alike, alike, other, *[alike] * 3]
    assert [one.check for one in name.determinations] == ["caa", "addresses", "addresses"]
    outcomes = [c.OUTCOME_PASSED, c.OUTCOME_PASSED, c.OUTCOME_DIFFERS]
    assert [one.outcome for one in name.determinations] == outcomes
    assert len(name.observations) == 2
    assert (name.replies[2].dissent, name.replies[2].check) == (c.DISSENT_DIFFERS, "addresses")
    assert dissent_term(WORLD.remotes[1].id) in find_terms(r.RecordEntry(question=record))


async def test_an_ordinary_record_is_small() -> None:
    assert transcribe(decide(everybody())).ByteSize() < 1200


ISSUERS = {"example": Issuer(frozenset({ISSUER}), frozenset({"contactemail"}))}


def ask(**fields: object) -> IssuanceRequest:
    message = c.CorroborateRequest(request_id="r-1", issuer="example", **fields)
    return read_request(
        message, RequestRules(ISSUERS, RULES.row, len(WORLD.remotes), 10.0, NOVEMBER)
    )


async def test_what_was_asked_is_told() -> None:
    """With what it is judged by: of each name its own method."""
    names = [*named([NAME], "dns-01"), *named([f"*.{NAME.title()}"], "ca-tbr-7")]
    request = ask(names=names, account_uri="https://acme.test/1")
    attempt = decide(everybody(), request)
    record = transcribe(attempt)
    plain, wild = record.names
    for name, decision in zip((plain, wild), attempt.decisions, strict=True):
        assert list(name.checks) == [check.asked for check in decision.asked.checks]
        assert [check.WhichOneof("kind") for check in name.checks] == ["caa", "addresses"]
        assert name.checks[0].caa.account_uri == "https://acme.test/1"
        assert list(name.checks[0].caa.issuer_domains) == [ISSUER]
        assert list(name.checks[0].caa.understood_critical_tags) == ["contactemail"]
        assert name.checks[1].addresses.agreement == RULES.row.address_agreement
    assert [one.checks[0].caa.wildcard for one in (plain, wild)] == [False, True]
    methods = [one.checks[0].caa.validation_method for one in (plain, wild)]
    assert methods == ["dns-01", "ca-tbr-7"]
    assert (record.issuer, record.request_id, record.dry_run) == ("example", "r-1", False)
    assert not record.HasField("tightening")
    assert (record.caller, record.request_digest) == ("caller", b"digest")
    assert record.policy_version == b"version"
    assert record.decided_at_us - record.asked_at_us == 1_000_000
    assert (plain.asked, plain.looked_up) == (NAME, "")
    assert (wild.asked, wild.looked_up) == (f"*.{NAME.title()}", NAME)


async def test_what_a_caller_demanded_and_that_it_only_tried_is_told() -> None:
    record = transcribe(
        decide(
            everybody(),
            ask(names=named([NAME]), tightening=c.Tightening(min_corroborating=5), dry_run=True),
        )
    )
    assert record.tightening.min_corroborating == 5
    assert record.dry_run
    assert record.names[0].required == 5
    assert not record.names[0].usable_until_us


async def test_until_when_each_check_may_be_used_is_told_of_what_is_approved() -> None:
    """BR 4.2.2.1: of CAA; addresses have no end of their own."""
    (name,) = transcribe(decide(everybody())).names
    assert list(name.usable_until_us) == [to_us(NOVEMBER + timedelta(hours=8)), 0]
    differ = [reply(one, (caa(), addresses(bytes(4)))) for one in WORLD.remotes]
    (name,) = transcribe(decide([reply(WORLD.primary), *differ])).names
    assert not name.usable_until_us


async def test_the_check_that_decides_is_told_of_the_name_and_of_who_dissents() -> None:
    replies = everybody()
    replies[0] = reply(WORLD.primary, (caa(), failed_addresses()))
    replies[1] = reply(WORLD.remotes[0], (caa(b"\x00\x05issueother.example"), addresses(ADDRESS)))
    unsupported = c.DISSENT_UNSUPPORTED
    replies[2] = Reply(WORLD.remotes[1], None, None, unsupported, "does not know caa", "caa")
    (name,) = transcribe(decide(replies)).names
    assert (name.reason, name.check) == (c.REASON_PRIMARY_FAILED, "addresses")
    told = [(one.dissent, one.check) for one in name.replies[:3]]
    assert told == [
        (c.DISSENT_FAILED, "addresses"),
        (c.DISSENT_FORBIDS, "caa"),
        (unsupported, "caa"),
    ]
    outcomes = [
        [name.determinations[number - 1].outcome for number in one.determinations]
        for one in name.replies[:3]
    ]
    passed = c.OUTCOME_PASSED
    assert outcomes == [[passed, c.OUTCOME_FAILED], [c.OUTCOME_FORBIDDEN, passed], []]
    refused = transcribe(decide([reply(WORLD.primary), *replies[1:3], *everybody()[3:]])).names[0]
    assert (refused.reason, refused.check) == (c.REASON_QUORUM_NOT_MET, "")


@pytest.mark.parametrize("octets", [b"\xff\xfe garbage \x00", b"\x12\x02\xff\xff"])
async def test_garbage_is_kept_octet_for_octet_and_breaks_nothing(octets: bytes) -> None:
    garbage = Reply(WORLD.remotes[0], p.EncodedObservation(observation=octets), 0.01)
    record = transcribe(decide([reply(WORLD.primary), garbage, *map(reply, WORLD.remotes[1:])]))
    assert record.names[0].observations[1] == octets
    response = c.CorroborateResponse()
    fill_whole_answer(response, record)
    report = response.names[0].perspectives[1]
    assert report.dissent == c.DISSENT_GARBAGE
    assert not report.HasField("observation")


async def test_text_from_the_network_survives_as_it_is_and_is_told_escaped() -> None:
    hostile = "\x1b[2J\r\n\x00';DROP TABLE entry;--\u202e\U0001f4a9\x7f"
    failed = (caa(), failed_addresses(hostile))
    record = transcribe(decide([reply(one, failed) for one in WORLD.perspectives]))
    assert hostile.encode() in record.names[0].observations[0]
    for told in (record.names[0].replies[0].detail, record.names[0].detail):
        assert escape(hostile) in told
        assert told.isprintable()


async def test_what_comes_late_refers_to_what_is_stored() -> None:
    attempt = decide(everybody()[:5])
    record = transcribe(attempt)
    assert record.names[0].replies[5].dissent == c.DISSENT_NOT_AWAITED
    attempt.receive(0, reply(WORLD.remotes[4]))
    late = late_of(attempt)
    assert late.record_id == record.id
    (one,) = late.replies
    assert (one.name, one.perspective_id) == (0, WORLD.remotes[4].id)
    assert (one.reply.observation, list(one.reply.determinations)) == (1, [1, 2])
    assert not one.observation
    assert not one.determinations
    report = c.LateReport()
    fill_late(report, one, record)
    assert report.name == NAME
    assert report.report.corroborates
    assert report.report.observation.name == NAME


async def test_what_comes_late_and_differs_is_kept() -> None:
    attempt = decide(everybody()[:5])
    record = transcribe(attempt)
    seen = reply(WORLD.remotes[4], (caa(b"\x00\x05issueother.example"), addresses(ADDRESS)))
    attempt.receive(0, seen)
    (one,) = late_of(attempt).replies
    assert one.observation == seen.encoded.observation
    assert one.reply.dissent == c.DISSENT_FORBIDS
    assert one.reply.check == "caa"
    outcomes = [(told.check, told.outcome) for told in one.determinations]
    assert outcomes == [("caa", c.OUTCOME_FORBIDDEN), ("addresses", c.OUTCOME_PASSED)]
    assert not one.reply.determinations
    report = c.LateReport()
    fill_late(report, one, record)
    assert caa_of(report.report).outcome == c.OUTCOME_FORBIDDEN
    assert report.report.observation.name == NAME


async def test_who_never_came_is_written_as_such() -> None:
    attempt = decide(everybody()[:5])
    attempt.receive(0, Reply(WORLD.remotes[4], None, None, c.DISSENT_LATE, "no answer within 5 s"))
    (one,) = late_of(attempt).replies
    assert one.reply.dissent == c.DISSENT_LATE
    assert not one.reply.HasField("elapsed_us")
