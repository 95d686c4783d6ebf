"""BR 3.2.2.9: a remote corroborates that sees the same value, by whichever way it got there."""

from collections.abc import Sequence

import pytest

from coordinator.checks import request_checks
from coordinator.decision.name_decision import NameDecision
from coordinator.decision.request import AskedName
from coordinator.rules.roster import Perspective
from mpic.urls import parse_url
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from tests.clauses.test_rfc8737_tls_alpn_01 import good, told
from tests.clauses.web import HOST, IPV4, Row, Sent, look, make_hop, redirect
from tests.world.domain_control import KEY_AUTHORIZATION, TOKEN, control, controlled
from tests.world.samples import JUDGING, RULES, WORLD, encode
from tests.world.samples import reply as usual_reply

KA = KEY_AUTHORIZATION.encode()
URL = f"http://@/.well-known/acme-challenge/{TOKEN}"
HTTP_01 = control(acme_http_01=c.AcmeHttp01(token=TOKEN, key_authorization=KEY_AUTHORIZATION))
ALPN = control(acme_tls_alpn_01=c.AcmeTlsAlpn01(key_authorization=KEY_AUTHORIZATION))


def ask(asked: c.DomainControl) -> AskedName:
    subject = controlled(asked, name=HOST, purpose=c.PURPOSE_VALIDATION)
    return AskedName(HOST, HOST, request_checks(subject, JUDGING))


def see(pages: dict[str, Sent]) -> o.Finding:
    (check,) = ask(HTTP_01).checks
    return o.Finding(http_get=look(check.questions[0].http_get, Row("", HTTP_01, pages)))


def decide(asked: c.DomainControl, *seen: o.Finding) -> NameDecision:
    """Decide by what the primary and the remotes see."""
    decision = NameDecision(ask(asked), RULES, WORLD)
    who: Sequence[Perspective] = (WORLD.primary, *WORLD.remotes)
    for perspective, finding in zip(who, seen, strict=True):
        observation = o.Observation(name=HOST, findings=[finding])
        decision.add(usual_reply(perspective)._replace(encoded=encode(observation)))
    return decision


DIRECT = see({URL: Sent(KA)})
REDIRECTED = see({URL: redirect("https://b.@/x"), "https://b.@/x": Sent(KA + b"\n")})
MISSING = see({})
OTHER = see({URL: Sent(KA[:-1] + b"J")})


def over_ipv4() -> o.Finding:
    """Return a page that was got from another address."""
    hop = make_hop(parse_url(URL.replace("@", HOST)), Sent(KA), 128)
    address = IPV4[:-1] + b"\x07"
    records = o.RecordSet(owner="cdn.example.net", ttl=1, rdata=[address])
    hop.connection.lookups[1].records.CopyFrom(records)
    hop.connection.lookups[0].absence = o.ABSENCE_NO_DATA
    hop.connection.dialed[0].address = address
    return o.Finding(http_get=o.HttpFinding(hops=[hop]))


def test_redirects_addresses_and_white_space_may_differ() -> None:
    seen = (DIRECT, REDIRECTED, over_ipv4(), DIRECT, REDIRECTED, over_ipv4())
    decision = decide(HTTP_01, *seen)
    assert (decision.reason, decision.quorum) == (c.REASON_CORROBORATED, "5/5")


@pytest.mark.parametrize(
    ("other", "fault"),
    [(MISSING, c.PROOF_FAULT_HTTP_STATUS), (OTHER, c.PROOF_FAULT_HTTP_CONTENT)],
)
def test_who_sees_another_value_or_none_does_not_corroborate(
    other: o.Finding, fault: c.ProofFault.ValueType
) -> None:
    decision = decide(HTTP_01, DIRECT, other, *[REDIRECTED] * 4)
    assert (decision.reason, decision.quorum) == (c.REASON_CORROBORATED, "4/5")
    vote = decision.vote_of(WORLD.remotes[0])
    assert (vote.dissent, vote.check) == (c.DISSENT_PROOF_MISSING, "domain_control")
    assert [one.fault for one in vote.determinations if one.fault] == [fault]
    assert not any(one.fault for one in decision.primary_vote.determinations)


@pytest.mark.parametrize("other", [MISSING, OTHER])
def test_a_value_that_the_primary_alone_sees_is_refused(other: o.Finding) -> None:
    decision = decide(HTTP_01, DIRECT, *[other] * 5)
    assert (decision.reason, decision.quorum) == (c.REASON_QUORUM_NOT_MET, "0/5")


@pytest.mark.parametrize("other", [MISSING, OTHER])
def test_nothing_outvotes_the_primary(other: o.Finding) -> None:
    decision = decide(HTTP_01, other, *[DIRECT] * 5)
    assert decision.reason == c.REASON_PROOF_MISSING


def test_a_finding_that_does_not_fit_together_is_garbage() -> None:
    wrong = o.Finding()
    wrong.CopyFrom(DIRECT)
    wrong.http_get.hops[0].connection.dialed[0].port = 8080
    decision = decide(HTTP_01, DIRECT, wrong, *[DIRECT] * 4)
    assert decision.vote_of(WORLD.remotes[0]).dissent == c.DISSENT_GARBAGE
    assert decision.quorum == "4/5"


def test_certificates_may_differ_that_have_the_digest() -> None:
    """Each is signed anew, so no two have the same octets."""
    seen = [o.Finding(tls_handshake=told(good(HOST))) for _ in range(6)]
    assert len({one.tls_handshake.session.certificate for one in seen}) == 6
    decision = decide(ALPN, *seen)
    assert (decision.reason, decision.quorum) == (c.REASON_CORROBORATED, "5/5")
    other = o.Finding(tls_handshake=told(good("www.example.net")))
    decision = decide(ALPN, seen[0], *[other] * 5)
    assert (decision.reason, decision.quorum) == (c.REASON_QUORUM_NOT_MET, "0/5")
