"""Whose failure it is: every way to fail has its place, error 338 by who dissents and why."""

from typing import get_args

import pytest

from coordinator.checks.check import choose_dissent
from coordinator.rules import responsibility
from coordinator.rules.responsibility import (
    OF_DISSENT,
    OF_ERROR,
    OF_FAILURE,
    OF_REASON,
    Needed,
    RemoteDissent,
    Responsible,
    blame_dissent,
    blame_error,
    blame_verdict,
    may_be_ours,
)
from mpic.runtime.grpc.reasons import ErrorReason
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o

DOMAIN, CALLER, OURS = Responsible.DOMAIN, Responsible.CALLER, Responsible.OURS
RIRS = [o.RIR_RIPE, o.RIR_ARIN, o.RIR_APNIC, o.RIR_LACNIC, o.RIR_AFRINIC]
FOUR_OF_FIVE = Needed(remotes=4, regions=2)
FINE = c.DISSENT_UNSPECIFIED


def votes(*dissents: c.Dissent.ValueType) -> list[RemoteDissent]:
    return [RemoteDissent(rir, dissent) for rir, dissent in zip(RIRS, dissents, strict=True)]


def test_every_dissent_reason_failure_and_error_has_its_place() -> None:
    assert set(OF_DISSENT) == set(c.Dissent.values())
    assert set(OF_REASON) == set(c.Reason.values())
    assert set(OF_FAILURE) == set(o.FailureKind.values())
    assert set(OF_ERROR) == set(get_args(ErrorReason))


def test_the_domains_is_what_was_seen_of_it_and_nothing_else() -> None:
    assert {one for one, whose in OF_DISSENT.items() if whose is DOMAIN} == {
        c.DISSENT_FORBIDS,
        c.DISSENT_FAILED,
        c.DISSENT_DIFFERS,
        c.DISSENT_NOT_IN_PUBLIC_DNS,
        c.DISSENT_PROOF_MISSING,
    }
    assert {one for one, whose in OF_REASON.items() if whose is DOMAIN} == {
        c.REASON_PRIMARY_FORBIDS,
        c.REASON_PRIMARY_FAILED,
        c.REASON_NOT_IN_PUBLIC_DNS,
        c.REASON_PROOF_MISSING,
    }
    assert {one for one, whose in OF_FAILURE.items() if whose is DOMAIN} == {
        o.FAILURE_KIND_TIMEOUT,
        o.FAILURE_KIND_SERVFAIL,
        o.FAILURE_KIND_OTHER_RCODE,
        o.FAILURE_KIND_BOGUS,
        o.FAILURE_KIND_MALFORMED,
        o.FAILURE_KIND_ALIAS,
        o.FAILURE_KIND_TOO_LARGE,
        o.FAILURE_KIND_NO_ADDRESS,
        o.FAILURE_KIND_NOT_PUBLIC,
        o.FAILURE_KIND_CONNECTION_REFUSED,
        o.FAILURE_KIND_UNREACHABLE,
        o.FAILURE_KIND_CONNECTION_LOST,
        o.FAILURE_KIND_TLS,
        o.FAILURE_KIND_REDIRECT_NOT_ALLOWED,
        o.FAILURE_KIND_TOO_MANY_REDIRECTS,
        o.FAILURE_KIND_REDIRECT_LOOP,
    }


def test_what_a_newer_release_recorded_is_held_against_no_domain() -> None:
    assert blame_dissent(c.Dissent.ValueType(999)) is OURS
    unknown = c.Reason.ValueType(999)
    assert blame_verdict(unknown, FINE, votes(*[FINE] * 5), FOUR_OF_FIVE) is OURS


@pytest.mark.parametrize(
    ("one", "other", "whose"),
    [
        (c.DISSENT_UNREACHABLE, c.DISSENT_LATE, OURS),
        (c.DISSENT_NOT_LOOKED, c.DISSENT_GARBAGE, OURS),
        (c.DISSENT_OVERLOADED, c.DISSENT_MISIDENTIFIED, OURS),
        (c.DISSENT_UNSUPPORTED, c.DISSENT_FORBIDS, OURS),
        # One may fail by the rule: the domain's alone had not refused it.
        (c.DISSENT_UNREACHABLE, c.DISSENT_FORBIDS, OURS),
        (c.DISSENT_DIFFERS, c.DISSENT_LATE, OURS),
        (c.DISSENT_FORBIDS, c.DISSENT_FORBIDS, DOMAIN),
        (c.DISSENT_DIFFERS, c.DISSENT_FAILED, DOMAIN),
        (c.DISSENT_PROOF_MISSING, c.DISSENT_PROOF_MISSING, DOMAIN),
    ],
)
@pytest.mark.parametrize("third", [FINE, c.DISSENT_NOT_AWAITED])
def test_a_338_is_ours_where_our_failures_alone_may_have_caused_it(
    one: c.Dissent.ValueType,
    other: c.Dissent.ValueType,
    whose: Responsible,
    third: c.Dissent.ValueType,
) -> None:
    remotes = votes(one, other, third, third, third)
    assert blame_verdict(c.REASON_QUORUM_NOT_MET, FINE, remotes, FOUR_OF_FIVE) is whose


