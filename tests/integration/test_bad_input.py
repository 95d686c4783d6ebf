"""Bad input over the real API: told field by field, nobody asked, nothing else affected."""

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import corroboration_pb2_grpc
from tests.world.deployment import Deployment
from tests.world.requests import named
from tests.world.zones import HOSTILE_ZONE

GOOD = "child.parent.example.co.jp"


def request(*names: str, **fields: object) -> c.CorroborateRequest:
    return c.CorroborateRequest(**({"request_id": "r", "names": named(names or [GOOD])} | fields))


def tightened(**fields: object) -> c.CorroborateRequest:
    return request(tightening=c.Tightening(**fields))


def lingering(milliseconds: int) -> c.CorroborateRequest:
    message = request()
    message.linger.FromMilliseconds(milliseconds)
    return message


def refusal(deployment: Deployment, message: c.CorroborateRequest) -> dict[str, str]:
    """Send what must be refused; return what is said by field."""
    with pytest.raises(grpc.RpcError) as raised:
        deployment.send(message)
    assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    status = rpc_status.from_call(raised.value)
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    assert status.details[0].Unpack(info)
    assert (info.reason, info.domain) == ("INVALID_REQUEST", "mpic")
    assert status.details[1].Unpack(bad)
    return {one.field: one.description for one in bad.field_violations}


@pytest.mark.parametrize(
    ("message", "field", "says"),
    [
        (c.CorroborateRequest(request_id="r"), "names", "is empty"),
        (request(*(f"h{n}.example.com" for n in range(101))), "names", "101 names"),
        (request(""), "names[0].name", "is empty"),
        (request(GOOD, "a..example.com"), "names[1].name", "empty label"),
        (request(GOOD, "a" * 64 + ".example.com"), "names[1].name", "64 octets"),
        (request(".".join(["a" * 63] * 4)), "names[0].name", "at most 253"),
        (request("a\x00b.example.com"), "names[0].name", "control"),
        (request("a b.example.com"), "names[0].name", "space"),
        (request("https://example.com"), "names[0].name", "URL"),
        (request("example.com:443"), "names[0].name", "port"),
        (request("203.0.113.1"), "names[0].name", "IP address"),
        (request("2001:db8::1"), "names[0].name", "IP address"),
        (request("localhost"), "names[0].name", "single label"),
        (request("example.onion"), "names[0].name", "Onion"),
        (request("1.113.0.203.in-addr.arpa"), "names[0].name", "reverse"),
        (request("a.*.example.com"), "names[0].name", "leftmost"),
        (request("*.co.jp"), "names[0].name", "public suffix"),
        (request("*.jp"), "names[0].name", "public suffix"),
        (request("www.e164.arpa"), "names[0].name", "is in arpa"),
        (request(f"*.{'a' * 63}.{'.'.join(['a' * 61] * 3)}.jp"), "names[0].name", "254 octets"),
        (request("xn--0.example.com"), "names[0].name", "no Punycode"),
        (request(GOOD, GOOD.upper()), "names[1].name", "same name as names[0]"),
        (request("bücher.example", "xn--bcher-kva.example"), "names[1].name", "same name"),
        (request(issuer="nobody"), "issuer", "'nobody' is not configured"),
        (tightened(min_corroborating=3), "tightening.min_corroborating", "only tighten"),
        (tightened(min_corroborating=6), "tightening.min_corroborating", "all remotes"),
        (tightened(address_agreement=2), "tightening.address_agreement", "looser"),
        (tightened(address_agreement=99), "tightening.address_agreement", "unknown"),
        (request(account_uri="not a uri"), "account_uri", "absolute URI"),
        (request(names=named([GOOD], "dns_01")), "names[0].validation_method", "must be a label"),
        (request(request_id=""), "request_id", "1 to 128"),
        (request(request_id="a b"), "request_id", "1 to 128"),
        (lingering(-1), "linger", "must be 0"),
        (lingering(3_600_000), "linger", "must be 0"),
    ],
)
def test_a_wrong_field_is_named(
    deployment: Deployment, message: c.CorroborateRequest, field: str, says: str
) -> None:
    told = refusal(deployment, message)
    assert list(told) == [field]
    assert says in told[field]


