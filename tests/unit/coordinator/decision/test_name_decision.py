"""One name's decision: the primary first, then the quorum, in whatever order they answer."""

from dataclasses import replace
from itertools import permutations, product

import pytest

from coordinator.checks.addresses import AddressJudge
from coordinator.checks.caa.check import CaaJudge
from coordinator.checks.check import Judgement, Statuses
from coordinator.decision.name_decision import PRIMARY_REASONS, NameDecision
from coordinator.decision.request import AskedName
from coordinator.decision.vote import Reply, Vote
from coordinator.rules.quorum import AttemptRules
from coordinator.rules.responsibility import Responsible, blame_dissent
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p
from tests.world.samples import (
    ADDRESS,
    NAME,
    RULES,
    WORLD,
    addresses,
    asked_name,
    caa,
    encode,
    failed_addresses,
    failed_caa,
    reply,
)

OTHER = bytes([203, 0, 113, 66])
FORBIDS = b"\x00\x05issueother.example"
PERMITS = b"\x00\x05issueca.example.test"
DIFFERS = (caa(), addresses(OTHER))


def decision() -> NameDecision:
    return NameDecision(asked_name(), RULES, WORLD)


def late(who: int) -> Reply:
    return Reply(WORLD.remotes[who], None, None, c.DISSENT_LATE, "no answer within 11 s")


def test_approved_with_the_primary_and_the_fourth_remote() -> None:
    one = decision()
    one.add(reply(WORLD.primary))
    for remote in WORLD.remotes[:3]:
        one.add(reply(remote))
        assert one.reason == c.REASON_UNSPECIFIED
    one.add(reply(WORLD.remotes[3]))
    assert one.reason == c.REASON_CORROBORATED
    assert len(one.corroborating()) == 4
    assert one.quorum == "4/5"
    assert one.vote_of(WORLD.remotes[4]).dissent == c.DISSENT_NOT_AWAITED
    assert not one.is_complete


def test_refused_with_the_second_dissent() -> None:
    one = decision()
    one.add(reply(WORLD.primary))
    one.add(reply(WORLD.remotes[0], DIFFERS))
    assert one.reason == c.REASON_UNSPECIFIED
    one.add(late(1))
    assert one.reason == c.REASON_QUORUM_NOT_MET


@pytest.mark.parametrize(
    "encoded",
    [
        p.EncodedObservation(question_id=1),
        p.EncodedObservation(question_id=1, observation=b"\xff\xfe garbage"),
        p.EncodedObservation(
            question_id=1, observation=encode(o.Observation()).observation + b"\n"
        ),
        encode(o.Observation(name="other.example", findings=(caa(), addresses(ADDRESS)))),
    ],
    ids=["nothing", "octets", "cut short", "another name"],
)
def test_an_answer_that_is_garbage_corroborates_nothing(encoded: p.EncodedObservation) -> None:
    for who in (WORLD.primary, WORLD.remotes[0]):
        one = decision()
        one.add(Reply(who, encoded, 0.01))
        vote = one.vote_of(who)
        assert not vote.corroborates
        assert vote.dissent == c.DISSENT_GARBAGE
        assert "garbage" in vote.detail


@pytest.mark.parametrize(
    "findings", [(), (caa(),), (caa(), addresses(ADDRESS), addresses(ADDRESS))]
)
def test_too_few_or_too_many_findings_are_garbage(findings: tuple[o.Finding, ...]) -> None:
    """It is the agent's defect, and is not taken for one of ours."""
    one = decision()
    one.add(reply(WORLD.remotes[0], findings))
    vote = one.vote_of(WORLD.remotes[0])
    assert vote.dissent == c.DISSENT_GARBAGE
    assert vote.detail.startswith("its answer is garbage: findings")


def test_a_later_reply_counts_but_changes_no_verdict() -> None:
    one = decision()
    for who in (WORLD.primary, *WORLD.remotes[:4]):
        one.add(reply(who))
    one.add(reply(WORLD.remotes[4], DIFFERS))
    assert one.reason == c.REASON_CORROBORATED
    assert len(one.corroborating()) == 4
    assert one.vote_of(WORLD.remotes[4]).dissent == c.DISSENT_DIFFERS
    assert one.is_complete


