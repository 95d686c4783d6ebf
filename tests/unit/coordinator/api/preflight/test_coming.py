"""What changes at the dates to come."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from coordinator.api.preflight.coming import (
    SCHEDULE,
    begin_of,
    dates_to_come,
    find_changes,
    has_other_rules,
)
from coordinator.corroboration import Call
from coordinator.record.entries import RecordEntries
from coordinator.record.replay import ReplayRules, replay
from coordinator.rules.policy import BASELINE_ROWS, Policy
from mpic.v1 import corroboration_pb2 as c
from tests.world.main_path import MainPath
from tests.world.requests import named
from tests.world.samples import NAME, NOVEMBER

DECEMBER = date(2026, 12, 15)


def at(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "days"),
    [
        (at(2026, 11, 30), [DECEMBER, date(2027, 3, 15), date(2029, 3, 15)]),
        (at(2026, 12, 15), [date(2027, 3, 15), date(2029, 3, 15)]),
        (at(2030, 1, 1), []),
    ],
)
def test_dates_that_are_there_are_not_to_come(now: datetime, days: list[date]) -> None:
    assert dates_to_come(now) == days


def test_how_often_certificates_are_renewed() -> None:
    """BR 6.3.2 and 4.2.1, as of 2026-03-15, 2027-03-15 and 2029-03-15."""
    assert [(one.certificate_days, one.validation_days, one.renewals) for one in SCHEDULE] == [
        (200, 200, 2),
        (100, 100, 4),
        (47, 10, 8),
    ]


def test_only_a_date_with_another_row_has_other_rules() -> None:
    policy = Policy()
    assert has_other_rules(policy, DECEMBER, NOVEMBER)
    assert not has_other_rules(policy, DECEMBER, at(2026, 12, 16))
    assert not has_other_rules(Policy(()), DECEMBER, NOVEMBER)


async def test_the_same_observations_are_judged_by_the_rules_to_come() -> None:
    path = MainPath()
    request = c.CorroborateRequest(request_id="r", names=named([NAME]))
    record = await path.corroborator.corroborate(request, Call("pipeline", lambda: None))
    issuers = path.corroborator.issuers
    assert find_changes(record, Policy(), issuers, NOVEMBER) == []
    strict = Policy([*BASELINE_ROWS[:-1], replace(BASELINE_ROWS[-1], minimum_corroborating=6)])
    changes = find_changes(record, strict, issuers, NOVEMBER)
    # One row is in force at all of these dates.
    assert [(one.since, one.name) for one in changes] == [
        (since, NAME) for since in dates_to_come(NOVEMBER)
    ]
    assert changes[0].reason != "CORROBORATED"


async def test_a_verdict_that_does_not_turn_is_not_told() -> None:
    """It is refused now and then, for another reason."""
    first, last = BASELINE_ROWS
    rows = replace(first, minimum_corroborating=6), replace(last, minimum_regions=6)
    path = MainPath(policy=Policy(rows))
    record = await path.decide()
    assert record.names[0].reason != c.REASON_CORROBORATED
    rules = ReplayRules(Policy(rows), path.corroborator.issuers, begin_of(DECEMBER))
    assert [one.is_reversal for one in replay(RecordEntries(question=record), rules)] == [False]
    assert find_changes(record, Policy(rows), path.corroborator.issuers, NOVEMBER) == []
