"""What changes at the dates to come: verdicts by the rules of then, and how often to renew. Pure.

BR 6.3.2 bounds how long a certificate lives, and BR 4.2.1 how long a validation may be used again:

    | issued from | days of a certificate | days of a validation |
    |-------------|-----------------------|----------------------|
    | 2026-03-15  | 200                   | 200                  |
    | 2027-03-15  | 100                   | 100                  |
    | 2029-03-15  | 47                    | 10                   |

BR 3.2.2.9 asks for more remotes from 2026-12-15 on (`coordinator.rules.policy`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from coordinator.checks.caa.issuer import Issuers
from coordinator.record.entries import RecordEntries
from coordinator.record.replay import ReplayRules, replay
from coordinator.rules.policy import NoPolicyRowError, Policy
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import record_pb2 as r
from mpic.words.codes import code_of

DATES = (date(2026, 12, 15), date(2027, 3, 15), date(2029, 3, 15))
_DAYS_OF_YEAR = 365


@dataclass(frozen=True, slots=True)
class Validity:
    """How long things may be used, from a date on."""

    since: date
    certificate_days: int
    validation_days: int

    @property
    def renewals(self) -> int:
        """How often a certificate is renewed in a year, at least."""
        return -(-_DAYS_OF_YEAR // self.certificate_days)


SCHEDULE = (
    Validity(date(2026, 3, 15), 200, 200),
    Validity(date(2027, 3, 15), 100, 100),
    Validity(date(2029, 3, 15), 47, 10),
)


@dataclass(frozen=True, slots=True)
class ComingChange:
    """A name whose verdict turns at a date."""

    since: date
    name: str
    reason: str
    """The code of the reason then."""


def dates_to_come(now: datetime) -> Sequence[date]:
    """Return those of the dates that are not there yet."""
    return [one for one in DATES if begin_of(one) > now]


def has_other_rules(policy: Policy, since: date, before: datetime) -> bool:
    """Whether another row of the policy is in force at a date than before."""
    try:
        return policy.row_at(begin_of(since)) != policy.row_at(before)
    except NoPolicyRowError:
        return False


def find_changes(
    record: r.Record, policy: Policy, issuers: Issuers, now: datetime
) -> Sequence[ComingChange]:
    """Judge what was seen by the rules of each date; return the names whose verdict turns."""
    changes = []
    for since in dates_to_come(now):
        if not has_other_rules(policy, since, now):
            continue
        rules = ReplayRules(policy, issuers, begin_of(since))
        for found in replay(RecordEntries(question=record), rules):
            if found.is_reversal:
                reason = code_of(c.Reason, found.reason)
                changes.append(ComingChange(since, found.name.asked, reason))
    return changes


def begin_of(day: date) -> datetime:
    """Return the moment when a day begins."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
