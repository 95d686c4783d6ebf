"""One TLS handshake: what is asked for, what is not, and what comes of it."""

from typing import Any

import pytest

from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p
from perspective_agent.checks import CHECKS
from perspective_agent.connect.dialer import Destination
from perspective_agent.connect.shared_looks import Seen
from perspective_agent.tls.handshake import TlsTarget

HOST = "www.example.com"
GOOD: dict[str, Any] = {
    "host": HOST,
    "port": 443,
    "server_name": HOST,
    "alpn": ["acme-tls/1"],
    "ipv4_after_any_failure": True,
}


def make(**changed: Any) -> Any:  # noqa: ANN401 - fields of TlsHandshake, and a check
    asked = p.Check(tls_handshake=p.TlsHandshake(**(GOOD | changed)))
    return CHECKS["tls_handshake"]("another.example.com", asked)


@pytest.mark.parametrize(
    ("changed", "target"),
    [
        ({}, TlsTarget(Destination(HOST, 443, True), HOST, ("acme-tls/1",))),  # noqa: FBT003
        (
            {"server_name": "1.2.0.192.in-addr.arpa", "ipv4_after_any_failure": False},
            TlsTarget(Destination(HOST, 443), "1.2.0.192.in-addr.arpa", ("acme-tls/1",)),
        ),
        (
            {"port": 65_535, "alpn": ["h2", "x" * 255, "http/1.1"]},
            TlsTarget(
                Destination(HOST, 65_535, ipv4_after_any_failure=True),
                HOST,
                ("h2", "x" * 255, "http/1.1"),
            ),
        ),
        ({"alpn": []}, TlsTarget(Destination(HOST, 443, ipv4_after_any_failure=True), HOST, ())),
    ],
)
def test_it_is_one_handshake_and_what_comes_of_it_is_the_finding(
    changed: dict[str, Any], target: TlsTarget
) -> None:
    check = make(**changed)
    (want,) = check.start()
    assert want.target == target
    found = o.TlsFinding(session=o.TlsSession(alpn="acme-tls/1", certificate=b"x"))
    assert want.take(Seen(found, (5,))) == o.Finding(tls_handshake=found)
    assert check.finish(lambda _: Seen(found, (0,))) == o.Finding(tls_handshake=found)


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"host": ""}, "host"),
        ({"host": "localhost"}, "host"),
        ({"host": "192.0.2.1:443"}, "host"),
        ({"host": "WWW.example.com"}, "host"),
        ({"server_name": ""}, "server name"),
        ({"server_name": "www.example.com."}, "server name"),
        ({"server_name": "a\x00.example.com"}, "server name"),
        ({"port": 0}, "port"),
        ({"port": 65_536}, "port"),
        ({"alpn": [""]}, "protocol"),
        ({"alpn": ["x" * 256]}, "protocol"),
        ({"alpn": ["é"]}, "protocol"),
        ({"alpn": ["x"] * 17}, "protocols"),
    ],
)
def test_what_cannot_be_asked_of_a_server_is_not_the_domains_failure(
    changed: dict[str, Any], what: str
) -> None:
    finding = make(**changed).start()
    assert isinstance(finding, o.Finding)
    assert finding.not_run.kind == o.FAILURE_KIND_INTERNAL
    assert what in finding.not_run.detail


def test_what_is_too_large_is_told_in_its_own_form() -> None:
    finding = make().finish(lambda target: target.too_large("9 octets"))
    failure = o.Failure(kind=o.FAILURE_KIND_TOO_LARGE, detail="9 octets")
    assert finding == o.Finding(tls_handshake=o.TlsFinding(failure=failure))
