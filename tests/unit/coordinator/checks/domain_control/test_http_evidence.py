"""What an agent tells of an HTTP GET: believed only if it fits together."""

from collections.abc import Callable

import pytest

from coordinator.checks.check import (
    UNVALIDATED_TOO,
    VALIDATED,
    MalformedFindingError,
    NotValidatedError,
)
from coordinator.checks.domain_control.http_evidence import read_http
from mpic.urls import parse_url
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p
from tests.clauses.web import IPV4, IPV6, Sent, answer, make_hop

FIRST, SECOND, THIRD = "http://a.example/x", "https://b.example/y", "https://b.example/z"
ASKED = p.HttpGet(
    url=FIRST,
    body_octets=8,
    redirects=p.RedirectRules(most=2, statuses=[301, 302], ports=[80, 443]),
)
FAILURE = o.Failure(kind=o.FAILURE_KIND_TIMEOUT, detail="it took too long")
BOGUS = o.Failure(kind=o.FAILURE_KIND_BOGUS, detail="it is bogus")
Change = Callable[[o.HttpFinding], object]


def good() -> o.HttpFinding:
    """Return three hops, each of which is as it should be."""
    hops = [
        make_hop(parse_url(FIRST), Sent(status=301), 8),
        make_hop(parse_url(SECOND), Sent(b"12345678", status=302), 8),
        make_hop(parse_url(THIRD), Sent(b"12345678"), 8),
    ]
    hops[0].response.location = SECOND.encode()
    hops[1].response.location = b"z"
    return o.HttpFinding(hops=hops)


def read(finding: o.HttpFinding, asked: p.HttpGet = ASKED) -> o.HttpHop:
    return read_http(o.Finding(http_get=finding), asked, VALIDATED)


def changed(*changes: Change) -> o.HttpFinding:
    finding = good()
    for change in changes:
        change(finding)
    return finding


def fail_last(finding: o.HttpFinding) -> None:
    finding.hops[-1].failure.CopyFrom(FAILURE)


def over_ipv4(finding: o.HttpFinding) -> None:
    """Let IPv6 fail first."""
    connection = finding.hops[0].connection
    connection.dialed[0].failure.CopyFrom(FAILURE)
    connection.dialed.add(address=IPV4, port=80)


def lookups(finding: o.HttpFinding, hop: int = 0) -> o.Connection:
    return finding.hops[hop].connection


def test_the_last_hop_decides() -> None:
    assert read(good()) == good().hops[-1]
    assert read(changed(over_ipv4)) == good().hops[-1]
    assert read(changed(fail_last)).failure == FAILURE


def test_a_redirect_that_was_not_followed_decides() -> None:
    finding = changed(lambda told: told.hops.pop())
    finding.hops.add(url="gopher://x/", failure=FAILURE)
    assert read(finding).failure == FAILURE


def test_a_perspective_that_could_not_begin_has_failed() -> None:
    assert read(o.HttpFinding(hops=[o.HttpHop(url=FIRST, failure=FAILURE)])).failure == FAILURE
    early = o.HttpHop(url=FIRST, connection=o.Connection(tls_version=""), failure=FAILURE)
    assert read(o.HttpFinding(hops=[early])).failure == FAILURE