@pytest.mark.parametrize(
    ("message", "field", "says"),
    [
        (request(issuer="x" * 20_000), "issuer", "is not configured; this service knows example"),
        (request(issuer="\u202e\x1b" * 20_000), "issuer", "\\\\u{202e}\\\\027"),
        (request(*(f"{n}{'ä' * 900}.example.com" for n in range(100))), "names[0].name", "IDNA"),
        (request(*(f"{n}{'a' * 900}.example.com" for n in range(100))), "names[0].name", "octets"),
        (request(account_uri="https://x/\n" * 20_000), "account_uri", "absolute URI"),
        (
            request(names=named([GOOD], "x" * 20_000)),
            "names[0].validation_method",
            "must be a label",
        ),
        (request(request_id="x" * 20_000), "request_id", "1 to 128"),
        (c.CorroborateRequest.FromString(b"\xa2\x06\x03new"), "request", "does not know"),
    ],
)
def test_of_whatever_length_it_is_the_true_reason_comes_back(
    deployment: Deployment, message: c.CorroborateRequest, field: str, says: str
) -> None:
    """A status that is larger than clients take would tell them to ask again, for ever."""
    assert says in refusal(deployment, message)[field]


def test_a_stream_of_bad_questions_is_answered_one_by_one(deployment: Deployment) -> None:
    questions = [request(f"{n}{'ä' * 900}.example.com", issuer="x" * 9000) for n in range(50)]
    questions.append(request(request_id="y" * 100_000))
    message = c.CorroborateStreamRequest(questions=questions)
    with deployment.channel() as channel:
        stub = corroboration_pb2_grpc.CorroborationServiceStub(channel)
        responses = list(stub.CorroborateStream(iter([message]), timeout=60))
    outcomes = [outcome for response in responses for outcome in response.outcomes]
    assert {outcome.error.reason for outcome in outcomes} == {"INVALID_REQUEST"}
    assert len(outcomes) == 51
    assert all(outcome.ByteSize() < 2048 for outcome in outcomes)


def test_everything_wrong_is_said_at_once(deployment: Deployment) -> None:
    told = refusal(deployment, request("", "*.co.jp", request_id="", issuer="nobody"))
    assert list(told) == ["names[0].name", "names[1].name", "issuer", "request_id"]


def test_an_empty_request_is_told_what_it_lacks(deployment: Deployment) -> None:
    assert list(refusal(deployment, c.CorroborateRequest())) == ["names", "request_id"]


def test_the_next_good_request_is_answered(deployment: Deployment) -> None:
    refusal(deployment, request(""))
    assert deployment.ask(GOOD).approved


def test_without_a_deadline_the_services_own_applies(deployment: Deployment) -> None:
    # Silent for ever, and a resolver that goes on trying.
    response = deployment.ask("60000.slow.hostile.example.co.jp", linger=0, timeout=None)
    assert response.names[0].reason == c.REASON_PRIMARY_FAILED


def test_a_question_of_64_mib_is_refused_and_the_service_lives_on(deployment: Deployment) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        deployment.send(request(account_uri="x" * (65 * 1024 * 1024)))
    assert raised.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert deployment.ask(GOOD).approved


def test_br_1_6_1_p_labels_and_ideographic_dots_are_names(deployment: Deployment) -> None:
    """Labels that are no A-labels of IDNA 2008, and a name as a Japanese keyboard writes it."""
    zone = f"healthy.{HOSTILE_ZONE}"
    texts = [f"xn--ls8h.{zone}", f"www.xn--i-7iq.{zone}", f"例え。{zone}"]
    response = deployment.ask(*texts)
    assert response.approved, [one.detail for one in response.names]
    assert [one.name for one in response.names] == texts
    assert response.names[2].looked_up == f"xn--r8jz45g.{zone}"


def test_a_dot_at_the_end_of_an_issuer_is_named(deployment: Deployment) -> None:
    """RFC 8659 section 4.2: an issuer-domain-name has none."""
    (verdict,) = deployment.ask("dotted.caa.example.co.jp").names
    assert verdict.reason == c.REASON_PRIMARY_FORBIDS
    assert '0 issue "ca.example.test."' in verdict.detail
    assert "its issuer name ends with a dot" in verdict.detail
