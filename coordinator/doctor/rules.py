"""Compares the roster with the rules of today, and with every dated rule to come. Pure."""

from collections.abc import Sequence
from datetime import date, datetime

from coordinator.rules.countries import Atlas
from coordinator.rules.placement import find_misplacements
from coordinator.rules.policy import NoPolicyRowError, Policy, PolicyRow
from coordinator.rules.roster import Breach, Roster, find_breaches
from mpic.runtime.doctor import DoctorFinding, Facts

_SUFFIX_LIST_DAYS = 365


def judge_roster(roster: Roster, policy: Policy, now: datetime) -> Sequence[DoctorFinding]:
    """Say what the roster breaks today, and from which date on it will break what."""
    try:
        row = policy.row_at(now)
    except NoPolicyRowError as error:
        mend = "Add a [[policy.row]] whose effective_from has passed"
        return [DoctorFinding("error", f"nothing can be approved: {error}", mend)]
    today = [_say_broken(breach) for breach in find_breaches(roster, row)]
    if not today:
        facts: Facts = {
            "remotes": len(roster.remotes),
            "minimum_remotes": row.minimum_remotes,
            "row": f"{row.effective_from:%Y-%m-%d}",
        }
        today = [DoctorFinding("ok", "the roster satisfies the rules in force", facts=facts)]
    coming = policy.rows_between(now, max(row.effective_from for row in policy.rows))
    return [*today, *(finding for row in coming for finding in _foresee(roster, row, now))]


def judge_places(roster: Roster, atlas: Atlas) -> Sequence[DoctorFinding]:
    """Say whether every place lies in its country and in its region."""
    wrong = [_say_broken(breach) for breach in find_misplacements(roster, atlas)]
    return wrong or [DoctorFinding("ok", "every place lies in the region of its RIR")]


def judge_suffix_list(made: date | None, now: datetime) -> DoctorFinding:
    """Say whether the list that says which labels may be removed is young (BR 3.2.2.4)."""
    mend = "Install a newer publicsuffixlist, or a newer release of this service"
    if made is None:
        return DoctorFinding("warning", "the Public Suffix List does not say how old it is", mend)
    age = (now.date() - made).days
    facts: Facts = {"made": made.isoformat(), "days": age}
    if age > _SUFFIX_LIST_DAYS:
        what = f"the Public Suffix List is {age} days old: new registries are not in it"
        return DoctorFinding("warning", what, mend, facts)
    return DoctorFinding("ok", f"the Public Suffix List is of {made.isoformat()}", facts=facts)


def _say_broken(breach: Breach) -> DoctorFinding:
    return DoctorFinding("error", f"nothing is approved: {breach.rule}: {breach.fact}", breach.mend)


def _foresee(roster: Roster, row: PolicyRow, now: datetime) -> list[DoctorFinding]:
    facts: Facts = {
        "from": row.effective_from.isoformat(),
        "days": (row.effective_from - now).days,
        "minimum_remotes": row.minimum_remotes,
    }
    start = f"from {row.effective_from:%Y-%m-%dT%H:%MZ} on"
    breaches = find_breaches(roster, row)
    if not breaches:
        return [DoctorFinding("ok", f"it satisfies the rules that apply {start} too", facts=facts)]
    return [
        DoctorFinding(
            "warning",
            f"{start} nothing will be approved: {one.rule}: {one.fact}",
            one.mend,
            facts,
        )
        for one in breaches
    ]