@pytest.mark.parametrize(
    "change",
    [
        lambda told: told.ClearField("hops"),
        lambda told: told.hops[0].MergeFrom(o.HttpHop(url="http://a.example/other")),
        lambda told: told.hops[0].MergeFrom(o.HttpHop(url=f"{FIRST}#fragment")),
        lambda told: told.hops[0].MergeFrom(o.HttpHop(url="http://a.example:80/x")),
        lambda told: told.hops[1].MergeFrom(o.HttpHop(url=THIRD)),
        lambda told: told.hops.pop(0),
        lambda told: told.hops.pop(1),
        lambda told: told.hops.insert(0, told.hops[0]),
        lambda told: told.hops[0].response.MergeFrom(o.HttpResponse(status=303)),
        lambda told: told.hops[0].response.MergeFrom(o.HttpResponse(status=200)),
        lambda told: told.hops[0].response.ClearField("status"),
        lambda told: told.hops[0].response.ClearField("location"),
        lambda told: told.hops[0].response.MergeFrom(o.HttpResponse(location=b"gopher://x/")),
        lambda told: told.hops[0].response.MergeFrom(o.HttpResponse(location=b"//b.example/o")),
        lambda told: told.hops[0].failure.CopyFrom(FAILURE),
        lambda told: told.hops[1].failure.CopyFrom(FAILURE),
        lambda told: told.hops.insert(1, o.HttpHop(url=SECOND, failure=FAILURE)),
        lambda told: told.hops.insert(1, o.HttpHop(url="gopher://x/", failure=FAILURE)),
        lambda told: told.hops[1].CopyFrom(o.HttpHop(url=SECOND, failure=FAILURE)),
        lambda told: told.hops[0].CopyFrom(o.HttpHop(url=FIRST, failure=FAILURE)),
        lambda told: told.hops[0].ClearField("result"),
        lambda told: told.hops[2].ClearField("response"),
        lambda told: told.hops[0].ClearField("connection"),
        lambda told: told.hops[2].ClearField("connection"),
        lambda told: told.hops[2].response.MergeFrom(o.HttpResponse(body=b"123456789")),
        lambda told: told.hops[0].response.MergeFrom(o.HttpResponse(body=b"123456789")),
        lambda told: told.hops[2].connection.ClearField("tls_version"),
        lambda told: told.hops[1].connection.ClearField("tls_version"),
        lambda told: told.hops[2].connection.MergeFrom(o.Connection(tls_version="TLSv1.1")),
        lambda told: told.hops[2].connection.MergeFrom(o.Connection(tls_version="SSLv3")),
        lambda told: told.hops[0].connection.MergeFrom(o.Connection(tls_version="TLSv1.3")),
    ],
)
def test_hops_that_do_not_fit_together(change: Change) -> None:
    with pytest.raises(MalformedFindingError):
        read(changed(change))


@pytest.mark.parametrize("hop", [0, 1, 2])
@pytest.mark.parametrize(
    "change",
    [
        lambda one: one.ClearField("lookups"),
        lambda one: one.lookups.pop(),
        lambda one: one.lookups.pop(0),
        lambda one: one.lookups.reverse(),
        lambda one: one.lookups.append(one.lookups[0]),
        lambda one: one.lookups[0].MergeFrom(o.Lookup(name="c.example")),
        lambda one: one.lookups[1].MergeFrom(o.Lookup(name="c.example")),
        lambda one: one.lookups[0].ClearField("result"),
        lambda one: one.lookups[1].ClearField("result"),
        lambda one: one.lookups[1].records.ClearField("rdata"),
        lambda one: one.lookups[0].records.rdata.append(IPV4),
        lambda one: one.lookups[1].records.rdata.append(IPV6),
        lambda one: one.lookups[1].records.rdata.append(b""),
        lambda one: one.lookups[0].MergeFrom(o.Lookup(dnssec=o.DNSSEC_BOGUS)),
        lambda one: one.lookups[1].MergeFrom(o.Lookup(dnssec=o.DNSSEC_BOGUS)),
        lambda one: one.ClearField("dialed"),
        lambda one: one.dialed[0].MergeFrom(o.DialedAddress(address=IPV6[:-1] + b"\x01")),
        lambda one: one.dialed[0].MergeFrom(o.DialedAddress(port=8080)),
        lambda one: one.dialed[0].ClearField("address"),
        lambda one: one.dialed[0].ClearField("port"),
        lambda one: one.dialed[0].failure.CopyFrom(FAILURE),
        lambda one: one.dialed.append(one.dialed[0]),
        lambda one: one.dialed.add(address=IPV4, port=one.dialed[0].port),
        lambda one: one.dialed.insert(
            0, o.DialedAddress(address=IPV4, port=one.dialed[0].port, failure=FAILURE)
        ),
        lambda one: one.dialed.insert(0, o.DialedAddress(address=IPV6, port=8080, failure=FAILURE)),
    ],
)
def test_connections_that_do_not_fit_together(
    change: Callable[[o.Connection], object], hop: int
) -> None:
    with pytest.raises(MalformedFindingError):
        read(changed(lambda told: change(told.hops[hop].connection)))


def test_a_failure_does_not_excuse_a_connection_that_does_not_fit() -> None:
    def dial_another(told: o.HttpFinding) -> None:
        told.hops[-1].connection.dialed[0].address = IPV6[:-1] + b"\x01"

    with pytest.raises(MalformedFindingError):
        read(changed(fail_last, dial_another))


@pytest.mark.parametrize(
    "wrong",
    [
        o.DialedAddress(address=IPV4[:-1] + b"\x01"),
        o.DialedAddress(port=8080),
        o.DialedAddress(failure=FAILURE),
    ],
)
@pytest.mark.parametrize("place", [0, 1])
def test_every_address_that_was_dialled_must_fit(wrong: o.DialedAddress, place: int) -> None:
    finding = changed(over_ipv4)
    dialed = finding.hops[0].connection.dialed[place]
    if place == 0 and wrong.HasField("failure"):
        dialed.ClearField("failure")
    else:
        dialed.MergeFrom(wrong)
    with pytest.raises(MalformedFindingError):
        read(finding)


