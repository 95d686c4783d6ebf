"""Recorded observations judged again: exactly the verdicts that today's rules change."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from coordinator.checks.caa import relevant_set as caa
from coordinator.checks.caa.issuer import Issuer
from coordinator.checks.caa.lookup_failure import missing_proofs
from coordinator.record.entries import RecordEntries
from coordinator.record.replay import ReplayDifference, ReplayRules
from coordinator.record.replay import replay as judge_again
from coordinator.record.timestamps import to_us
from coordinator.rules.policy import NoPolicyRowError, Policy, PolicyRow
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.v1 import record_pb2 as r
from tests.world.records import sample_record
from tests.world.samples import (
    ADDRESS,
    NAME,
    NOVEMBER,
    addresses,
    failed_addresses,
    failed_caa,
)
from tests.world.samples import caa as walk

ROW = Policy().row_at(NOVEMBER)
OURS = Issuer(frozenset({"ca.example.test"}))
OTHER = bytes([203, 0, 113, 66])
OVERLAP = c.ADDRESS_AGREEMENT_OVERLAP
FORBIDS = b"\x00\x05issueother.example"
CONTACT = b"\x80\x0ccontactemaila@example.test"
PERMITS = b"\x00\x05issueca.example.test"


def by(row: PolicyRow = ROW, issuer: Issuer = OURS, **more: object) -> ReplayRules:
    return ReplayRules(Policy([row]), {"example": issuer}, **more)


def seen(findings: Sequence[Sequence[o.Finding] | None], reason: int, quorum: str) -> RecordEntries:
    """A question whose perspectives saw these; None: had not answered."""
    record = sample_record(reason=reason)
    (name,) = record.names
    name.quorum = quorum
    del name.observations[:]
    for number, (reply, found) in enumerate(zip(name.replies, findings, strict=True)):
        if found is None:
            reply.CopyFrom(r.RecordedReply(dissent=c.DISSENT_NOT_AWAITED))
            continue
        octets = o.Observation(name=NAME, findings=found).SerializeToString()
        if octets not in name.observations:
            name.observations.append(octets)
        reply.observation = list(name.observations).index(octets) + 1
        reply.dissent = c.DISSENT_ADDRESSES_DIFFER if found is DIFFERS else c.DISSENT_UNSPECIFIED
        reply.elapsed_us = 1000 * (number + 1)
    return RecordEntries(question=record)


USUAL = (walk(), addresses(ADDRESS))
DIFFERS = (walk(), addresses(ADDRESS, OTHER))


def replay(dossier: RecordEntries, rules: ReplayRules) -> list[ReplayDifference]:
    return list(judge_again(dossier, rules))


ALIKE = seen([USUAL] * 6, c.REASON_CORROBORATED, "5/5")
TWO_DIFFER = seen([USUAL] * 4 + [DIFFERS] * 2, c.REASON_QUORUM_NOT_MET, "3/5")
ONE_DIFFERS = seen([USUAL] * 5 + [DIFFERS], c.REASON_CORROBORATED, "4/5")
FORBIDDEN = seen([(walk(FORBIDS), USUAL[1])] * 6, c.REASON_PRIMARY_CAA_FORBIDS, "0/5")
PERMITTED = seen([(walk(PERMITS), USUAL[1])] * 6, c.REASON_CORROBORATED, "5/5")
FAILED = seen(
    [(walk(), failed_addresses())] + [USUAL] * 5, c.REASON_PRIMARY_ADDRESSES_FAILED, "0/5"
)
UNDERSTOOD = seen([(walk(CONTACT), USUAL[1])] * 6, c.REASON_CORROBORATED, "5/5")
UNDERSTOOD.question.understood_critical_tags.append("contactemail")
OTHERS = ReplayRules(
    Policy([ROW]),
    {"one": Issuer(frozenset({"x.example"})), "two": Issuer(frozenset({"y.example"}))},
)
ALL = (ALIKE, TWO_DIFFER, ONE_DIFFERS, FORBIDDEN, PERMITTED, FAILED)


@pytest.mark.parametrize("dossier", ALL)
def test_by_the_same_rules_nothing_changes(dossier: RecordEntries) -> None:
    assert replay(dossier, by()) == []


def test_a_looser_agreement_changes_exactly_what_it_decides() -> None:
    overlap = by(replace(ROW, address_agreement=c.ADDRESS_AGREEMENT_OVERLAP))
    changed = [one for dossier in ALL for one in replay(dossier, overlap)]
    assert [one.record.id for one in changed] == [TWO_DIFFER.question.id]
    (change,) = changed
    assert (change.reason, change.quorum) == (c.REASON_CORROBORATED, "5/5")
    assert change.is_reversal
    differ = c.DISSENT_ADDRESSES_DIFFER
    assert [(then, now) for _, then, now in change.dissents] == [(differ, 0)] * 2


def test_a_quorum_of_all_refuses_who_had_one_dissent() -> None:
    strict = by(replace(ROW, minimum_corroborating=5))
    changed = [one for dossier in ALL for one in replay(dossier, strict)]
    assert [one.record.id for one in changed] == [ONE_DIFFERS.question.id]
    assert changed[0].reason == c.REASON_QUORUM_NOT_MET
    assert "4 of 5" in changed[0].detail


def test_other_issuer_domains_change_what_names_them() -> None:
    changed = [
        one
        for dossier in ALL
        for one in replay(dossier, by(issuer=Issuer(frozenset({"other.example"}))))
    ]
    assert [(one.record.id, one.reason) for one in changed] == [
        (FORBIDDEN.question.id, c.REASON_CORROBORATED),
        (PERMITTED.question.id, c.REASON_PRIMARY_CAA_FORBIDS),
    ]


def test_an_issuer_that_is_gone_is_judged_by_the_domains_recorded() -> None:
    assert replay(PERMITTED, OTHERS) == []
    assert replay(UNDERSTOOD, OTHERS) == []


def test_rfc_8659_4_1_the_tags_that_an_issuer_understands_are_in_the_record() -> None:
    """Those recorded count where the issuer is gone, and today's where it is there."""
    (change,) = replay(UNDERSTOOD, by())
    assert change.reason == c.REASON_PRIMARY_CAA_FORBIDS
    assert replay(UNDERSTOOD, by(issuer=Issuer(OURS.domains, frozenset({"contactemail"})))) == []
    forgotten = RecordEntries(question=r.Record.FromString(UNDERSTOOD.question.SerializeToString()))
    del forgotten.question.understood_critical_tags[:]
    assert [one.reason for one in replay(forgotten, OTHERS)] == [c.REASON_PRIMARY_CAA_FORBIDS]


