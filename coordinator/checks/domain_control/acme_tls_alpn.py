"""ACME tls-alpn-01: a certificate of the name's TLS server (BR 3.2.2.4.20, RFC 8737). Pure.

    3. The server [...] initiates a TLS connection to the chosen IP address. This connection MUST
       use TCP port 443. The ACME server MUST provide an ALPN extension with the single protocol
       name "acme-tls/1" and an SNI extension containing only the domain name being validated.
    4. The server verifies that during the TLS handshake the application-layer protocol "acme-tls/1"
       was successfully negotiated and that the certificate returned contains [what
       `acme_certificate` checks].

TLS 1.2 or a newer version must be used. No application data is sent.
"""

from collections.abc import Sequence

from coordinator.checks.check import Findings, Judgement, MalformedFindingError, Statuses
from coordinator.checks.domain_control.acme_certificate import CertificateFault, find_fault
from coordinator.checks.domain_control.authorization_domain import Allowed
from coordinator.checks.domain_control.connection_evidence import (
    TLS_VERSIONS,
    Endpoint,
    read_connection,
)
from coordinator.checks.domain_control.key_authorization import read_key_authorization
from coordinator.checks.domain_control.method import (
    Asked,
    ValueRules,
    could_not_learn,
    proof_missing,
)
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p

CLAUSE = "RFC 8737 section 3"
PORT = 443
PROTOCOL = "acme-tls/1"


class AcmeTlsAlpn01:
    """The method `acme_tls_alpn_01`."""

    allowed = Allowed(wildcard=False, prune=False, cname=False)
    clause = "BR 3.2.2.4.20"
    has_challenge = True

    def read(self, control: c.DomainControl, rules: ValueRules) -> None:  # noqa: ARG002 - it has its own form
        """Check the key authorization, and put its SHA-256 in its place."""
        read_key_authorization(control.acme_tls_alpn_01, "acme_tls_alpn_01")

    def questions(self, asked: Asked) -> Sequence[p.Check]:
        """Return what perspectives look at."""
        handshake = p.TlsHandshake(
            host=asked.domain,
            port=PORT,
            server_name=asked.domain,
            alpn=[PROTOCOL],
            ipv4_after_any_failure=True,
        )
        return (p.Check(tls_handshake=handshake),)

    def judge(self, findings: Findings, asked: Asked, believed: Statuses) -> Judgement:
        """Judge what one perspective found."""
        told = findings[0].tls_handshake
        where = f"{asked.domain}, port {PORT},"
        failure = _read_failure(told, asked.domain, believed)
        if failure is not None:
            return could_not_learn(failure, f"no TLS handshake with {where} was completed")
        fault = _find_fault(told, asked)
        if fault is not None:
            return proof_missing(fault.code, f"{where} {fault.text}", found_at=asked.domain)
        return Judgement(found_at=asked.domain, clause=CLAUSE)

    def compare(self, remote: Findings, primary: Findings, asked: Asked) -> None:
        """Compare nothing: both saw the same digest."""


def _read_failure(told: o.TlsFinding, domain: str, believed: Statuses) -> o.Failure | None:
    """Return why there is no session, or the failure of a bogus lookup; None: there is one.

    Raises MalformedFindingError, or NotValidatedError for a lookup that is not `believed`.
    """
    result = told.WhichOneof("result")
    if result is None:
        raise MalformedFindingError("a TLS handshake without a result")
    is_answered = result == "session"
    bogus = read_connection(
        told.connection, Endpoint(domain, PORT), believed, is_answered=is_answered
    )
    return bogus or (None if is_answered else told.failure)


def _find_fault(told: o.TlsFinding, asked: Asked) -> CertificateFault | None:
    """Say what is wrong with the session; None: nothing."""
    version, session = told.connection.tls_version, told.session
    if version not in TLS_VERSIONS:
        used = f"used {version or 'an unknown version'} instead of TLS 1.2 or 1.3"
        return CertificateFault(c.PROOF_FAULT_TLS_VERSION, used)
    if session.alpn != PROTOCOL:
        chosen = f"the protocol {session.alpn!r}" if session.alpn else "no protocol"
        return CertificateFault(c.PROOF_FAULT_TLS_PROTOCOL, f"chose {chosen} instead of {PROTOCOL}")
    digest = asked.control.acme_tls_alpn_01.key_authorization_sha256
    fault = find_fault(session.certificate, asked.domain, digest)
    if fault is None:
        return None
    text = f"has a certificate that is none for this challenge: {fault.text}"
    return fault._replace(text=text)
