"""RFC 9495 and BR Appendix A.1: properties that say nothing of TLS certificates.

A critical one forbids unless the issuer understands it (RFC 8659 section 4.1). All understand
issuemail; the others an issuer has to be configured to understand.
"""

from typing import NamedTuple

import pytest

from coordinator.checks.caa.relevant_set import Applicant, judge_set
from mpic.v1 import corroboration_pb2 as c

PERMIT, FORBID = c.OUTCOME_PASSED, c.OUTCOME_FORBIDDEN

OURS, OTHER = (0, "issue", "ca.example"), (0, "issue", "other.example")


class Row(NamedTuple):
    clause: str
    records: tuple[tuple[int, str, str], ...]
    expected: c.Outcome.ValueType
    understood: c.Outcome.ValueType | None = None
    """To an issuer that understands UNDERSTOOD, where it is another."""


UNDERSTOOD = frozenset({"contactemail", "contactphone", "issuevmc"})

SETS = [
    Row("RFC 9495 4 nobody may issue mail", ((0, "issuemail", ";"),), PERMIT),
    Row("RFC 9495 4 another may issue mail", ((0, "issuemail", "other.example"),), PERMIT),
    Row("RFC 9495 4 malformed", ((0, "issuemail", "%%%"),), PERMIT),
    Row("RFC 9495 4 critical", ((128, "issuemail", ";"),), PERMIT),
    Row("RFC 9495 4 critical, upper case", ((128, "ISSUEMAIL", ";"),), PERMIT),
    Row("RFC 9495 4 does not permit TLS", (OTHER, (0, "issuemail", "ca.example")), FORBID),
    Row("RFC 9495 4 does not restrict TLS", (OURS, (0, "issuemail", ";")), PERMIT),
    Row("RFC 9495 4 critical beside ours", (OURS, (128, "issuemail", ";")), PERMIT),
    Row("BR A.1.1 contactemail", ((0, "contactemail", "a@ca.test"),), PERMIT),
    Row("BR A.1.1 critical contactemail", ((128, "contactemail", "a@ca.test"),), FORBID, PERMIT),
    Row("BR A.1.1 the same, upper case", ((128, "ContactEmail", "a@ca.test"),), FORBID, PERMIT),
    Row("BR A.1.1 beside ours", (OURS, (128, "contactemail", "a@ca.test")), FORBID, PERMIT),
    Row("BR A.1.1 beside another's", (OTHER, (128, "contactemail", "a@ca.test")), FORBID),
    Row("BR A.1.2 critical contactphone", ((128, "contactphone", "+1"),), FORBID, PERMIT),
    Row("BR A.1.2 contactphone beside other", ((0, "contactphone", "+1"), OTHER), FORBID),
    Row("RFC 8659 4.1 a critical property of marks", ((128, "issuevmc", ";"),), FORBID, PERMIT),
    Row("RFC 8659 4.1 two critical ones", ((128, "issuevmc", ";"), (128, "future", "")), FORBID),
    Row("RFC 8659 4.1 a property of marks", ((0, "issuevmc", ";"),), PERMIT),
]


@pytest.mark.parametrize("wildcard", [False, True], ids=["plain", "wildcard"])
@pytest.mark.parametrize("row", SETS, ids=lambda row: row.clause)
def test_set(row: Row, wildcard: bool) -> None:
    rdata = [bytes((f, len(tag))) + tag.encode() + value.encode() for f, tag, value in row.records]

    found = judge_set(rdata, wildcard, Applicant(frozenset({"ca.example"})))

    assert found.outcome == row.expected


@pytest.mark.parametrize("row", SETS, ids=lambda row: row.clause)
def test_rfc_8659_4_1_what_an_issuer_understands_is_its_own(row: Row) -> None:
    rdata = [bytes((f, len(tag))) + tag.encode() + value.encode() for f, tag, value in row.records]
    applicant = Applicant(frozenset({"ca.example"}), understood_tags=UNDERSTOOD)
    found = judge_set(rdata, wildcard=False, applicant=applicant)
    assert found.outcome == (row.understood or row.expected)