def test_as_many_redirects_as_were_allowed() -> None:
    asked = p.HttpGet()
    asked.CopyFrom(ASKED)
    asked.redirects.most = 1
    with pytest.raises(MalformedFindingError, match="2 redirects were followed"):
        read(good(), asked)
    refused = good()
    del refused.hops[2].connection.lookups[:], refused.hops[2].connection.dialed[:]
    refused.hops[2].ClearField("connection")
    refused.hops[2].failure.CopyFrom(FAILURE)
    assert read(refused, asked).failure == FAILURE


def test_ports_that_were_allowed() -> None:
    asked = p.HttpGet()
    asked.CopyFrom(ASKED)
    asked.redirects.ports[:] = [80]
    with pytest.raises(MalformedFindingError, match="port 443"):
        read(good(), asked)


def test_a_url_is_asked_for_once() -> None:
    finding = changed(lambda told: told.hops.pop())
    finding.hops[1].response.location = FIRST.encode()
    finding.hops.append(good().hops[0])
    with pytest.raises(MalformedFindingError, match="twice"):
        read(finding)


def test_no_redirect_may_be_followed_without_rules() -> None:
    with pytest.raises(MalformedFindingError):
        read(good(), p.HttpGet(url=FIRST, body_octets=8))


@pytest.mark.parametrize("hop", [0, 1, 2])
@pytest.mark.parametrize("family", [0, 1])
class TestLookup:
    def test_one_that_was_not_validated_is_not_believed_at_the_primary(
        self, hop: int, family: int
    ) -> None:
        finding = good()
        finding.hops[hop].connection.lookups[family].dnssec = o.DNSSEC_INDETERMINATE
        with pytest.raises(NotValidatedError):
            read(finding)
        told = o.Finding(http_get=finding)
        assert read_http(told, ASKED, UNVALIDATED_TOO) == finding.hops[-1]

    def test_an_absence_that_was_not_validated_is_not_believed_either(
        self, hop: int, family: int
    ) -> None:
        finding = good()
        lookup = finding.hops[hop].connection.lookups[family]
        lookup.absence = o.ABSENCE_NO_DATA
        lookup.dnssec = o.DNSSEC_INDETERMINATE
        with pytest.raises((NotValidatedError, MalformedFindingError)):
            read(finding)

    def test_a_bogus_one_is_a_failure_whatever_was_dialled(self, hop: int, family: int) -> None:
        finding = good()
        connection = finding.hops[hop].connection
        connection.lookups[family].failure.CopyFrom(BOGUS)
        connection.lookups[family].dnssec = o.DNSSEC_BOGUS
        connection.dialed[0].address = (IPV4, IPV6)[family]
        decided = read(finding)
        assert (decided.failure, decided.url) == (BOGUS, finding.hops[hop].url)

    def test_one_of_two_may_fail(self, hop: int, family: int) -> None:
        finding = good()
        connection = finding.hops[hop].connection
        connection.lookups[family].failure.CopyFrom(FAILURE)
        connection.lookups[family].dnssec = o.DNSSEC_INDETERMINATE
        connection.dialed[0].address = (IPV4, IPV6)[family]
        assert read(finding) == finding.hops[-1]

    def test_an_address_of_the_one_that_failed_is_not_dialled(self, hop: int, family: int) -> None:
        finding = good()
        connection = finding.hops[hop].connection
        connection.lookups[family].failure.CopyFrom(FAILURE)
        connection.dialed[0].address = (IPV6, IPV4)[family]
        with pytest.raises(MalformedFindingError, match="not one of"):
            read(finding)


def test_a_host_without_ipv6_is_reached_over_ipv4() -> None:
    finding = good()
    connection = finding.hops[0].connection
    connection.lookups[0].CopyFrom(
        o.Lookup(name="a.example", absence=o.ABSENCE_NO_DATA, dnssec=o.DNSSEC_INSECURE)
    )
    connection.dialed[0].address = IPV4
    assert read(finding) == good().hops[-1]


def test_an_insecure_lookup_is_validated() -> None:
    finding = good()
    finding.hops[0].connection.lookups[0].CopyFrom(answer("a.example", IPV6, o.DNSSEC_INSECURE))
    assert read(finding) == good().hops[-1]
