"""BR 3.2.2.9: who must corroborate what before a certificate is issued."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from mpic.v1 import perspective_pb2 as p
from tests.clauses.answer import Answer, Report
from tests.clauses.service import NotDecidedError, Service, Terms
from tests.clauses.world import CHILD, PLAIN, divert, forget, heal, policy, without
from tests.world import zones
from tests.world.deployment import Deployment
from tests.world.impostor import ASHBURN, replaced
from tests.world.internet import Internet
from tests.world.places import PLACES

DENIED = "deny.caa.example.co.jp"
DECEMBER = datetime(2026, 12, 15, tzinfo=UTC)


@pytest.fixture(scope="module")
def answer(service: Service) -> Answer:
    """About a name that nothing forbids, and that all see alike."""
    return service.ask(CHILD)


def test_br_3_2_2_9_a_name_that_all_see_alike_is_approved(answer: Answer) -> None:
    """ "MUST corroborate the determinations" of domain validation and of CAA: both, by all."""
    assert answer.approved
    assert answer.verdict.reason == "corroborated"
    for report in answer.verdict.reports:
        assert report.corroborates
        assert report.caa.outcome == "passed"


def test_br_3_2_2_9_each_response_shows_what_is_assessed(answer: Answer) -> None:
    """The response must let the CA "affirmatively assess" presence and authority: no silence."""
    for report in answer.verdict.reports:
        assert report.walk[0].name == CHILD
        assert all(level.WhichOneof("result") for level in report.walk)
        assert report.addresses.records.owner == CHILD
    assert answer.agreement == "exact"


def test_br_3_2_2_9_the_quorum_is_of_the_table(answer: Answer) -> None:
    """ "2-5" remote perspectives used: 1 non-corroboration is allowed; "6+": 2."""
    used = len(answer.verdict.remotes)
    assert answer.allowed == (1 if used < 6 else 2)
    assert answer.verdict.required >= used - answer.allowed
    assert answer.verdict.quorum == f"{len(answer.verdict.corroborating)}/{used}"


def test_br_3_2_2_9_as_many_remotes_are_used_as_the_date_demands(answer: Answer) -> None:
    """At least four from June 15, 2026; "effective December 15, 2026", at least five."""
    demanded = 4 if answer.asked_at < DECEMBER else 5
    assert len(answer.verdict.remotes) >= answer.minimum_remotes >= demanded


def test_br_3_2_2_9_those_that_corroborate_stand_in_two_regions(answer: Answer) -> None:
    """They "fall within the service regions of at least two (2) distinct" registries."""
    regions = {report.region for report in answer.verdict.corroborating}
    assert len(regions) >= answer.minimum_regions >= 2


def test_br_3_2_2_9_they_are_distinct_and_the_primary_is_none_of_them(
    service: Service, answer: Answer
) -> None:
    """Perspectives are "distinct", and each remote is another than the primary."""
    used = [report.perspective for report in answer.verdict.reports]
    assert len(set(used)) == len(used)
    assert answer.verdict.primary.perspective not in {
        report.perspective for report in answer.verdict.remotes
    }
    regions = service.roster()
    for report in answer.verdict.reports:
        assert regions[report.perspective] == report.region


def test_br_3_2_2_9_the_distance_of_the_policy_is_500_km(answer: Answer) -> None:
    """Perspectives, and resolvers, are 500 km apart "in a straight line"."""
    assert answer.minimum_distance_km >= 500


def test_br_3_2_2_9_every_name_has_a_quorum_of_its_own(service: Service) -> None:
    """ "MUST NOT proceed with issuance" where one name of the certificate fails."""
    answer = service.ask(CHILD, DENIED, f"*.{CHILD}")
    assert not answer.approved
    assert [verdict.approved for verdict in answer.verdicts] == [True, False, True]
    assert not any(verdict.usable_until for verdict in answer.verdicts)


def test_br_3_2_2_9_a_hundred_names_have_a_hundred_quorums(service: Service) -> None:
    """As above, of as many names as a request may have."""
    answer = service.ask(*(f"host{number}.plain.example.co.jp" for number in range(100)))
    assert answer.approved
    assert len(answer.verdicts) == 100
    assert all(verdict.quorum for verdict in answer.verdicts)


def test_br_3_2_2_9_nobody_may_ask_for_less(service: Service, answer: Answer) -> None:
    """The table is "MUST": a caller that wants fewer than it says gets no answer."""
    with pytest.raises(NotDecidedError, match="INVALID_ARGUMENT"):
        service.ask(CHILD, terms=Terms(at_least=answer.verdict.required - 1))
    stricter = service.ask(CHILD, terms=Terms(at_least=len(answer.verdict.remotes)))
    assert stricter.verdict.required == len(answer.verdict.remotes)


@pytest.mark.own_world("an administrator who removes a record")
@pytest.mark.usefixtures("deployment")
def test_br_3_2_2_9_a_name_without_a_record_is_corroborated_by_those_that_see_none(
    service: Service, internet: Internet
) -> None:
    """UPKI: the remotes agree with the primary, here on there being nothing."""
    internet.replace(zones.UPKI_WITHOUT_CHILD)
    forget()
    try:
        verdict = service.ask(CHILD).verdict
    finally:
        internet.replace(zones.UPKI)
        forget()
    assert (verdict.approved, verdict.quorum) == (True, "5/5")
    assert verdict.primary.addresses.HasField("absence")


@pytest.mark.own_world("a network that is lied to")
@pytest.mark.usefixtures("deployment")
def test_br_3_2_2_9_one_of_five_need_not_corroborate(service: Service) -> None:
    """ "2-5": one non-corroboration is allowed."""
    divert(2)
    verdict = service.ask(PLAIN).verdict
    assert (verdict.approved, verdict.quorum) == (True, "4/5")
    ashburn = verdict.of(ASHBURN.id)
    assert (ashburn.corroborates, ashburn.why) == (False, "addresses differs")
    assert ashburn.detail == "sees 203.0.113.66 where the primary sees 203.0.113.100"
    strict = service.ask(PLAIN, terms=Terms(at_least=5)).verdict
    assert (strict.approved, strict.required, strict.reason) == (False, 5, "quorum not met")


@pytest.mark.own_world("networks that are lied to")
@pytest.mark.usefixtures("deployment")
def test_br_3_2_2_9_two_of_five_that_do_not_are_error_338(service: Service) -> None:
    """Where the quorum is not met, the CA "MUST NOT proceed with issuance"."""
    divert(2, 5)
    answer = service.ask(PLAIN)
    assert not answer.approved
    assert (answer.verdict.reason, answer.verdict.quorum) == ("quorum not met", "3/5")
    assert (answer.code, answer.verdict.code) == (338, 338)
    assert answer.usable_until is answer.verdict.usable_until is None


@pytest.mark.own_world("a primary that is lied to")
@pytest.mark.usefixtures("deployment")
def test_br_3_2_2_9_a_primary_that_is_lied_to_is_corroborated_by_nobody(service: Service) -> None:
    """An attacker at the CA's own network alone: the case that the clause was made for."""
    divert(0)
    answer = service.ask(PLAIN)
    assert (answer.verdict.reason, answer.verdict.quorum) == ("quorum not met", "0/5")
    assert answer.code == 338