def test_changed_code_changes_verdicts(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the comparison of issuers were broken today."""
    monkeypatch.setattr(caa, "_stand", lambda *_: caa._Standing.PERMITS)
    monkeypatch.setattr(caa, "_judge_known_set", caa.judge_set)
    changed = [one for dossier in ALL for one in replay(dossier, by())]
    assert [one.record.id for one in changed] == [FORBIDDEN.question.id]


def test_the_row_of_the_question_or_of_another_moment() -> None:
    """Four remotes were enough in November 2026, and are not from 2026-12-15 on (BR 3.2.2.9)."""
    dossier = seen([USUAL] * 6, c.REASON_CORROBORATED, "4/4")
    del dossier.question.perspectives[5], dossier.question.names[0].replies[5]
    baseline = ReplayRules(Policy(), {"example": OURS})
    assert replay(dossier, baseline) == []
    (change,) = replay(dossier, replace(baseline, as_of=datetime(2026, 12, 15, tzinfo=UTC)))
    assert change.reason == c.REASON_TOO_FEW_REMOTES


def test_a_policy_without_a_row_for_the_moment_is_said() -> None:
    coming = replace(ROW, effective_from=datetime(2027, 1, 1, tzinfo=UTC))
    with pytest.raises(NoPolicyRowError):
        replay(ALIKE, by(coming))


def late(dossier: RecordEntries, number: int, findings: Sequence[o.Finding] | None) -> None:
    record = dossier.question
    reply = r.RecordedReply(elapsed_us=900_000)
    octets = b""
    if findings is None:
        reply = r.RecordedReply(dissent=c.DISSENT_LATE, detail="no answer within 11 s")
    else:
        octets = o.Observation(name=NAME, findings=findings).SerializeToString()
    who = record.perspectives[number].id
    dossier.late.append(r.LateReply(name=0, perspective_id=who, reply=reply, observation=octets))


NOT_AWAITED = [USUAL] * 5 + [None]


def test_who_had_not_answered_is_not_needed_where_the_rules_are_the_same() -> None:
    dossier = seen(NOT_AWAITED, c.REASON_CORROBORATED, "4/5")
    late(dossier, 5, DIFFERS)
    assert replay(dossier, by()) == []


def test_a_late_reply_counts_where_the_rules_need_it() -> None:
    strict = by(replace(ROW, minimum_corroborating=5))
    agrees, differs = (seen(NOT_AWAITED, c.REASON_CORROBORATED, "4/5") for _ in range(2))
    late(agrees, 5, USUAL)
    late(differs, 5, DIFFERS)
    assert replay(agrees, strict) == []
    (change,) = replay(differs, strict)
    assert change.reason == c.REASON_QUORUM_NOT_MET


def test_who_never_answered_leaves_it_undecided_and_is_named() -> None:
    dossier = seen(NOT_AWAITED, c.REASON_CORROBORATED, "4/5")
    (change,) = replay(dossier, by(replace(ROW, minimum_corroborating=5)))
    assert change.reason == c.REASON_UNSPECIFIED
    assert change.is_reversal
    assert dossier.question.perspectives[5].id in change.detail
    late(dossier, 5, None)
    (change,) = replay(dossier, by(replace(ROW, minimum_corroborating=5)))
    assert change.reason == c.REASON_QUORUM_NOT_MET


def test_a_tightened_question_stays_tightened() -> None:
    dossier = seen([USUAL] * 5 + [DIFFERS], c.REASON_QUORUM_NOT_MET, "4/5")
    dossier.question.tightening.min_corroborating = 5
    assert replay(dossier, by()) == []


def test_a_stricter_policy_outweighs_what_a_question_asked_for() -> None:
    dossier = seen([USUAL] * 4 + [DIFFERS] * 2, c.REASON_CORROBORATED, "5/5")
    dossier.question.tightening.address_agreement = c.ADDRESS_AGREEMENT_OVERLAP
    (change,) = replay(dossier, by())
    assert change.reason == c.REASON_QUORUM_NOT_MET


def test_a_perspective_without_an_observation_dissents_as_it_did() -> None:
    dossier = seen([USUAL] * 6, c.REASON_QUORUM_NOT_MET, "3/5")
    for number in (1, 2):
        reply = dossier.question.names[0].replies[number]
        reply.CopyFrom(r.RecordedReply(dissent=c.DISSENT_UNREACHABLE, detail="down"))
    assert replay(dossier, by()) == []


def test_the_row_is_that_of_the_day_of_the_question() -> None:
    dossier = seen([USUAL] * 5 + [DIFFERS], c.REASON_CORROBORATED, "4/5")
    dossier.question.asked_at_us = to_us(datetime(2020, 6, 1, tzinfo=UTC))
    loose = replace(ROW, effective_from=datetime(2020, 1, 1, tzinfo=UTC))
    strict = replace(ROW, effective_from=datetime(2021, 1, 1, tzinfo=UTC), minimum_corroborating=5)
    rules = ReplayRules(Policy([loose, strict]), {"example": OURS})
    assert replay(dossier, rules) == []
    (change,) = replay(dossier, replace(rules, as_of=datetime(2021, 1, 1, tzinfo=UTC)))
    assert change.reason == c.REASON_QUORUM_NOT_MET


def test_a_tightened_agreement_stays_tightened() -> None:
    dossier = seen([USUAL] * 4 + [DIFFERS] * 2, c.REASON_QUORUM_NOT_MET, "3/5")
    dossier.question.tightening.address_agreement = c.ADDRESS_AGREEMENT_EXACT
    assert replay(dossier, by(replace(ROW, address_agreement=c.ADDRESS_AGREEMENT_OVERLAP))) == []


def both(domain: str, other: str) -> ReplayRules:
    """Rules with two issuers: the one that was asked for, and another."""
    issuers = {"example": Issuer(frozenset({domain})), "other": Issuer(frozenset({other}))}
    return ReplayRules(Policy([ROW]), issuers)


def test_a_question_is_judged_for_the_issuer_it_was_asked_for() -> None:
    """Where it named none and there are several today, for the domains recorded."""
    assert replay(PERMITTED, both("ca.example.test", "other.example")) == []
    (change,) = replay(PERMITTED, both("another.example", "ca.example.test"))
    assert change.reason == c.REASON_PRIMARY_CAA_FORBIDS
    unnamed = seen([(walk(PERMITS), USUAL[1])] * 6, c.REASON_CORROBORATED, "5/5")
    unnamed.question.issuer = ""
    assert replay(unnamed, both("another.example", "third.example")) == []
    (change,) = replay(unnamed, by(issuer=Issuer(frozenset({"another.example"}))))
    assert change.reason == c.REASON_PRIMARY_CAA_FORBIDS


def test_one_that_was_named_and_is_gone_is_not_taken_for_the_only_one_there_is() -> None:
    rules = ReplayRules(Policy([ROW]), {"other": Issuer(frozenset({"another.example"}))})
    assert replay(PERMITTED, rules) == []


def test_a_wildcard_is_judged_as_one_and_a_name_as_it_was_looked_up() -> None:
    """RFC 8659 section 4.3: `issuewild` is for wildcards, and outweighs `issue`."""
    wild = walk(b"\x00\x05issueother.example", b"\x00\x09issuewildca.example.test")
    dossier = seen([(wild, USUAL[1])] * 6, c.REASON_CORROBORATED, "5/5")
    (name,) = dossier.question.names
    name.asked, name.looked_up = f"*.{NAME.title()}", NAME
    assert replay(dossier, by()) == []
    name.asked, name.looked_up = NAME.title(), NAME
    (change,) = replay(dossier, by())
    assert change.reason == c.REASON_PRIMARY_CAA_FORBIDS


@pytest.mark.parametrize(
    "parameter", ["accounturi=https://ca.example/acct/1", "validationmethods=dns-01"]
)
def test_rfc_8657_account_and_method_are_those_that_were_recorded(parameter: str) -> None:
    bound = walk(b"\x00\x05issueca.example.test; " + parameter.encode())
    dossier = seen([(bound, USUAL[1])] * 6, c.REASON_CORROBORATED, "5/5")
    dossier.question.account_uri = "https://ca.example/acct/1"
    dossier.question.validation_method = "dns-01"
    assert replay(dossier, by()) == []
    for field in ("account_uri", "validation_method"):
        dossier.question.ClearField(field)
    (change,) = replay(dossier, by())
    assert change.reason == c.REASON_PRIMARY_CAA_FORBIDS


def test_br_4_2_2_1_todays_leave_for_failures_is_what_counts() -> None:
    failed = failed_caa("jp")
    last = failed.caa_walk.levels[-1]
    last.tries = 2
    last.insecurity_proof.CopyFrom(o.InsecurityProof(zone_cut="jp", denied_by="jp", kind="NSEC"))
    last.diagnosis.zone = "jp"
    for transport in (o.TRANSPORT_UDP, o.TRANSPORT_TCP):
        last.diagnosis.servers.add(
            address="203.0.113.67", transport=transport, outcome=o.SERVER_OUTCOME_FAILED
        )
        last.diagnosis.known.add(
            address="198.51.100.4", transport=transport, outcome=o.SERVER_OUTCOME_ANSWERED
        )
    dossier = seen([(failed, USUAL[1])] * 6, c.REASON_PRIMARY_CAA_FAILED, "0/5")
    assert replay(dossier, by()) == []
    lenient = by(replace(ROW, permit_caa_failure_in_insecure_zone=True))
    assert not missing_proofs(last)
    assert [one.reason for one in replay(dossier, lenient)] == [c.REASON_CORROBORATED]


def test_who_was_late_came_last() -> None:
    """Who stands alone in a region and was late: by then the quorum was not met."""
    dossier = seen([USUAL, None, DIFFERS, USUAL, USUAL, USUAL], c.REASON_QUORUM_NOT_MET, "3/5")
    late_one = dossier.question.names[0].replies[1]
    late_one.CopyFrom(r.RecordedReply(dissent=c.DISSENT_LATE, detail="no answer within 11 s"))
    for one in dossier.question.perspectives[2:]:
        one.rir = o.RIR_ARIN
    assert replay(dossier, by()) == []


def test_a_late_reply_is_not_told_where_it_is_not_needed() -> None:
    dossier = seen([USUAL, DIFFERS, DIFFERS, USUAL, USUAL, None], c.REASON_CORROBORATED, "4/5")
    late(dossier, 5, USUAL)
    (change,) = replay(dossier, by())
    assert (change.reason, change.quorum) == (c.REASON_QUORUM_NOT_MET, "2/5")


def test_a_late_reply_is_about_its_own_name() -> None:
    dossier = seen(NOT_AWAITED, c.REASON_CORROBORATED, "4/5")
    dossier.question.names.add().CopyFrom(dossier.question.names[0])
    late(dossier, 5, USUAL)
    strict = by(replace(ROW, minimum_corroborating=5))
    (change,) = replay(dossier, strict)
    assert change.reason == c.REASON_UNSPECIFIED


def test_another_reason_to_refuse_is_no_reversal() -> None:
    dossier = seen([USUAL] * 4 + [DIFFERS] * 2, c.REASON_REGIONS_NOT_MET, "3/5")
    (change,) = replay(dossier, by())
    assert change.reason == c.REASON_QUORUM_NOT_MET
    assert not change.is_reversal


def test_who_stands_elsewhere_and_who_is_missing_are_told_apart() -> None:
    dossier = seen([USUAL] * 4 + [DIFFERS, None], c.REASON_CORROBORATED, "4/5")
    strict = by(replace(ROW, minimum_corroborating=4, address_agreement=c.ADDRESS_AGREEMENT_EXACT))
    (change,) = replay(dossier, strict)
    ids = [one.id for one in dossier.question.perspectives]
    assert change.detail == f"cannot be told: {ids[5]} had not answered, and never did"
    assert change.dissents == []
    overlap = by(replace(ROW, minimum_corroborating=5, address_agreement=OVERLAP))
    (change,) = replay(dossier, overlap)
    assert change.dissents == [(ids[4], c.DISSENT_ADDRESSES_DIFFER, c.DISSENT_UNSPECIFIED)]
