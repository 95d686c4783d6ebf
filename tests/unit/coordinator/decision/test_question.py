"""From message to question: what a caller may ask, and that he may only tighten."""

from dataclasses import replace

import pytest

from coordinator.checks.caa.issuer import Issuer
from coordinator.decision.question import Desk, read_question
from coordinator.rules.policy import PolicyRow
from mpic.bounds import MAX_NAMES
from mpic.runtime.grpc.errors import RequestError
from mpic.v1 import corroboration_pb2 as c
from tests.world.samples import TERMS

ISSUERS = {"one": Issuer(frozenset({"ca.example.test"}), frozenset({"contactemail"}))}
DESK = Desk(ISSUERS, TERMS.row, 5, 11.0)
OVERLAP = replace(TERMS.row, address_agreement=c.ADDRESS_AGREEMENT_OVERLAP)


def request(**fields: object) -> c.CorroborateRequest:
    return c.CorroborateRequest(**({"request_id": "r-1", "names": ["a.example.com"]} | fields))


def refused(message: c.CorroborateRequest, desk: Desk = DESK) -> list[str]:
    with pytest.raises(RequestError) as raised:
        read_question(message, desk)
    return [one.field for one in raised.value.violations]


def test_a_question_carries_what_was_asked() -> None:
    question = read_question(
        request(
            names=["*.Bücher.example", "b.example.com"],
            account_uri="https://ca.example/1",
            validation_method="dns-01",
            dry_run=True,
        ),
        DESK,
    )
    assert [name.asked for name in question.names] == ["*.Bücher.example", "b.example.com"]
    assert [ask.name for ask in question.asks] == ["xn--bcher-kva.example", "b.example.com"]
    assert [ask.wildcard for ask in question.asks] == [True, False]
    for ask in question.asks:
        assert ask.issuer_domains == {"ca.example.test"}
        assert ask.understood_tags == {"contactemail"}
        assert (ask.account_uri, ask.validation_method) == ("https://ca.example/1", "dns-01")
    assert question.dry_run
    assert question.terms.required == 4
    assert question.linger == 0


@pytest.mark.parametrize("seconds", [12, -1, 2**62, -(2**62)])
def test_any_linger_is_judged(seconds: int) -> None:
    message = request()
    message.linger.seconds = seconds
    assert refused(message) == ["linger"]


@pytest.mark.parametrize(("count", "fine"), [(0, False), (1, True), (100, True), (101, False)])
def test_one_to_a_hundred_names(count: int, fine: bool) -> None:
    message = request(names=[f"h{number}.example.com" for number in range(count)])
    if fine:
        assert len(read_question(message, DESK).names) == count
    else:
        assert not 1 <= count <= MAX_NAMES
        assert refused(message) == ["names"]


@pytest.mark.parametrize(
    ("demanded", "fine"), [(0, True), (3, False), (4, True), (5, True), (6, False)]
)
def test_the_quorum_may_only_be_tightened(demanded: int, fine: bool) -> None:
    message = request(tightening=c.Tightening(min_corroborating=demanded))
    if fine:
        assert read_question(message, DESK).terms.required == max(demanded, 4)
    else:
        assert refused(message) == ["tightening.min_corroborating"]


@pytest.mark.parametrize(
    ("row", "agreement", "applied"),
    [
        (TERMS.row, 0, c.ADDRESS_AGREEMENT_EXACT),
        (TERMS.row, c.ADDRESS_AGREEMENT_EXACT, c.ADDRESS_AGREEMENT_EXACT),
        (TERMS.row, c.ADDRESS_AGREEMENT_OVERLAP, None),
        (OVERLAP, 0, c.ADDRESS_AGREEMENT_OVERLAP),
        (OVERLAP, c.ADDRESS_AGREEMENT_EXACT, c.ADDRESS_AGREEMENT_EXACT),
        (OVERLAP, c.ADDRESS_AGREEMENT_RESOLVES, None),
    ],
)
def test_address_agreement_may_only_be_tightened(
    row: PolicyRow, agreement: int, applied: int | None
) -> None:
    message = request(tightening=c.Tightening(address_agreement=agreement))
    desk = replace(DESK, row=row)
    if applied is None:
        assert refused(message, desk) == ["tightening.address_agreement"]
    else:
        question = read_question(message, desk)
        assert question.terms.address_agreement == applied
        assert question.asks[0].address_agreement == applied


def test_a_policys_switch_for_failures_reaches_the_judge() -> None:
    for switch in (False, True):
        row = replace(TERMS.row, permit_caa_failure_in_insecure_zone=switch)
        (ask,) = read_question(request(), replace(DESK, row=row)).asks
        assert ask.permit_caa_failure_in_insecure_zone == switch


def test_an_issuer_must_be_named_where_there_are_several() -> None:
    several = replace(DESK, issuers=ISSUERS | {"two": Issuer(frozenset({"other.test"}))})
    assert refused(request(), several) == ["issuer"]
    assert read_question(request(issuer="two"), several).asks[0].issuer_domains == {"other.test"}
    assert refused(request(issuer="three"), several) == ["issuer"]


@pytest.mark.parametrize("request_id", ["", "a b", "a\n", "ä", "x" * 129])
def test_a_request_id_is_plain(request_id: str) -> None:
    assert refused(request(request_id=request_id)) == ["request_id"]


@pytest.mark.parametrize("seconds", [-0.001, 11.001])
def test_nobody_lingers_longer_than_an_attempt(seconds: float) -> None:
    message = request()
    message.linger.FromNanoseconds(round(seconds * 1e9))
    assert refused(message) == ["linger"]


def with_unknown_field(message: c.CorroborateRequest) -> c.CorroborateRequest:
    """The message as a newer caller would send it: with a field of another number."""
    return c.CorroborateRequest.FromString(message.SerializeToString() + b"\x98\x06\x01")


def test_what_a_newer_caller_may_have_demanded_is_not_passed_over() -> None:
    assert refused(with_unknown_field(request())) == ["request"]
    tightening = c.Tightening.FromString(b"\x98\x06\x01")
    assert refused(request(tightening=tightening)) == ["request"]


def test_an_issuer_of_any_length_is_told_what_this_service_knows() -> None:
    with pytest.raises(RequestError) as raised:
        read_question(request(issuer="x\n" * 10_000), DESK)
    (one,) = raised.value.violations
    assert one.description.endswith("is not configured; this service knows one")
    assert len(one.description) < 200
