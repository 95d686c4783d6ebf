"""Recorded observations judged again: exactly the verdicts that today's rules change."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from coordinator.checks.caa import relevant_set as caa
from coordinator.checks.caa.issuer import Issuer
from coordinator.checks.caa.lookup_failure import missing_proofs
from coordinator.decision.attempt import Attempt
from coordinator.perspectives.client import PerspectiveClient
from coordinator.perspectives.client_options import ClientOptions
from coordinator.record.builder import AskedBy, RecordBuilder
from coordinator.record.entries import RecordEntries
from coordinator.record.replay import ReplayDifference, ReplayRules
from coordinator.record.replay import replay as judge_again
from coordinator.record.timestamps import to_us
from coordinator.rules.policy import NoPolicyRowError, Policy, PolicyRow
from mpic.channel import TlsFiles
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.v1 import record_pb2 as r
from tests.world.records import sample_record
from tests.world.samples import (
    ADDRESS,
    NAME,
    NOVEMBER,
    WORLD,
    addresses,
    failed_addresses,
    failed_caa,
    issuance_request,
)
from tests.world.samples import caa as walk
from tests.world.samples import reply as reply_of

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
        reply.dissent = c.DISSENT_DIFFERS if found is DIFFERS else c.DISSENT_UNSPECIFIED
        reply.elapsed_us = 1000 * (number + 1)
    return RecordEntries(question=record)


def caa_of(entries: RecordEntries) -> c.RequestedCaa:
    """What was asked about CAA."""
    assert entries.question is not None
    return entries.question.names[0].checks[0].caa


USUAL = (walk(), addresses(ADDRESS))
DIFFERS = (walk(), addresses(ADDRESS, OTHER))


def replay(entries: RecordEntries, rules: ReplayRules) -> list[ReplayDifference]:
    return list(judge_again(entries, rules))


ALIKE = seen([USUAL] * 6, c.REASON_CORROBORATED, "5/5")
TWO_DIFFER = seen([USUAL] * 4 + [DIFFERS] * 2, c.REASON_QUORUM_NOT_MET, "3/5")
ONE_DIFFERS = seen([USUAL] * 5 + [DIFFERS], c.REASON_CORROBORATED, "4/5")
FORBIDDEN = seen([(walk(FORBIDS), USUAL[1])] * 6, c.REASON_PRIMARY_FORBIDS, "0/5")
PERMITTED = seen([(walk(PERMITS), USUAL[1])] * 6, c.REASON_CORROBORATED, "5/5")
FAILED = seen([(walk(), failed_addresses())] + [USUAL] * 5, c.REASON_PRIMARY_FAILED, "0/5")
FAILED.question.names[0].check = "addresses"
UNDERSTOOD = seen([(walk(CONTACT), USUAL[1])] * 6, c.REASON_CORROBORATED, "5/5")
caa_of(UNDERSTOOD).understood_critical_tags.append("contactemail")
OTHERS = ReplayRules(
    Policy([ROW]),
    {"one": Issuer(frozenset({"x.example"})), "two": Issuer(frozenset({"y.example"}))},
)
ALL = (ALIKE, TWO_DIFFER, ONE_DIFFERS, FORBIDDEN, PERMITTED, FAILED)


@pytest.mark.parametrize("entries", ALL)
def test_by_the_same_rules_nothing_changes(entries: RecordEntries) -> None:
    assert replay(entries, by()) == []


def test_a_looser_agreement_changes_exactly_what_it_decides() -> None:
    overlap = by(replace(ROW, address_agreement=c.ADDRESS_AGREEMENT_OVERLAP))
    changed = [one for entries in ALL for one in replay(entries, overlap)]
    assert [one.record.id for one in changed] == [TWO_DIFFER.question.id]
    (change,) = changed
    assert (change.reason, change.quorum) == (c.REASON_CORROBORATED, "5/5")
    assert change.is_reversal
    differ = c.DISSENT_DIFFERS
    assert [(then, now) for _, then, now in change.dissents] == [(differ, 0)] * 2


def test_a_quorum_of_all_refuses_who_had_one_dissent() -> None:
    strict = by(replace(ROW, minimum_corroborating=5))
    changed = [one for entries in ALL for one in replay(entries, strict)]
    assert [one.record.id for one in changed] == [ONE_DIFFERS.question.id]
    assert changed[0].reason == c.REASON_QUORUM_NOT_MET
    assert "4 of 5" in changed[0].detail


def test_other_issuer_domains_change_what_names_them() -> None:
    changed = [
        one
        for entries in ALL
        for one in replay(entries, by(issuer=Issuer(frozenset({"other.example"}))))
    ]
    assert [(one.record.id, one.reason) for one in changed] == [
        (FORBIDDEN.question.id, c.REASON_CORROBORATED),
        (PERMITTED.question.id, c.REASON_PRIMARY_FORBIDS),
    ]


def test_an_issuer_that_is_gone_is_judged_by_the_domains_recorded() -> None:
    assert replay(PERMITTED, OTHERS) == []
    assert replay(UNDERSTOOD, OTHERS) == []


def test_rfc_8659_4_1_the_tags_that_an_issuer_understands_are_in_the_record() -> None:
    """Those recorded count where the issuer is gone, and today's where it is there."""
    (change,) = replay(UNDERSTOOD, by())
    assert change.reason == c.REASON_PRIMARY_FORBIDS
    assert replay(UNDERSTOOD, by(issuer=Issuer(OURS.domains, frozenset({"contactemail"})))) == []
    forgotten = RecordEntries(question=r.Record.FromString(UNDERSTOOD.question.SerializeToString()))
    del caa_of(forgotten).understood_critical_tags[:]
    assert [one.reason for one in replay(forgotten, OTHERS)] == [c.REASON_PRIMARY_FORBIDS]