@pytest.mark.own_world("networks that are lied to")
@pytest.mark.usefixtures("deployment")
def test_br_3_2_2_9_corroborations_of_previous_attempts_are_never_added(service: Service) -> None:
    """The CA "MUST NOT rely on corroborations from previous attempts".

    Every remote corroborates in one of two attempts, and three of five in each.
    """
    for lied_to in ((1, 2), (3, 4)):
        divert(*lied_to)
        answer = service.ask(PLAIN)
        heal()
        assert (answer.verdict.quorum, answer.code) == ("3/5", 338)
        dissenting = [one.perspective for one in answer.verdict.remotes if not one.corroborates]
        assert dissenting == [PLACES[number].id for number in lied_to]


@pytest.mark.own_world("agents that are gone")
def test_br_3_2_2_9_who_is_used_stays_in_the_denominator(
    service: Service, deployment: Deployment
) -> None:
    """ "Used" is asked: two that are gone are 3 of 5 and refused, never 3 of 3."""
    with without(deployment, "frankfurt", "johannesburg"):
        answer = service.ask(CHILD)
    assert (answer.approved, answer.code) == (False, 338)
    assert (answer.verdict.reason, answer.verdict.quorum) == ("quorum not met", "3/5")
    for gone in ("frankfurt", "johannesburg"):
        assert answer.verdict.of(gone).why == "unreachable"


