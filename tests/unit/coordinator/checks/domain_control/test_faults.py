"""What is wrong with a proof that is missing has a code, for all rows of the clauses' tests."""

from collections.abc import Iterator, Sequence
from typing import Any

from coordinator.checks.check import Judgement
from mpic.v1 import corroboration_pb2 as c
from tests.clauses import domain_control, web
from tests.clauses import test_br_3_2_2_4_7_dns_change as dns_change
from tests.clauses import test_br_3_2_2_4_13_to_17_contacts as contacts
from tests.clauses import test_br_3_2_2_4_18_website as website
from tests.clauses import test_br_3_2_2_4_19_redirects as redirects
from tests.clauses import test_br_3_2_2_4_21_dns_account as dns_account
from tests.clauses import test_br_3_2_2_4_22_persistent_txt as persistent
from tests.clauses import test_br_3_2_2_4_adn as adn
from tests.clauses import test_rfc8555_8_3_http_01 as http_01
from tests.clauses import test_rfc8555_8_4_dns_01 as dns_01
from tests.clauses import test_rfc8737_tls_alpn_01 as tls_alpn_01

OF_RECORDS: Sequence[Any] = (dns_change, contacts, dns_account, persistent, adn, dns_01)
OF_PAGES: Sequence[Any] = (website, redirects, http_01)


def judge_rows() -> Iterator[tuple[str, Judgement]]:
    for module in OF_RECORDS:
        for row in module.ROWS:
            yield row.clause, domain_control.judge(row)
    for module in OF_PAGES:
        for row in module.ROWS:
            yield row.clause, web.judge(row)
    for row in tls_alpn_01.ROWS:
        seen = tls_alpn_01.told(row.certificate(web.HOST), row.alpn, row.version)
        yield row.clause, tls_alpn_01.judge(seen)


# What the coordinator's own sentence says of each. Two faults are never taken for each other.
SAYS = {
    "has no TXT record": "NO_RECORD",
    "there is no ": "NO_RECORD",
    "none with": "OTHER_VALUE",
    "names the e-mail address": "OTHER_VALUE",
    "names the telephone number": "OTHER_VALUE",
    "does not lead to": "OTHER_ALIAS",
    "answered with status": "HTTP_STATUS",
    "answered with more than": "HTTP_TOO_LONG",
    "is not the expected key authorization": "HTTP_CONTENT",
    "does not have the value in it": "HTTP_CONTENT",
    "redirects to a URL with the value": "HTTP_VALUE_IN_URL",
    "instead of TLS 1.2 or 1.3": "TLS_VERSION",
    "instead of acme-tls/1": "TLS_PROTOCOL",
    "subjectAlternativeName": "CERTIFICATE_NAME",
    "challenge: it is for": "CERTIFICATE_NAME",
    "has no acmeIdentifier": "CERTIFICATE_IDENTIFIER",
    "is not critical": "CERTIFICATE_IDENTIFIER",
    "is no OCTET STRING": "CERTIFICATE_IDENTIFIER",
    "is not the digest of": "CERTIFICATE_OTHER_CHALLENGE",
    "is not self-signed": "CERTIFICATE_UNUSABLE",
    "is malformed: ": "PERSISTENT_MALFORMED",
    ", not one of ": "PERSISTENT_ISSUER",
    "has no accounturi": "PERSISTENT_NO_ACCOUNT",
    "accounturi of another account": "PERSISTENT_ACCOUNT",
    "does not have policy=wildcard": "PERSISTENT_POLICY",
    "persistUntil that is past": "PERSISTENT_EXPIRED",
}


def test_each_proof_that_is_missing_has_its_fault_and_nothing_else_has() -> None:
    seen = set()
    for clause, judged in judge_rows():
        is_missing = judged.outcome == c.OUTCOME_PROOF_MISSING
        assert bool(judged.fault) == is_missing, (clause, judged)
        fault = c.ProofFault.Name(judged.fault).removeprefix("PROOF_FAULT_")
        says = {code for phrase, code in SAYS.items() if phrase in judged.detail}
        assert not is_missing or says <= {fault}, (clause, judged.detail)
        seen.add(fault)
    every = {name.removeprefix("PROOF_FAULT_") for name in c.ProofFault.keys()}  # noqa: SIM118
    # Of too many octets: see test_br_3_2_2_4_7_dns_change.
    assert every - seen == {"TOO_MANY_RECORDS"}
    assert set(SAYS.values()) == every - {"UNSPECIFIED", "TOO_MANY_RECORDS"}