def test_who_saw_the_same_octet_for_octet_is_judged_once(monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[o.Finding] = []
    judge = CaaJudge.judge

    def count(
        self: CaaJudge, finding: o.Finding, name: str, asked: c.RequestedCheck, believed: Statuses
    ) -> Judgement:
        judged.append(finding)
        return judge(self, finding, name, asked, believed)

    monkeypatch.setattr(CaaJudge, "judge", count)
    one = decision()
    for who in (WORLD.primary, *WORLD.remotes):
        one.add(reply(who))
    assert len(judged) == 1
    one.add(reply(WORLD.remotes[0], DIFFERS))
    assert len(judged) == 2
    decision().add(reply(WORLD.primary))  # nothing is kept from one question to the next
    assert len(judged) == 3


def test_who_differs_in_the_same_octets_keeps_a_reply_of_its_own() -> None:
    """Its time and its name would else be recorded as those of another."""
    one = decision()
    one.add(reply(WORLD.primary))
    replies = [reply(remote, DIFFERS) for remote in WORLD.remotes[:2]]
    for each in replies:
        one.add(each)
    votes = [one.vote_of(remote) for remote in WORLD.remotes[:2]]
    assert [vote.reply for vote in votes] == replies
    assert {vote.dissent for vote in votes} == {c.DISSENT_DIFFERS}


def test_a_verdict_that_is_certain_does_not_change() -> None:
    """Whoever should answer twice."""
    one = decision()
    for who in (WORLD.primary, *WORLD.remotes[:4]):
        one.add(reply(who))
    for remote in WORLD.remotes[:4]:
        one.add(reply(remote, DIFFERS))
    assert one.reason == c.REASON_CORROBORATED


def cut_short(who: int, dissent: c.Dissent.ValueType = c.DISSENT_OVERLOADED) -> Reply:
    return Reply(WORLD.perspectives[who], None, None, dissent, "too much to do")


@pytest.mark.parametrize("dissent", [c.DISSENT_OVERLOADED, c.DISSENT_NO_TIME])
def test_what_our_load_or_the_deadline_cuts_short_refuses_nothing(
    dissent: c.Dissent.ValueType,
) -> None:
    """Two of five are no dissent: nobody knows what they would have seen."""
    one = decision()
    for number in (4, 5):
        one.add(cut_short(number, dissent))
    for who in WORLD.perspectives[:4]:
        assert not one.reason
        one.add(reply(who))
    assert one.reason == c.REASON_CUT_SHORT


def test_one_cut_short_of_five_is_not_missed() -> None:
    one = decision()
    one.add(cut_short(5))
    for who in WORLD.perspectives[:5]:
        one.add(reply(who))
    assert one.reason == c.REASON_CORROBORATED


def test_what_is_refused_whatever_was_cut_short_is_refused() -> None:
    one = decision()
    one.add(reply(WORLD.primary))
    one.add(cut_short(5))
    for remote in WORLD.remotes[:2]:
        one.add(reply(remote, DIFFERS))
    assert one.reason == c.REASON_QUORUM_NOT_MET


def test_an_agent_with_too_much_to_do_has_not_looked_and_the_primary_decides_nothing() -> None:
    failure = o.Failure(kind=o.FAILURE_KIND_OVERLOADED, detail="too much to do")
    one = decision()
    one.add(reply(WORLD.primary, [o.Finding(not_run=failure)] * 2))
    assert one.reason == c.REASON_CUT_SHORT
    assert one.vote_of(WORLD.primary).dissent == c.DISSENT_OVERLOADED


@pytest.mark.parametrize(
    "rules",
    [
        RULES,
        AttemptRules(RULES.row, 5, tightened_to=5),
        AttemptRules(replace(RULES.row, minimum_remotes=6), 5),
        AttemptRules(replace(RULES.row, minimum_regions=6), 5),
        AttemptRules(replace(RULES.row, minimum_corroborating=6), 5),
    ],
)
@pytest.mark.parametrize("before_the_primary", [0, 2, 5])
def test_what_is_certain_is_said_at_once(rules: AttemptRules, before_the_primary: int) -> None:
    ways = [
        [reply(one), reply(one, DIFFERS), cut_short(n + 1)] for n, one in enumerate(WORLD.remotes)
    ]
    for replies in product(*ways):
        one = NameDecision(asked_name(), rules, WORLD)
        in_order = [
            *replies[:before_the_primary],
            reply(WORLD.primary),
            *replies[before_the_primary:],
        ]
        for each in in_order:
            one.add(each)
            assert one.reason or not one._foresee()
        assert one.reason


def spoiled(finding: o.Finding) -> o.Finding:
    """Return a finding that failed, with the failure put down to the agent's own load."""
    mine = o.Finding()
    mine.CopyFrom(finding)
    walk = mine.HasField("caa_walk")
    lookup = mine.caa_walk.levels[-1] if walk else mine.addresses.lookup
    lookup.failure.kind = o.FAILURE_KIND_OVERLOADED
    return mine


@pytest.mark.parametrize(
    "findings",
    [
        (spoiled(failed_caa()), addresses(ADDRESS)),
        (spoiled(failed_caa("jp")), failed_addresses()),
        (caa(), spoiled(failed_addresses())),
    ],
)
def test_a_lookup_that_the_agents_own_load_spoiled_is_no_failure_of_the_domain(
    findings: tuple[o.Finding, o.Finding],
) -> None:
    one = decision()
    one.add(reply(WORLD.primary, findings))
    assert one.reason == c.REASON_CUT_SHORT
    other = decision()
    for number in (1, 2):
        other.add(reply(WORLD.perspectives[number], findings))
        assert other.vote_of(WORLD.perspectives[number]).dissent == c.DISSENT_OVERLOADED
    for who in (WORLD.primary, *WORLD.remotes[2:]):
        other.add(reply(who))
    assert other.reason == c.REASON_CUT_SHORT


def test_what_forbids_forbids_whatever_load_spoils_beside_it() -> None:
    one = decision()
    one.add(reply(WORLD.primary, (caa(FORBIDS), spoiled(failed_addresses()))))
    assert one.reason == c.REASON_PRIMARY_FORBIDS


def test_the_order_of_replies_does_not_matter() -> None:
    replies = [
        reply(WORLD.primary),
        *(reply(one) for one in WORLD.remotes[:3]),
        reply(WORLD.remotes[3], DIFFERS),
        late(4),
    ]
    for order in permutations(replies):
        one = decision()
        for each in order:
            one.add(each)
        assert one.reason == c.REASON_QUORUM_NOT_MET
        assert len(one.corroborating()) == 3
        dissents = [one.vote_of(remote).dissent for remote in WORLD.remotes]
        assert dissents == [0, 0, 0, c.DISSENT_DIFFERS, c.DISSENT_LATE]


def test_without_the_primary_nothing_is_certain() -> None:
    one = decision()
    for remote in WORLD.remotes:
        one.add(reply(remote))
    assert one.reason == c.REASON_UNSPECIFIED
    assert one.corroborating() == []
    one.add(reply(WORLD.primary))
    assert one.reason == c.REASON_CORROBORATED


def test_br_3_2_2_9_a_primary_that_forbids_is_its_own_reason_whatever_remotes_say() -> None:
    one = decision()
    for remote in WORLD.remotes:
        one.add(reply(remote))
    one.add(reply(WORLD.primary, (caa(FORBIDS), addresses(ADDRESS))))
    assert one.reason == c.REASON_PRIMARY_FORBIDS
    assert one.corroborating() == []


@pytest.mark.parametrize(
    ("findings", "reason", "check"),
    [
        ((caa(FORBIDS), addresses(ADDRESS)), c.REASON_PRIMARY_FORBIDS, "caa"),
        ((failed_caa(), addresses(ADDRESS)), c.REASON_PRIMARY_FAILED, "caa"),
        ((failed_caa("co.jp"), addresses(ADDRESS)), c.REASON_PRIMARY_FAILED, "caa"),
        ((caa(), failed_addresses()), c.REASON_PRIMARY_FAILED, "addresses"),
        ((failed_caa(), failed_addresses()), c.REASON_PRIMARY_FAILED, "caa"),
        ((addresses(ADDRESS), caa()), c.REASON_PRIMARY_UNAVAILABLE, ""),
        ((caa(),), c.REASON_PRIMARY_UNAVAILABLE, ""),
        ((), c.REASON_PRIMARY_UNAVAILABLE, ""),
    ],
)
def test_what_the_primary_lacks_is_the_reason_at_once(
    findings: tuple[o.Finding, ...], reason: c.Reason.ValueType, check: str
) -> None:
    one = decision()
    one.add(reply(WORLD.primary, findings))
    assert (one.reason, one.check) == (reason, check)


@pytest.mark.parametrize(
    "dissent",
    [c.DISSENT_UNREACHABLE, c.DISSENT_LATE, c.DISSENT_MISIDENTIFIED, c.DISSENT_GARBAGE],
)
def test_a_primary_without_an_answer_leaves_it_undetermined(dissent: c.Dissent.ValueType) -> None:
    one = decision()
    one.add(Reply(WORLD.primary, None, None, dissent, "why"))
    assert one.reason == c.REASON_PRIMARY_UNAVAILABLE


def test_every_dissent_a_primary_can_have_has_its_reason() -> None:
    never_the_primarys = {
        c.DISSENT_UNSPECIFIED,
        c.DISSENT_DIFFERS,
        c.DISSENT_NOT_AWAITED,
        c.DISSENT_NO_PRIMARY,
    }
    assert set(PRIMARY_REASONS) == set(c.Dissent.values()) - never_the_primarys


def test_no_dissent_of_the_primary_approves_and_ours_determines_nothing() -> None:
    undetermined = {c.REASON_PRIMARY_UNAVAILABLE, c.REASON_CUT_SHORT}
    for dissent, reason in PRIMARY_REASONS.items():
        is_the_domains = blame_dissent(dissent) is Responsible.DOMAIN
        assert reason not in {c.REASON_CORROBORATED, c.REASON_UNSPECIFIED}
        assert (reason not in undetermined) == is_the_domains, c.Dissent.Name(dissent)


def test_br_4_2_2_1_1_another_record_set_that_permits_corroborates() -> None:
    one = decision()
    one.add(reply(WORLD.primary, (caa(PERMITS), addresses(ADDRESS))))
    for remote in WORLD.remotes:
        one.add(reply(remote))
    assert one.reason == c.REASON_CORROBORATED


def test_br_4_2_2_1_1_an_identical_set_that_forbids_never_counts() -> None:
    one = decision()
    one.add(reply(WORLD.primary))
    for remote in WORLD.remotes:
        one.add(reply(remote, (caa(FORBIDS), addresses(ADDRESS))))
    assert one.reason == c.REASON_QUORUM_NOT_MET
    assert {one.vote_of(remote).dissent for remote in WORLD.remotes} == {c.DISSENT_FORBIDS}


@pytest.mark.parametrize(
    ("findings", "dissent"),
    [
        ((failed_caa(), addresses(ADDRESS)), c.DISSENT_FAILED),
        ((caa(), failed_addresses()), c.DISSENT_FAILED),
        ((caa(), addresses(OTHER)), c.DISSENT_DIFFERS),
        ((caa(), addresses()), c.DISSENT_DIFFERS),
        ((caa(),), c.DISSENT_GARBAGE),
        ((caa(), addresses(ADDRESS), addresses(ADDRESS)), c.DISSENT_GARBAGE),
        ((o.Finding(), o.Finding()), c.DISSENT_GARBAGE),
        ((o.Finding(not_run=o.Failure(detail="x")), addresses(ADDRESS)), c.DISSENT_NOT_LOOKED),
    ],
)
def test_silence_and_garbage_are_no_corroboration(
    findings: tuple[o.Finding, ...], dissent: c.Dissent.ValueType
) -> None:
    one = decision()
    one.add(reply(WORLD.primary))
    one.add(reply(WORLD.remotes[0], findings))
    vote = one.vote_of(WORLD.remotes[0])
    assert vote.dissent == dissent
    assert vote.detail


def test_a_failure_at_the_primary_shows_what_remotes_saw() -> None:
    one = decision()
    one.add(reply(WORLD.remotes[0]))
    one.add(reply(WORLD.primary, (caa(), failed_addresses())))
    vote = one.vote_of(WORLD.remotes[0])
    assert vote.dissent == c.DISSENT_NO_PRIMARY
    assert vote.reply is not None


def unvalidated() -> tuple[o.Finding, o.Finding]:
    """The ordinary findings, of an agent whose resolver does not validate."""
    walk, lookup = caa(), addresses(ADDRESS)
    for level in walk.caa_walk.levels:
        level.dnssec = o.DNSSEC_INDETERMINATE
    lookup.addresses.lookup.dnssec = o.DNSSEC_INDETERMINATE
    return walk, lookup


def test_br_4_2_2_2_what_suffices_for_remotes_never_suffices_for_the_primary() -> None:
    """Also where a remote has sent the same octets before, and they were judged then."""
    lenient = AttemptRules(replace(RULES.row, remotes_must_validate=False), 5)
    one = NameDecision(asked_name(), lenient, WORLD)
    for remote in WORLD.remotes:
        one.add(reply(remote, unvalidated()))
        assert one.vote_of(remote).corroborates
    one.add(reply(WORLD.primary, unvalidated()))
    assert one.vote_of(WORLD.primary).dissent == c.DISSENT_NOT_LOOKED
    assert one.reason == c.REASON_PRIMARY_UNAVAILABLE


@pytest.mark.parametrize("lenient", [False, True])
def test_br_4_2_2_2_6_a_policy_says_whether_remotes_must_validate(lenient: bool) -> None:
    rules = replace(RULES, row=replace(RULES.row, remotes_must_validate=not lenient))
    one = NameDecision(asked_name(), rules, WORLD)
    one.add(reply(WORLD.primary))
    one.add(reply(WORLD.remotes[0], unvalidated()))
    vote = one.vote_of(WORLD.remotes[0])
    assert vote.corroborates == lenient
    if not lenient:
        assert vote.dissent == c.DISSENT_NOT_LOOKED
        assert "does not validate" in vote.detail


def test_br_4_2_2_2_the_primary_always_must() -> None:
    rules = replace(RULES, row=replace(RULES.row, remotes_must_validate=False))
    one = NameDecision(asked_name(), rules, WORLD)
    one.add(reply(WORLD.primary, unvalidated()))
    assert one.reason == c.REASON_PRIMARY_UNAVAILABLE


def outcomes(vote: Vote) -> list[tuple[str, c.Outcome.ValueType]]:
    return [(one.check, one.outcome) for one in vote.determinations]


def test_a_vote_says_what_each_check_came_to() -> None:
    one = decision()
    one.add(reply(WORLD.primary))
    one.add(reply(WORLD.remotes[0], (caa(FORBIDS), failed_addresses())))
    one.add(reply(WORLD.remotes[1], DIFFERS))
    one.add(reply(WORLD.remotes[2]))
    passed = c.OUTCOME_PASSED
    assert outcomes(one.primary_vote) == [("caa", passed), ("addresses", passed)]
    first, second, third = (one.vote_of(remote) for remote in WORLD.remotes[:3])
    assert outcomes(first) == [("caa", c.OUTCOME_FORBIDDEN), ("addresses", c.OUTCOME_FAILED)]
    assert (first.dissent, first.check) == (c.DISSENT_FORBIDS, "caa")
    assert outcomes(second) == [("caa", passed), ("addresses", c.OUTCOME_DIFFERS)]
    assert (second.dissent, second.check) == (c.DISSENT_DIFFERS, "addresses")
    assert outcomes(third) == [("caa", passed), ("addresses", passed)]
    assert "203.0.113.66" in second.determinations[1].detail


def test_only_what_was_asked_is_expected_and_judged() -> None:
    """A name that is asked for addresses alone, though there is a check of CAA."""
    asked = AskedName(NAME, NAME, [one for one in asked_name().checks if one.name == "addresses"])
    one = NameDecision(asked, RULES, WORLD)
    for who in WORLD.perspectives:
        one.add(reply(who, [addresses(ADDRESS)]))
    assert one.reason == c.REASON_CORROBORATED
    other = NameDecision(asked, RULES, WORLD)
    other.add(reply(WORLD.primary, [caa(FORBIDS), addresses(ADDRESS)]))
    assert other.vote_of(WORLD.primary).dissent == c.DISSENT_GARBAGE


@pytest.mark.parametrize("kind", [o.FAILURE_KIND_SERVFAIL, o.FAILURE_KIND_TIMEOUT, 99, 0])
def test_a_check_that_was_not_run_is_never_the_domains_failure(
    kind: o.FailureKind.ValueType,
) -> None:
    not_run = o.Finding(not_run=o.Failure(kind=kind, detail="as the agent says"))
    one = decision()
    one.add(reply(WORLD.primary, [caa(), not_run]))
    vote = one.primary_vote
    assert (vote.dissent, vote.check) == (c.DISSENT_NOT_LOOKED, "")
    assert one.reason == c.REASON_PRIMARY_UNAVAILABLE


def test_an_agent_that_does_not_know_a_check_is_ours_to_upgrade() -> None:
    failure = o.Failure(kind=o.FAILURE_KIND_UNSUPPORTED_CHECK, detail="older")
    one = decision()
    one.add(reply(WORLD.primary, [caa(), o.Finding(not_run=failure)]))
    vote = one.primary_vote
    assert (vote.dissent, vote.check) == (c.DISSENT_UNSUPPORTED, "addresses")
    assert blame_dissent(vote.dissent) is Responsible.OURS
    assert one.reason == c.REASON_PRIMARY_UNAVAILABLE


def break_judge(monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    """Plant a defect in a judge, such as of one that is new."""

    def fail(*_: object) -> Judgement:
        raise KeyError("new")

    monkeypatch.setattr(AddressJudge, what, fail)


def test_an_answer_that_a_defect_of_ours_keeps_from_being_judged_is_a_vote(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    break_judge(monkeypatch, "judge")
    one = decision()
    one.add(reply(WORLD.primary))
    assert one.reason == c.REASON_PRIMARY_UNAVAILABLE
    vote = one.primary_vote
    assert (vote.dissent, vote.check) == (c.DISSENT_GARBAGE, "")
    assert "a defect of the coordinator: KeyError('new')" in vote.detail


def test_who_a_defect_of_ours_keeps_from_being_compared_does_not_corroborate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    break_judge(monkeypatch, "compare")
    for first, *others in (WORLD.perspectives, WORLD.perspectives[::-1]):
        one = decision()
        for who in (first, *others):
            one.add(reply(who) if who.is_primary else reply(who, DIFFERS))
        assert one.reason == c.REASON_QUORUM_NOT_MET
        votes = [one.vote_of(who) for who in WORLD.remotes]
        assert {(vote.dissent, vote.check) for vote in votes} == {(c.DISSENT_GARBAGE, "")}


@pytest.mark.parametrize("findings", [(caa(), failed_addresses()), (failed_caa(), addresses())])
def test_a_failure_that_only_a_newer_agent_knows_is_not_the_domains(
    findings: tuple[o.Finding, o.Finding],
) -> None:
    """It may be one of ours, and what is the domain's is remembered."""
    walk, found = (o.Finding.FromString(one.SerializeToString()) for one in findings)
    for lookup in (walk.caa_walk.levels[-1], found.addresses.lookup):
        if lookup.HasField("failure"):
            lookup.failure.kind = o.FailureKind.ValueType(99)
    one = decision()
    one.add(reply(WORLD.primary, (walk, found)))
    assert one.reason == c.REASON_PRIMARY_UNAVAILABLE
    assert blame_dissent(one.primary_vote.dissent) is Responsible.OURS


@pytest.mark.parametrize(
    "outcome", [c.OUTCOME_FORBIDDEN, c.OUTCOME_FAILED, c.OUTCOME_PROOF_MISSING]
)
def test_what_did_not_pass_never_corroborates_whatever_its_judge_forgot(
    monkeypatch: pytest.MonkeyPatch, outcome: c.Outcome.ValueType
) -> None:
    monkeypatch.setattr(CaaJudge, "judge", lambda *_: Judgement(outcome, detail="why"))
    one = decision()
    one.add(reply(WORLD.primary))
    assert (one.reason, one.check) == (c.REASON_PRIMARY_FAILED, "caa")