@pytest.mark.own_world("a policy that demands five regions")
def test_br_3_2_2_9_too_few_regions_are_error_338(service: Service, deployment: Deployment) -> None:
    """The regions are counted over those that corroborate, not over those that exist."""
    row = (
        "[[policy.row]]\neffective_from = 2026-06-15T00:00:00Z\n"
        "minimum_remotes = 5\nminimum_regions = 5\n"
    )
    with policy(deployment, row):
        assert service.ask(CHILD).approved
        divert(2)
        answer = service.ask(PLAIN)
    assert (answer.verdict.reason, answer.verdict.quorum) == ("regions not met", "4/5")
    assert (answer.approved, answer.code) == (False, 338)


@pytest.mark.own_world("a policy whose date comes")
def test_br_3_2_2_9_a_row_applies_from_its_date_on(
    service: Service, deployment: Deployment
) -> None:
    """ "Effective" on a date is from 00:00:00 UTC on (BR 1.6.4): to the second."""
    comes = (datetime.now(UTC) + timedelta(seconds=4)).replace(microsecond=0)
    rows = "".join(
        f"[[policy.row]]\neffective_from = {since:%Y-%m-%dT%H:%M:%SZ}\n"
        f"minimum_remotes = 5\nminimum_corroborating = {at_least}\n"
        for since, at_least in ((datetime(2026, 6, 15, tzinfo=UTC), 0), (comes, 5))
    )
    with policy(deployment, rows):
        divert(2)
        answers = [service.ask(PLAIN)]
        while answers[-1].asked_at <= comes:
            answers.append(service.ask(PLAIN))
            forget()
    for answer in answers:
        assert answer.verdict.quorum == "4/5"
        assert answer.approved == (answer.asked_at < comes)
        assert answer.verdict.required == (4 if answer.asked_at < comes else 5)


@pytest.mark.own_world("an agent that shows what it is asked")
def test_br_3_2_2_9_nothing_that_another_saw_is_sent(
    service: Service, deployment: Deployment, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """What one perspective obtained "MUST NOT be reused or cached" for subsequent ones."""
    log = tmp_path_factory.mktemp("fake") / "fake.log"
    with replaced(deployment, "honest", log):
        verdict = service.ask(PLAIN).verdict
        asked = [bytes.fromhex(one) for one in re.findall("asked ([0-9a-f]+)", log.read_text())]
    (question,) = [
        question
        for message in asked
        for question in p.ObserveRequest.FromString(message).questions
        if question.name == PLAIN
    ]
    # Its number, its time and the caller's trace are the same whatever anybody saw.
    question.ClearField("id")
    question.ClearField("timeout_ms")
    question.ClearField("traceparent")
    checks = [p.Check(caa_walk=p.CaaWalk()), p.Check(addresses=p.AddressLookup())]
    assert question == p.Question(name=PLAIN, checks=checks)
    for seen in all_that_was_seen(verdict.reports):
        assert not any(seen in message for message in asked)


def all_that_was_seen(reports: Sequence[Report]) -> set[bytes]:
    """Return the records that anybody had, as they are in the DNS and as people write them."""
    found = {rdata for report in reports for rdata in report.addresses.records.rdata}
    assert found
    return found | {".".join(map(str, rdata)).encode() for rdata in found}
