"""RFC 8657 and BR 4.2.2.1.2: the parameters accounturi and validationmethods."""

from typing import NamedTuple

import pytest

from coordinator.checks.caa.relevant_set import Applicant, judge_set
from mpic.v1 import corroboration_pb2 as c

PERMIT, FORBID = c.OUTCOME_PASSED, c.OUTCOME_FORBIDDEN

US = "https://ca.example/acct/1"
THEM = "https://ca.example/acct/2"


class Row(NamedTuple):
    clause: str
    parameters: str
    account: str
    method: str
    expected: c.Outcome.ValueType


PARAMETERS = [
    Row("RFC 8657 3 no parameter", "", "", "", PERMIT),
    Row("RFC 8657 3 no parameter, any account", "", US, "dns-01", PERMIT),
    Row("RFC 8657 3 ours", f"accounturi={US}", US, "", PERMIT),
    Row("RFC 8657 3 other", f"accounturi={THEM}", US, "", FORBID),
    Row("RFC 8657 3 no account asks", f"accounturi={US}", "", "", FORBID),
    Row("RFC 8657 3 empty, no account asks", "accounturi=", "", "", FORBID),
    Row("RFC 8657 3 empty", "accounturi=", US, "", FORBID),
    Row("RFC 8657 3 twice the same", f"accounturi={US}; accounturi={US}", US, "", FORBID),
    Row("RFC 8657 3 twice, ours first", f"accounturi={US}; accounturi={THEM}", US, "", FORBID),
    Row("RFC 8657 3 twice, ours last", f"accounturi={THEM}; accounturi={US}", US, "", FORBID),
    Row("RFC 8657 3 twice in two cases", f"accounturi={US}; AccountURI={US}", US, "", FORBID),
    Row("RFC 8657 3 not a URI", "accounturi=1", US, "", FORBID),
    Row("RFC 8657 3 longer", f"accounturi={US}2", US, "", FORBID),
    Row("RFC 8657 3 shorter", f"accounturi={US[:-1]}", US, "", FORBID),
    Row("RFC 8657 3 final slash", f"accounturi={US}/", US, "", FORBID),
    Row("RFC 8657 3 URI in upper case", f"accounturi={US.upper()}", US, "", FORBID),
    Row("RFC 8657 3 URI with =", f"accounturi={US}?a=b", f"{US}?a=b", "", PERMIT),
    Row("RFC 8657 3 white space around", f"accounturi \t= {US} \t", US, "", PERMIT),
    Row("RFC 8659 4.2 name in mixed case, other", f"AccountURI={THEM}", US, "", FORBID),
    Row("RFC 8659 4.2 name in mixed case, ours", f"AccountURI={US}", US, "", PERMIT),
    Row("RFC 8659 4.2 unknown parameters", "foo=1; bar=; account=9", US, "dns-01", PERMIT),
    Row("RFC 8659 4.2 unknown parameter twice", "foo=1; foo=2", "", "", PERMIT),
    Row("RFC 8659 4.2 unknown parameter, then other", f"a=b; accounturi={THEM}", US, "", FORBID),
    Row("RFC 8659 4.2 prefix of a known name", f"account={THEM}; uri=x", US, "", PERMIT),
    Row("RFC 8657 4 listed", "validationmethods=dns-01", "", "dns-01", PERMIT),
    Row("RFC 8657 4 listed first", "validationmethods=dns-01,http-01", "", "dns-01", PERMIT),
    Row("RFC 8657 4 listed last", "validationmethods=http-01,dns-01", "", "dns-01", PERMIT),
    Row("RFC 8657 4 not listed", "validationmethods=http-01", "", "dns-01", FORBID),
    Row("RFC 8657 4 no method stated", "validationmethods=dns-01", "", "", FORBID),
    Row("RFC 8657 4 prefix of a label", "validationmethods=dns-012", "", "dns-01", FORBID),
    Row("RFC 8657 4 empty", "validationmethods=", "", "dns-01", FORBID),
    Row("RFC 8657 4 empty, no method stated", "validationmethods=", "", "", FORBID),
    Row("RFC 8657 4 final comma", "validationmethods=dns-01,", "", "dns-01", FORBID),
    Row("RFC 8657 4 final comma, none stated", "validationmethods=dns-01,", "", "", FORBID),
    Row("RFC 8657 4 first comma", "validationmethods=,dns-01", "", "dns-01", FORBID),
    Row("RFC 8657 4 two commas", "validationmethods=dns-01,,http-01", "", "dns-01", FORBID),
    Row("RFC 8657 4 white space", "validationmethods=dns-01, http-01", "", "dns-01", FORBID),
    Row("RFC 8657 4 underscore", "validationmethods=dns-01,my_own", "", "dns-01", FORBID),
    Row("RFC 8657 4 labels of hyphens", "validationmethods=-,--,dns-01", "", "dns-01", PERMIT),
    Row(
        "RFC 8657 4 stated method is a list",
        "validationmethods=dns-01,http-01",
        "",
        "dns-01,http-01",
        FORBID,
    ),
    Row(
        "RFC 8657 4 twice the same",
        "validationmethods=dns-01; validationmethods=dns-01",
        "",
        "dns-01",
        FORBID,
    ),
    Row(
        "RFC 8657 4 twice",
        "validationmethods=dns-01; validationmethods=http-01",
        "",
        "http-01",
        FORBID,
    ),
    Row("RFC 8659 4.2 name in mixed case", "ValidationMethods=http-01", "", "dns-01", FORBID),
    Row("RFC 8657 4 unknown label beside", "validationmethods=new-09,dns-01", "", "dns-01", PERMIT),
    Row("BR 4.2.2.1.2 label in upper case", "validationmethods=DNS-01", "", "dns-01", FORBID),
    Row("BR 4.2.2.1.2 method in upper case", "validationmethods=dns-01", "", "DNS-01", FORBID),
    Row("BR 4.2.2.1.2 ca-tbr-7", "validationmethods=ca-tbr-7", "", "ca-tbr-7", PERMIT),
    Row("BR 4.2.2.1.2 ca-tbr-7 for dns-01", "validationmethods=ca-tbr-7", "", "dns-01", PERMIT),
    Row("BR 4.2.2.1.2 dns-01 for ca-tbr-7", "validationmethods=dns-01", "", "ca-tbr-7", FORBID),
    Row("BR 4.2.2.1.2 ca-tbr-19 for http-01", "validationmethods=ca-tbr-19", "", "http-01", PERMIT),
    Row("BR 4.2.2.1.2 http-01 for ca-tbr-19", "validationmethods=http-01", "", "ca-tbr-19", PERMIT),
    Row("BR 4.2.2.1.2 tls-alpn-01", "validationmethods=ca-tbr-20", "", "tls-alpn-01", PERMIT),
    Row("BR 4.2.2.1.2 ca-tbr-20", "validationmethods=tls-alpn-01", "", "ca-tbr-20", PERMIT),
    Row("BR 4.2.2.1.2 dns-account-01", "validationmethods=ca-tbr-21", "", "dns-account-01", PERMIT),
    Row("BR 4.2.2.1.2 dns-persist-01", "validationmethods=ca-tbr-22", "", "dns-persist-01", PERMIT),
    Row("BR 4.2.2.1.2 ca-tbr-18", "validationmethods=ca-tbr-18", "", "ca-tbr-18", PERMIT),
    Row("BR 4.2.2.1.2 ca-tbr-18 for http-01", "validationmethods=ca-tbr-18", "", "http-01", FORBID),
    Row("BR 4.2.2.1.2 ca-tbr-7 for http-01", "validationmethods=ca-tbr-7", "", "http-01", FORBID),
    Row(
        "RFC 8657 both satisfied",
        f"accounturi={US}; validationmethods=dns-01",
        US,
        "dns-01",
        PERMIT,
    ),
    Row(
        "RFC 8657 only the account satisfied",
        f"accounturi={US}; validationmethods=http-01",
        US,
        "dns-01",
        FORBID,
    ),
    Row(
        "RFC 8657 only the method satisfied",
        f"validationmethods=dns-01; accounturi={THEM}",
        US,
        "dns-01",
        FORBID,
    ),
]


