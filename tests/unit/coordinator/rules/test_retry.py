import pytest

from coordinator.rules.responsibility import OF_REASON, Responsible
from coordinator.rules.retry import AFTER_CAUSE, AFTER_FAILURE, Retry, advise_retry
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o

DOMAIN = Responsible.DOMAIN
FAILED = c.REASON_PRIMARY_FAILED


def test_every_kind_of_failure_has_its_row() -> None:
    assert set(AFTER_FAILURE) == set(o.FailureKind.values())
    assert set(AFTER_CAUSE) == set(o.FailureCause.values())


@pytest.mark.parametrize("reason", sorted(set(OF_REASON)))
@pytest.mark.parametrize("responsible", [Responsible.CALLER, Responsible.OURS])
def test_what_determined_nothing_is_asked_again_at_once(
    reason: c.Reason.ValueType, responsible: Responsible
) -> None:
    roster = reason == c.REASON_TOO_FEW_REMOTES  # an operator has to mend it first
    assert advise_retry(reason, responsible, ()) is (Retry.LATER if roster else Retry.NOW)


def test_what_is_approved_is_not_asked_again() -> None:
    assert advise_retry(c.REASON_CORROBORATED, None, ()) is None


@pytest.mark.parametrize(
    ("reason", "advice"),
    [
        (c.REASON_PRIMARY_FORBIDS, Retry.AFTER_CHANGE),
        (c.REASON_NOT_IN_PUBLIC_DNS, Retry.AFTER_CHANGE),
        (c.REASON_PROOF_MISSING, Retry.AFTER_CHANGE),
        (c.REASON_QUORUM_NOT_MET, Retry.LATER),
        (c.REASON_REGIONS_NOT_MET, Retry.LATER),
    ],
)
def test_what_the_domain_shows(reason: c.Reason.ValueType, advice: Retry) -> None:
    """Error 338 may pass: nobody can tell a hijack from name servers that differ."""
    assert advise_retry(reason, DOMAIN, [o.Failure(kind=o.FAILURE_KIND_BOGUS)]) is advice


@pytest.mark.parametrize(
    ("kinds", "advice"),
    [
        ([], Retry.LATER),
        ([o.FAILURE_KIND_TIMEOUT], Retry.LATER),
        ([o.FAILURE_KIND_BOGUS], Retry.AFTER_CHANGE),
        ([o.FAILURE_KIND_TIMEOUT, o.FAILURE_KIND_ALIAS], Retry.AFTER_CHANGE),
        ([999], Retry.LATER),  # of a newer agent
    ],
)
def test_one_failure_that_stays_is_enough(
    kinds: list[o.FailureKind.ValueType], advice: Retry
) -> None:
    assert advise_retry(FAILED, DOMAIN, [o.Failure(kind=kind) for kind in kinds]) is advice


@pytest.mark.parametrize(
    ("cause", "zone", "advice"),
    [
        (o.FAILURE_CAUSE_REFUSED, "example.jp", Retry.AFTER_CHANGE),
        (o.FAILURE_CAUSE_NO_ADDRESS, "example.jp", Retry.AFTER_CHANGE),
        (o.FAILURE_CAUSE_SILENT, "example.jp", Retry.LATER),
        (o.FAILURE_CAUSE_SERVER_FAILED, "example.jp", Retry.LATER),
        (999, "example.jp", Retry.LATER),  # of a newer agent
        # Of aliases that loop no zone is told.
        (o.FAILURE_CAUSE_ALIAS_LOOP, "", Retry.AFTER_CHANGE),
        (o.FAILURE_CAUSE_REFUSED, "", Retry.LATER),
        # The domain's owner can change nothing at the registry's servers.
        (o.FAILURE_CAUSE_REFUSED, "jp", Retry.LATER),
    ],
)
def test_what_the_servers_of_a_zone_did_says_whether_it_stays(
    cause: o.FailureCause.ValueType, zone: str, advice: Retry
) -> None:
    failure = o.Failure(kind=o.FAILURE_KIND_SERVFAIL, cause=cause, zone=zone)
    assert advise_retry(FAILED, DOMAIN, [failure]) is advice