def test_a_338_that_the_domain_causes_alone_is_the_domains_whoever_else_fails() -> None:
    forbids, down = c.DISSENT_FORBIDS, c.DISSENT_UNREACHABLE
    remotes = votes(forbids, forbids, down, down, down)
    assert blame_verdict(c.REASON_QUORUM_NOT_MET, FINE, remotes, FOUR_OF_FIVE) is DOMAIN


def test_regions_that_only_those_down_would_have_brought_are_ours() -> None:
    rirs = [o.RIR_RIPE, o.RIR_RIPE, o.RIR_RIPE, o.RIR_ARIN]
    fine = [RemoteDissent(rir, FINE) for rir in rirs[:3]]
    needed = Needed(remotes=3, regions=2)
    assert may_be_ours([*fine, RemoteDissent(rirs[3], c.DISSENT_LATE)], needed)
    assert not may_be_ours([*fine, RemoteDissent(rirs[3], c.DISSENT_FORBIDS)], needed)


def test_a_roster_that_could_never_meet_the_regions_is_ours() -> None:
    one_region = [RemoteDissent(o.RIR_RIPE, FINE)] * 5
    whose = blame_verdict(c.REASON_REGIONS_NOT_MET, FINE, one_region, FOUR_OF_FIVE)
    assert whose is OURS


@pytest.mark.parametrize(
    ("primary", "remote", "whose"),
    [
        (c.DISSENT_NO_TIME, c.DISSENT_NO_TIME, CALLER),
        (FINE, c.DISSENT_NO_TIME, CALLER),
        (c.DISSENT_OVERLOADED, FINE, OURS),
        (FINE, c.DISSENT_OVERLOADED, OURS),
        (c.DISSENT_NO_TIME, c.DISSENT_UNREACHABLE, OURS),
    ],
)
def test_what_was_cut_short_is_the_callers_where_only_its_deadline_did_that(
    primary: c.Dissent.ValueType, remote: c.Dissent.ValueType, whose: Responsible
) -> None:
    remotes = votes(remote, *[FINE] * 4)
    assert blame_verdict(c.REASON_CUT_SHORT, primary, remotes, FOUR_OF_FIVE) is whose


def test_what_the_primary_saw_is_the_domains_and_its_silence_ours() -> None:
    remotes = votes(*[c.DISSENT_NO_PRIMARY] * 5)
    forbids, down = c.DISSENT_FORBIDS, c.DISSENT_UNREACHABLE
    by_caa = c.REASON_PRIMARY_FORBIDS
    assert blame_verdict(by_caa, forbids, remotes, FOUR_OF_FIVE) is DOMAIN
    assert blame_verdict(c.REASON_PRIMARY_UNAVAILABLE, down, remotes, FOUR_OF_FIVE) is OURS
    assert blame_verdict(c.REASON_CORROBORATED, FINE, votes(*[FINE] * 5), FOUR_OF_FIVE) is None


def test_errors_are_the_callers_or_ours_and_never_the_domains() -> None:
    assert blame_error("INVALID_REQUEST") is CALLER
    assert blame_error("RECORD_NOT_WRITTEN") is OURS
    assert responsibility.DOMAIN not in OF_ERROR.values()


@pytest.mark.parametrize(
    ("kind", "dissent"),
    [
        (o.FAILURE_KIND_SERVFAIL, c.DISSENT_FAILED),
        (o.FAILURE_KIND_TIMEOUT, c.DISSENT_FAILED),
        (o.FAILURE_KIND_RESOLVER_UNAVAILABLE, c.DISSENT_NOT_LOOKED),
        (o.FAILURE_KIND_INTERNAL, c.DISSENT_NOT_LOOKED),
        (o.FAILURE_KIND_REFUSED, c.DISSENT_NOT_LOOKED),
        (o.FAILURE_KIND_OVERLOADED, c.DISSENT_OVERLOADED),
        (o.FAILURE_KIND_UNSUPPORTED_CHECK, c.DISSENT_UNSUPPORTED),
    ],
)
def test_a_lookup_that_our_own_resolver_failed_is_no_failure_of_the_domain(
    kind: o.FailureKind.ValueType, dissent: c.Dissent.ValueType
) -> None:
    assert choose_dissent(o.Failure(kind=kind), c.DISSENT_FAILED) == dissent