@pytest.mark.parametrize("tag", ["issue", "issuewild"])
@pytest.mark.parametrize("row", PARAMETERS, ids=lambda row: row.clause)
def test_parameters(row: Row, tag: str) -> None:
    applicant = Applicant(frozenset({"ca.example"}), row.account, row.method)
    rdata = bytes((0, len(tag))) + f"{tag}ca.example; {row.parameters}".encode()

    assert judge_set([rdata], wildcard=True, applicant=applicant).outcome == row.expected


def test_parameters_bind_only_their_own_property() -> None:
    """RFC 8657 section 3: the parameter constrains the property to which it is attached."""
    applicant = Applicant(frozenset({"ca.example"}), US)
    bound, free = f"ca.example; accounturi={THEM}", "ca.example"
    rdata = [b"\x00\x05issue" + value.encode() for value in (bound, free)]

    assert judge_set(rdata, wildcard=False, applicant=applicant).outcome == PERMIT


def test_parameters_of_another_issuer_authorize_nothing() -> None:
    """RFC 8657 section 3: accounturi does not replace the issuer-domain-name."""
    applicant = Applicant(frozenset({"ca.example"}), US)
    rdata = b"\x00\x05issue" + f"other.example; accounturi={US}".encode()

    assert judge_set([rdata], wildcard=False, applicant=applicant).outcome == FORBID
