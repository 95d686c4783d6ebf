"""From message to request: what a caller may ask, and that he may only tighten."""

from dataclasses import replace

import pytest

from coordinator.checks.caa.check import CaaJudge
from coordinator.checks.caa.issuer import Issuer
from coordinator.checks.check import CheckSubject, JudgingRules, ParameterError
from coordinator.decision.request import RequestRules, read_request
from coordinator.rules.policy import PolicyRow
from mpic.bounds import MAX_NAMES
from mpic.runtime.grpc.errors import RequestError
from mpic.v1 import corroboration_pb2 as c
from tests.world.requests import named
from tests.world.samples import NOVEMBER, RULES

ISSUERS = {"one": Issuer(frozenset({"ca.example.test"}), frozenset({"contactemail"}))}
AGAINST = RequestRules(ISSUERS, RULES.row, 5, 11.0, NOVEMBER)
OVERLAP = replace(RULES.row, address_agreement=c.ADDRESS_AGREEMENT_OVERLAP)


def request(**fields: object) -> c.CorroborateRequest:
    return c.CorroborateRequest(
        **({"request_id": "r-1", "names": named(["a.example.com"])} | fields)
    )


def refused(message: c.CorroborateRequest, rules: RequestRules = AGAINST) -> list[str]:
    with pytest.raises(RequestError) as raised:
        read_request(message, rules)
    return [one.field for one in raised.value.violations]


def test_a_request_carries_what_was_asked() -> None:
    asked = read_request(
        request(
            names=[
                c.RequestedName(name="*.Bücher.example", validation_method="dns-01"),
                c.RequestedName(name="b.example.com", validation_method="http-01"),
            ],
            account_uri="https://ca.example/1",
            dry_run=True,
        ),
        AGAINST,
    )
    assert [name.asked for name in asked.names] == ["*.Bücher.example", "b.example.com"]
    assert [name.looked_up for name in asked.names] == ["xn--bcher-kva.example", "b.example.com"]
    assert [[check.name for check in name.checks] for name in asked.names] == [
        ["caa", "addresses"]
    ] * 2
    first, second = (name.checks[0].asked.caa for name in asked.names)
    assert [first.wildcard, second.wildcard] == [True, False]
    assert [first.validation_method, second.validation_method] == ["dns-01", "http-01"]
    for caa in (first, second):
        assert list(caa.issuer_domains) == ["ca.example.test"]
        assert list(caa.understood_critical_tags) == ["contactemail"]
        assert caa.account_uri == "https://ca.example/1"
    assert asked.dry_run
    assert asked.rules.required == 4
    assert asked.linger == 0


def test_a_validation_method_is_a_label_and_the_name_that_has_another_is_told() -> None:
    names = [
        c.RequestedName(name="a.example.com", validation_method="ca-tbr-7"),
        c.RequestedName(name="b.example.com", validation_method="DNS-01"),
    ]
    assert refused(request(names=names)) == ["names[1].validation_method"]


@pytest.mark.parametrize("seconds", [12, -1, 2**62, -(2**62)])
def test_any_linger_is_judged(seconds: int) -> None:
    message = request()
    message.linger.seconds = seconds
    assert refused(message) == ["linger"]


@pytest.mark.parametrize(("count", "fine"), [(0, False), (1, True), (100, True), (101, False)])
def test_one_to_a_hundred_names(count: int, fine: bool) -> None:
    message = request(names=named(f"h{number}.example.com" for number in range(count)))
    if fine:
        assert len(read_request(message, AGAINST).names) == count
    else:
        assert not 1 <= count <= MAX_NAMES
        assert refused(message) == ["names"]


@pytest.mark.parametrize(
    ("demanded", "fine"), [(0, True), (3, False), (4, True), (5, True), (6, False)]
)
def test_the_quorum_may_only_be_tightened(demanded: int, fine: bool) -> None:
    message = request(tightening=c.Tightening(min_corroborating=demanded))
    if fine:
        assert read_request(message, AGAINST).rules.required == max(demanded, 4)
    else:
        assert refused(message) == ["tightening.min_corroborating"]


