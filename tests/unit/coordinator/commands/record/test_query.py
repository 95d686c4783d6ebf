"""Which records are wanted: terms find them, and each found is held against all criteria."""

from datetime import UTC, datetime

import pytest

from coordinator.commands.record.query import RecordCriteria, read_reason
from coordinator.decision.attempt_id import lowest_id
from coordinator.record.entries import RecordEntries
from coordinator.record.index_terms import (
    caller_term,
    dissent_term,
    name_term,
    reason_term,
    request_term,
)
from mpic.runtime.problem import Flaw
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import record_pb2 as r
from tests.world.records import CALLER, sample_record
from tests.world.samples import NAME


def entries() -> RecordEntries:
    """Two names: one approved, and one refused since Frankfurt saw another address."""
    record = sample_record(name=NAME, reason=c.REASON_CORROBORATED)
    other = sample_record(name="www.example.com", dissenting=["frankfurt"]).names[0]
    other.reason, other.asked, other.looked_up = (
        c.REASON_QUORUM_NOT_MET,
        "*.Example.com",
        "example.com",
    )
    record.names.append(other)
    late = r.LateReply(name=0, perspective_id="singapore")
    late.reply.dissent = c.DISSENT_LATE
    return RecordEntries(question=record, late=[late])


@pytest.mark.parametrize(
    ("wanted", "is_met"),
    [
        (RecordCriteria(), True),
        (RecordCriteria(caller=CALLER), True),
        (RecordCriteria(caller="other"), False),
        (RecordCriteria(request_id="request-0"), True),
        (RecordCriteria(request_id="request-1"), False),
        (RecordCriteria(name=NAME), True),
        (RecordCriteria(name="example.com"), True),
        (RecordCriteria(name="*.example.com"), True),
        (RecordCriteria(name=f"*.{NAME}"), False),
        (RecordCriteria(name="www.example.com"), False),
        (RecordCriteria(reason=c.REASON_QUORUM_NOT_MET), True),
        (RecordCriteria(reason=c.REASON_CORROBORATED), True),
        (RecordCriteria(reason=c.REASON_CUT_SHORT), False),
        (RecordCriteria(perspective="frankfurt"), True),
        (RecordCriteria(perspective="singapore"), True),
        (RecordCriteria(perspective="ashburn"), False),
        (RecordCriteria(name=NAME, reason=c.REASON_QUORUM_NOT_MET, caller="other"), False),
    ],
)
def test_a_record_meets_all_that_is_given_or_is_not_wanted(
    wanted: RecordCriteria, is_met: bool
) -> None:
    assert wanted.meets(entries()) == is_met


def test_what_has_no_question_is_not_wanted() -> None:
    assert not RecordCriteria().meets(RecordEntries())


def test_terms_are_those_that_tell_most() -> None:
    """A request is its caller's own; that a name was approved is no term."""
    since, until = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
    wanted = RecordCriteria(
        name=f"*.{NAME.title()}",
        since=since,
        until=until,
        reason=c.REASON_CUT_SHORT,
        perspective="tokyo",
        caller=CALLER,
    )
    (search,) = wanted.searches(newest_first=True)
    assert set(search.terms) == {
        name_term(NAME),
        reason_term(c.REASON_CUT_SHORT),
        dissent_term("tokyo"),
        caller_term(CALLER),
    }
    assert (search.since, search.until) == (lowest_id(since), lowest_id(until))
    assert search.newest_first
    (by_request,) = RecordCriteria(caller=CALLER, request_id="r").searches(newest_first=False)
    assert list(by_request.terms) == [request_term(CALLER, "r")]
    (approved,) = RecordCriteria(reason=c.REASON_CORROBORATED).searches(newest_first=False)
    assert not approved.terms


def test_what_had_numbers_of_its_own_for_each_check_is_asked_for_under_all() -> None:
    wanted = RecordCriteria(reason=c.REASON_PRIMARY_FAILED, name=NAME, caller=CALLER)
    found = [list(search.terms) for search in wanted.searches(newest_first=False)]
    assert found == [
        [name_term(NAME), reason_term(number), caller_term(CALLER)] for number in (6, 7)
    ]


def test_a_reason_is_written_as_one_likes() -> None:
    for text in ("quorum-not-met", "QUORUM_NOT_MET", "REASON_QUORUM_NOT_MET"):
        assert read_reason(text) == c.REASON_QUORUM_NOT_MET
    for text in ("unspecified", "quorum"):
        with pytest.raises(Flaw):
            read_reason(text)
