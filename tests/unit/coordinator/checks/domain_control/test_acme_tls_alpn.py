"""What an agent tells of a TLS handshake: believed only if it fits together."""

from collections.abc import Callable

import pytest

from coordinator.checks.check import (
    UNVALIDATED_TOO,
    VALIDATED,
    MalformedFindingError,
    NotValidatedError,
)
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from tests.clauses.test_rfc8737_tls_alpn_01 import JUDGE, good, judge, request, told
from tests.clauses.web import HOST, IPV4, IPV6

FAILURE = o.Failure(kind=o.FAILURE_KIND_TIMEOUT, detail="it took too long")
BOGUS = o.Failure(kind=o.FAILURE_KIND_BOGUS, detail="it is bogus")


def test_ipv4_after_ipv6_failed() -> None:
    finding = told(good(HOST))
    finding.connection.dialed[0].failure.CopyFrom(FAILURE)
    finding.connection.dialed.add(address=IPV4, port=443)
    assert judge(finding).outcome == c.OUTCOME_PASSED


@pytest.mark.parametrize(
    "change",
    [
        lambda one: one.ClearField("session"),
        lambda one: one.ClearField("connection"),
        lambda one: one.connection.ClearField("lookups"),
        lambda one: one.connection.ClearField("dialed"),
        lambda one: one.connection.lookups.reverse(),
        lambda one: one.connection.lookups[0].MergeFrom(o.Lookup(name="www.example.net")),
        lambda one: one.connection.dialed[0].MergeFrom(o.DialedAddress(port=8443)),
        lambda one: one.connection.dialed[0].MergeFrom(o.DialedAddress(port=80)),
        lambda one: one.connection.dialed[0].MergeFrom(o.DialedAddress(address=IPV6[:-1] + b"1")),
        lambda one: one.connection.dialed[0].failure.CopyFrom(FAILURE),
        lambda one: one.connection.dialed.add(address=IPV4, port=443),
    ],
)
def test_a_handshake_that_does_not_fit_together(
    change: Callable[[o.TlsFinding], object],
) -> None:
    finding = told(good(HOST))
    change(finding)
    with pytest.raises(MalformedFindingError):
        judge(finding)


def test_a_finding_of_another_kind_is_not_believed() -> None:
    with pytest.raises(MalformedFindingError):
        JUDGE.judge([o.Finding(http_get=o.HttpFinding())], HOST, request(), VALIDATED)


@pytest.mark.parametrize("family", [0, 1])
def test_a_bogus_lookup_is_a_failure_whatever_was_dialled(family: int) -> None:
    finding = told(good(HOST))
    finding.connection.lookups[family].failure.CopyFrom(BOGUS)
    finding.connection.dialed[0].address = (IPV4, IPV6)[family]
    judged = judge(finding)
    assert (judged.outcome, judged.dissent) == (c.OUTCOME_FAILED, c.DISSENT_FAILED)
    assert "it is bogus" in judged.detail


def test_one_lookup_of_two_may_fail() -> None:
    finding = told(good(HOST))
    finding.connection.lookups[0].failure.CopyFrom(FAILURE)
    finding.connection.dialed[0].address = IPV4
    assert judge(finding).outcome == c.OUTCOME_PASSED


@pytest.mark.parametrize("family", [0, 1])
def test_the_primary_validates_both_lookups(family: int) -> None:
    finding = told(good(HOST))
    finding.connection.lookups[family].dnssec = o.DNSSEC_INDETERMINATE
    with pytest.raises(NotValidatedError):
        judge(finding)
    findings = [o.Finding(tls_handshake=finding)]
    judged = JUDGE.judge(findings, HOST, request(), UNVALIDATED_TOO)
    assert judged.outcome == c.OUTCOME_PASSED