@pytest.mark.parametrize(
    ("row", "agreement", "applied"),
    [
        (RULES.row, 0, c.ADDRESS_AGREEMENT_EXACT),
        (RULES.row, c.ADDRESS_AGREEMENT_EXACT, c.ADDRESS_AGREEMENT_EXACT),
        (RULES.row, c.ADDRESS_AGREEMENT_OVERLAP, None),
        (OVERLAP, 0, c.ADDRESS_AGREEMENT_OVERLAP),
        (OVERLAP, c.ADDRESS_AGREEMENT_EXACT, c.ADDRESS_AGREEMENT_EXACT),
        (OVERLAP, c.ADDRESS_AGREEMENT_RESOLVES, None),
    ],
)
def test_address_agreement_may_only_be_tightened(
    row: PolicyRow, agreement: int, applied: int | None
) -> None:
    message = request(tightening=c.Tightening(address_agreement=agreement))
    rules = replace(AGAINST, row=row)
    if applied is None:
        assert refused(message, rules) == ["tightening.address_agreement"]
    else:
        asked = read_request(message, rules)
        assert asked.rules.address_agreement == applied
        assert asked.names[0].checks[1].asked.addresses.agreement == applied


def test_a_policys_switch_for_failures_reaches_the_judge() -> None:
    for switch in (False, True):
        row = replace(RULES.row, permit_caa_failure_in_insecure_zone=switch)
        (name,) = read_request(request(), replace(AGAINST, row=row)).names
        caa = name.checks[0]
        assert caa.asked.caa.permit_failure_in_insecure_zone == switch
        assert caa.questions[0].caa_walk.prove_insecurity == switch


def test_an_issuer_must_be_named_where_there_are_several() -> None:
    several = replace(AGAINST, issuers=ISSUERS | {"two": Issuer(frozenset({"other.test"}))})
    assert refused(request(), several) == ["issuer"]
    (name,) = read_request(request(issuer="two"), several).names
    assert list(name.checks[0].asked.caa.issuer_domains) == ["other.test"]
    assert refused(request(issuer="three"), several) == ["issuer"]


@pytest.mark.parametrize("request_id", ["", "a b", "a\n", "ä", "x" * 129])
def test_a_request_id_is_plain(request_id: str) -> None:
    assert refused(request(request_id=request_id)) == ["request_id"]


def test_a_request_id_that_is_not_there_is_told_to_be_missing() -> None:
    with pytest.raises(RequestError) as raised:
        read_request(request(request_id=""), AGAINST)
    assert raised.value.violations[0].description.startswith("is missing; it must be 1 to 128")


@pytest.mark.parametrize("request_id", ["order/17/finalize", "urn:ca.example:Order_1-2", "x" * 128])
def test_a_request_id_may_be_a_path_or_a_urn(request_id: str) -> None:
    assert read_request(request(request_id=request_id), AGAINST).request_id == request_id


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
        read_request(request(issuer="x\n" * 10_000), AGAINST)
    (one,) = raised.value.violations
    assert one.description.endswith("is not configured; this service knows one")
    assert len(one.description) < 200


def test_a_parameter_that_a_check_cannot_use_is_told_of_its_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_: CaaJudge, subject: CheckSubject, __: JudgingRules) -> c.RequestedCheck:
        if subject.name.looked_up == "b.example.com":
            raise ParameterError("proof", "is no proof")
        return c.RequestedCheck(caa=c.RequestedCaa())

    monkeypatch.setattr(CaaJudge, "request", refuse)
    names = named(["a.example.com", "b.example.com", "c.example.com"])
    with pytest.raises(RequestError) as raised:
        read_request(request(names=names), AGAINST)
    (one,) = raised.value.violations
    assert (one.field, one.description) == ("names[1].proof", "is no proof")
