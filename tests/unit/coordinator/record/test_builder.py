"""From an attempt to its record: small, complete, and whatever the network sent."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from coordinator.api.response import fill_late, fill_whole_answer
from coordinator.decision.attempt import Attempt
from coordinator.decision.question import Question
from coordinator.decision.vote import Reply
from coordinator.perspectives.client import ClientOptions, PerspectiveClient
from coordinator.record.builder import Asked, RecordBuilder, fill_late_replies
from coordinator.record.index_terms import dissent_term, find_terms
from mpic.names import parse_name
from mpic.runtime.grpc.tls import TlsFiles
from mpic.text import escape
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import perspective_pb2 as p
from mpic.v1 import record_pb2 as r
from tests.world.samples import (
    ADDRESS,
    NAME,
    NOVEMBER,
    TERMS,
    WORLD,
    addresses,
    ask,
    caa,
    failed_addresses,
    reply,
)

NO_FILES = ClientOptions(TlsFiles(Path("a"), Path("b"), Path("c")))
LINKS = [PerspectiveClient(one, NO_FILES) for one in WORLD.perspectives]
ASKED = Asked("caller", c.CorroborateRequest(account_uri="https://acme.test/1"), b"digest")


def decide(replies: Sequence[Reply]) -> Attempt:
    question = Question("r-1", [parse_name(NAME)], [ask()], TERMS, dry_run=False, linger=0)
    attempt = Attempt(question, WORLD, NOVEMBER, lambda _: None)
    for one in replies:
        attempt.receive(0, one)
    attempt.decided_at = NOVEMBER + timedelta(seconds=1)
    attempt.close()
    return attempt


def transcribe(attempt: Attempt) -> r.Record:
    """The record, through its stored form."""
    record = r.Record()
    RecordBuilder(LINKS, b"version").fill_record(record, attempt, ASKED)
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
    assert [one.determination for one in name.replies] == [1] * 6
    assert (len(name.observations), len(name.determinations)) == (2, 1)
    assert name.replies[2].dissent == c.DISSENT_ADDRESSES_DIFFER
    assert dissent_term(WORLD.remotes[1].id) in find_terms(r.RecordEntry(question=record))


async def test_an_ordinary_record_is_small() -> None:
    assert transcribe(decide(everybody())).ByteSize() < 1200


async def test_what_was_asked_is_told() -> None:
    record = transcribe(decide(everybody()))
    assert record.account_uri == "https://acme.test/1"
    assert (record.caller, record.request_digest) == ("caller", b"digest")
    assert record.policy_version == b"version"
    assert record.decided_at_us - record.asked_at_us == 1_000_000
    assert record.names[0].looked_up == ""


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
    assert (one.reply.observation, one.reply.determination) == (1, 1)
    assert not one.observation
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
    assert one.reply.dissent == c.DISSENT_CAA_FORBIDS
    assert one.determination.outcome == c.CAA_OUTCOME_FORBIDDEN
    report = c.LateReport()
    fill_late(report, one, record)
    assert report.report.caa.outcome == c.CAA_OUTCOME_FORBIDDEN
    assert report.report.observation.name == NAME


async def test_who_never_came_is_written_as_such() -> None:
    attempt = decide(everybody()[:5])
    attempt.receive(0, Reply(WORLD.remotes[4], None, None, c.DISSENT_LATE, "no answer within 5 s"))
    (one,) = late_of(attempt).replies
    assert one.reply.dissent == c.DISSENT_LATE
    assert not one.reply.HasField("elapsed_us")