def test_changed_code_changes_verdicts(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the comparison of issuers were broken today."""
    monkeypatch.setattr(caa, "_stand", lambda *_: caa._Standing.PERMITS)
    monkeypatch.setattr(caa, "_judge_known_set", caa.judge_set)
    changed = [one for entries in ALL for one in replay(entries, by())]
    assert [one.record.id for one in changed] == [FORBIDDEN.question.id]


def test_the_row_of_the_question_or_of_another_moment() -> None:
    """Four remotes were enough in November 2026, and are not from 2026-12-15 on (BR 3.2.2.9)."""
    entries = seen([USUAL] * 6, c.REASON_CORROBORATED, "4/4")
    del entries.question.perspectives[5], entries.question.names[0].replies[5]
    baseline = ReplayRules(Policy(), {"example": OURS})
    assert replay(entries, baseline) == []
    (change,) = replay(entries, replace(baseline, as_of=datetime(2026, 12, 15, tzinfo=UTC)))
    assert change.reason == c.REASON_TOO_FEW_REMOTES


def test_a_policy_without_a_row_for_the_moment_is_said() -> None:
    coming = replace(ROW, effective_from=datetime(2027, 1, 1, tzinfo=UTC))
    with pytest.raises(NoPolicyRowError):
        replay(ALIKE, by(coming))


def late(entries: RecordEntries, number: int, findings: Sequence[o.Finding] | None) -> None:
    record = entries.question
    reply = r.RecordedReply(elapsed_us=900_000)
    octets = b""
    if findings is None:
        reply = r.RecordedReply(dissent=c.DISSENT_LATE, detail="no answer within 11 s")
    else:
        octets = o.Observation(name=NAME, findings=findings).SerializeToString()
    who = record.perspectives[number].id
    entries.late.append(r.LateReply(name=0, perspective_id=who, reply=reply, observation=octets))


NOT_AWAITED = [USUAL] * 5 + [None]


def test_who_had_not_answered_is_not_needed_where_the_rules_are_the_same() -> None:
    entries = seen(NOT_AWAITED, c.REASON_CORROBORATED, "4/5")
    late(entries, 5, DIFFERS)
    assert replay(entries, by()) == []


def test_a_late_reply_counts_where_the_rules_need_it() -> None:
    strict = by(replace(ROW, minimum_corroborating=5))
    agrees, differs = (seen(NOT_AWAITED, c.REASON_CORROBORATED, "4/5") for _ in range(2))
    late(agrees, 5, USUAL)
    late(differs, 5, DIFFERS)
    assert replay(agrees, strict) == []
    (change,) = replay(differs, strict)
    assert change.reason == c.REASON_QUORUM_NOT_MET


def test_who_never_answered_leaves_it_undecided_and_is_named() -> None:
    entries = seen(NOT_AWAITED, c.REASON_CORROBORATED, "4/5")
    (change,) = replay(entries, by(replace(ROW, minimum_corroborating=5)))
    assert change.reason == c.REASON_UNSPECIFIED
    assert change.is_reversal
    assert entries.question.perspectives[5].id in change.detail
    late(entries, 5, None)
    (change,) = replay(entries, by(replace(ROW, minimum_corroborating=5)))
    assert change.reason == c.REASON_QUORUM_NOT_MET


def test_a_tightened_question_stays_tightened() -> None:
    entries = seen([USUAL] * 5 + [DIFFERS], c.REASON_QUORUM_NOT_MET, "4/5")
    entries.question.tightening.min_corroborating = 5
    assert replay(entries, by()) == []


def test_a_stricter_policy_outweighs_what_a_question_asked_for() -> None:
    entries = seen([USUAL] * 4 + [DIFFERS] * 2, c.REASON_CORROBORATED, "5/5")
    entries.question.tightening.address_agreement = c.ADDRESS_AGREEMENT_OVERLAP
    (change,) = replay(entries, by())
    assert change.reason == c.REASON_QUORUM_NOT_MET


def test_a_perspective_without_an_observation_dissents_as_it_did() -> None:
    entries = seen([USUAL] * 6, c.REASON_QUORUM_NOT_MET, "3/5")
    for number in (1, 2):
        reply = entries.question.names[0].replies[number]
        reply.CopyFrom(r.RecordedReply(dissent=c.DISSENT_UNREACHABLE, detail="down"))
    assert replay(entries, by()) == []


def test_a_primary_that_did_not_know_a_check_dissents_by_it_as_it_did() -> None:
    entries = seen([USUAL] * 6, c.REASON_PRIMARY_UNAVAILABLE, "0/5")
    (name,) = entries.question.names
    name.check = "addresses"
    unsupported = r.RecordedReply(dissent=c.DISSENT_UNSUPPORTED, check="addresses", detail="older")
    name.replies[0].CopyFrom(unsupported)
    assert replay(entries, by()) == []


def test_the_row_is_that_of_the_day_of_the_question() -> None:
    entries = seen([USUAL] * 5 + [DIFFERS], c.REASON_CORROBORATED, "4/5")
    entries.question.asked_at_us = to_us(datetime(2020, 6, 1, tzinfo=UTC))
    loose = replace(ROW, effective_from=datetime(2020, 1, 1, tzinfo=UTC))
    strict = replace(ROW, effective_from=datetime(2021, 1, 1, tzinfo=UTC), minimum_corroborating=5)
    rules = ReplayRules(Policy([loose, strict]), {"example": OURS})
    assert replay(entries, rules) == []
    (change,) = replay(entries, replace(rules, as_of=datetime(2021, 1, 1, tzinfo=UTC)))
    assert change.reason == c.REASON_QUORUM_NOT_MET


def test_a_tightened_agreement_stays_tightened() -> None:
    entries = seen([USUAL] * 4 + [DIFFERS] * 2, c.REASON_QUORUM_NOT_MET, "3/5")
    entries.question.tightening.address_agreement = c.ADDRESS_AGREEMENT_EXACT
    assert replay(entries, by(replace(ROW, address_agreement=c.ADDRESS_AGREEMENT_OVERLAP))) == []


def both(domain: str, other: str) -> ReplayRules:
    """Rules with two issuers: the one that was asked for, and another."""
    issuers = {"example": Issuer(frozenset({domain})), "other": Issuer(frozenset({other}))}
    return ReplayRules(Policy([ROW]), issuers)


def test_a_question_is_judged_for_the_issuer_it_was_asked_for() -> None:
    """Where it named none and there are several today, for the domains recorded."""
    assert replay(PERMITTED, both("ca.example.test", "other.example")) == []
    (change,) = replay(PERMITTED, both("another.example", "ca.example.test"))
    assert change.reason == c.REASON_PRIMARY_FORBIDS
    unnamed = seen([(walk(PERMITS), USUAL[1])] * 6, c.REASON_CORROBORATED, "5/5")
    unnamed.question.issuer = ""
    assert replay(unnamed, both("another.example", "third.example")) == []
    (change,) = replay(unnamed, by(issuer=Issuer(frozenset({"another.example"}))))
    assert change.reason == c.REASON_PRIMARY_FORBIDS


def test_one_that_was_named_and_is_gone_is_not_taken_for_the_only_one_there_is() -> None:
    rules = ReplayRules(Policy([ROW]), {"other": Issuer(frozenset({"another.example"}))})
    assert replay(PERMITTED, rules) == []


def test_a_wildcard_is_judged_as_one_and_a_name_as_it_was_looked_up() -> None:
    """RFC 8659 section 4.3: `issuewild` is for wildcards, and outweighs `issue`."""
    wild = walk(b"\x00\x05issueother.example", b"\x00\x09issuewildca.example.test")
    entries = seen([(wild, USUAL[1])] * 6, c.REASON_CORROBORATED, "5/5")
    (name,) = entries.question.names
    name.asked, name.looked_up = f"*.{NAME.title()}", NAME
    caa_of(entries).wildcard = True
    assert replay(entries, by()) == []
    name.asked, name.looked_up = NAME.title(), NAME
    caa_of(entries).wildcard = False
    (change,) = replay(entries, by())
    assert change.reason == c.REASON_PRIMARY_FORBIDS


@pytest.mark.parametrize(
    "parameter", ["accounturi=https://ca.example/acct/1", "validationmethods=dns-01"]
)
def test_rfc_8657_account_and_method_are_those_that_were_recorded(parameter: str) -> None:
    bound = walk(b"\x00\x05issueca.example.test; " + parameter.encode())
    entries = seen([(bound, USUAL[1])] * 6, c.REASON_CORROBORATED, "5/5")
    caa_of(entries).account_uri = "https://ca.example/acct/1"
    caa_of(entries).validation_method = "dns-01"
    assert replay(entries, by()) == []
    for field in ("account_uri", "validation_method"):
        caa_of(entries).ClearField(field)
    (change,) = replay(entries, by())
    assert change.reason == c.REASON_PRIMARY_FORBIDS


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
    entries = seen([(failed, USUAL[1])] * 6, c.REASON_PRIMARY_FAILED, "0/5")
    assert replay(entries, by()) == []
    lenient = by(replace(ROW, permit_caa_failure_in_insecure_zone=True))
    assert not missing_proofs(last)
    assert [one.reason for one in replay(entries, lenient)] == [c.REASON_CORROBORATED]


def test_who_was_late_came_last() -> None:
    """Who stands alone in a region and was late: by then the quorum was not met."""
    entries = seen([USUAL, None, DIFFERS, USUAL, USUAL, USUAL], c.REASON_QUORUM_NOT_MET, "3/5")
    late_one = entries.question.names[0].replies[1]
    late_one.CopyFrom(r.RecordedReply(dissent=c.DISSENT_LATE, detail="no answer within 11 s"))
    for one in entries.question.perspectives[2:]:
        one.rir = o.RIR_ARIN
    assert replay(entries, by()) == []


def test_a_late_reply_is_not_told_where_it_is_not_needed() -> None:
    entries = seen([USUAL, DIFFERS, DIFFERS, USUAL, USUAL, None], c.REASON_CORROBORATED, "4/5")
    late(entries, 5, USUAL)
    (change,) = replay(entries, by())
    assert (change.reason, change.quorum) == (c.REASON_QUORUM_NOT_MET, "2/5")


def test_a_late_reply_is_about_its_own_name() -> None:
    entries = seen(NOT_AWAITED, c.REASON_CORROBORATED, "4/5")
    entries.question.names.add().CopyFrom(entries.question.names[0])
    late(entries, 5, USUAL)
    strict = by(replace(ROW, minimum_corroborating=5))
    (change,) = replay(entries, strict)
    assert change.reason == c.REASON_UNSPECIFIED


def test_another_reason_to_refuse_is_no_reversal() -> None:
    entries = seen([USUAL] * 4 + [DIFFERS] * 2, c.REASON_REGIONS_NOT_MET, "3/5")
    (change,) = replay(entries, by())
    assert change.reason == c.REASON_QUORUM_NOT_MET
    assert not change.is_reversal


def test_who_stands_elsewhere_and_who_is_missing_are_told_apart() -> None:
    entries = seen([USUAL] * 4 + [DIFFERS, None], c.REASON_CORROBORATED, "4/5")
    strict = by(replace(ROW, minimum_corroborating=4, address_agreement=c.ADDRESS_AGREEMENT_EXACT))
    (change,) = replay(entries, strict)
    ids = [one.id for one in entries.question.perspectives]
    assert change.detail == f"cannot be told: {ids[5]} had not answered, and never did"
    assert change.dissents == []
    overlap = by(replace(ROW, minimum_corroborating=5, address_agreement=OVERLAP))
    (change,) = replay(entries, overlap)
    assert change.dissents == [(ids[4], c.DISSENT_DIFFERS, c.DISSENT_UNSPECIFIED)]


def test_another_check_that_decides_is_another_verdict_and_no_reversal() -> None:
    entries = seen([(walk(), failed_addresses())] * 6, c.REASON_PRIMARY_FAILED, "0/5")
    (change,) = replay(entries, by())
    assert (entries.question.names[0].check, change.check) == ("caa", "addresses")
    assert change.reason == c.REASON_PRIMARY_FAILED
    assert not change.is_reversal


def test_only_what_was_asked_is_judged_by_the_method_of_each_name() -> None:
    bound = walk(b"\x00\x05issueca.example.test; validationmethods=dns-01")
    entries = seen([(bound, USUAL[1])] * 6, c.REASON_CORROBORATED, "5/5")
    first = entries.question.names[0]
    other = entries.question.names.add()
    other.CopyFrom(first)
    first.checks[0].caa.validation_method = "dns-01"
    other.checks[0].caa.validation_method = "http-01"
    (change,) = replay(entries, by())
    assert change.name == other
    assert (change.reason, change.check) == (c.REASON_PRIMARY_FORBIDS, "caa")
    # Of addresses alone nothing is judged by CAA.
    del other.checks[0]
    octets = o.Observation(name=NAME, findings=[USUAL[1]]).SerializeToString()
    other.observations[:] = [octets]
    assert replay(entries, by()) == []


def test_what_a_record_was_asked_by_is_not_changed_by_judging_it_again() -> None:
    before = PERMITTED.question.SerializeToString()
    replay(PERMITTED, by(issuer=Issuer(frozenset({"another.example"}))))
    assert PERMITTED.question.SerializeToString() == before


def test_a_check_that_this_program_does_not_know_is_said_and_the_other_names_are_judged() -> None:
    entries = seen([USUAL] * 6, c.REASON_CORROBORATED, "5/5")
    newer = entries.question.names.add()
    newer.CopyFrom(entries.question.names[0])
    newer.checks[1].CopyFrom(c.RequestedCheck.FromString(b"\xfa\x01\x00"))
    refused = entries.question.names.add()
    refused.CopyFrom(entries.question.names[0])
    refused.reason = c.REASON_QUORUM_NOT_MET
    unknown, change = replay(entries, by())
    assert (unknown.name, unknown.reason) == (newer, c.REASON_UNSPECIFIED)
    assert "does not know" in unknown.detail
    assert (change.name, change.reason) == (refused, c.REASON_CORROBORATED)


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (o.FAILURE_KIND_UNSUPPORTED_CHECK, c.REASON_PRIMARY_UNAVAILABLE),
        (o.FAILURE_KIND_OVERLOADED, c.REASON_CUT_SHORT),
    ],
)
async def test_what_was_our_failure_in_one_check_is_judged_alike(
    failure: "o.FailureKind.ValueType", reason: c.Reason.ValueType
) -> None:
    not_run = o.Finding(not_run=o.Failure(kind=failure, detail="x"))
    attempt = Attempt(issuance_request(), WORLD, NOVEMBER, lambda _: None)
    for one in WORLD.perspectives:
        attempt.receive(0, reply_of(one, (not_run, USUAL[1]) if one.is_primary else USUAL))
    attempt.decided_at = NOVEMBER
    attempt.freeze()
    record = r.Record()
    no_files = ClientOptions(TlsFiles(Path("a"), Path("b"), Path("c")))
    links = [PerspectiveClient(one, no_files) for one in WORLD.perspectives]
    RecordBuilder(links, b"").fill_record(record, attempt, AskedBy("caller", b""))
    assert record.names[0].reason == reason
    assert replay(RecordEntries(question=record), by()) == []
