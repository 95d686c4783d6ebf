"""Whatever octets a domain has in its records: they are judged, and prove only what they are."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coordinator.checks.check import VALIDATED
from coordinator.checks.domain_control.method import join_strings
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p
from tests.clauses.domain_control import JUDGE, request
from tests.world.domain_control import DIGEST, KEY_AUTHORIZATION, control, controlled
from tests.world.samples import ISSUER, NAME, caa

VALUE = "x7Kq2LmPz9VtBnR4sWc8"
TARGET = "3f0a9c77d15be2486a90cd1b.ca.test"
ACCOUNT = "https://acme.example/acct/1"
PERSISTENT = f"{ISSUER}; accounturi={ACCOUNT}"
EMAIL, PHONE = "admin@example.org", "+81312345678"
SELECTED_EMAIL, SELECTED_PHONE = c.SelectedContact(contact=EMAIL), c.SelectedContact(contact=PHONE)
TXT, CNAME, CAA = o.RECORD_TYPE_TXT, o.RECORD_TYPE_CNAME, o.RECORD_TYPE_CAA


def string(text: str) -> bytes:
    """Return a TXT record of one string."""
    return bytes([len(text)]) + text.encode()


def name(text: str) -> bytes:
    """Return a CNAME record."""
    return b"".join(map(string, text.split("."))) + b"\0"


def with_tag(tag: str, value: str) -> bytes:
    """Return a CAA record."""
    return b"\0" + string(tag) + value.encode()


METHODS: dict[str, tuple[c.DomainControl, bytes]] = {
    "dns-01": (control(), string(DIGEST.decode())),
    "dns-account-01": (
        control(
            acme_dns_account_01=c.AcmeDnsAccount01(
                key_authorization=KEY_AUTHORIZATION, account_url=ACCOUNT
            )
        ),
        string(DIGEST.decode()),
    ),
    "persistent": (
        control(persistent_dns_txt=c.PersistentDnsTxt(account_uris=[ACCOUNT])),
        string(PERSISTENT),
    ),
    "change in TXT": (
        control(dns_change=c.DnsChange(record_type=TXT, value=VALUE)),
        string(VALUE),
    ),
    "contained in TXT": (
        control(dns_change=c.DnsChange(record_type=TXT, value=VALUE, contained=True)),
        string(VALUE),
    ),
    "change in CNAME": (
        control(dns_change=c.DnsChange(record_type=CNAME, value=TARGET)),
        name(TARGET),
    ),
    "change in CAA": (
        control(dns_change=c.DnsChange(record_type=CAA, value=VALUE)),
        with_tag("a", VALUE),
    ),
    "e-mail in TXT": (control(contact_email_txt=SELECTED_EMAIL), string(EMAIL)),
    "e-mail in CAA": (control(contact_email_caa=SELECTED_EMAIL), with_tag("contactemail", EMAIL)),
    "phone in TXT": (control(contact_phone_txt=SELECTED_PHONE), string(PHONE)),
    "phone in CAA": (control(contact_phone_caa=SELECTED_PHONE), with_tag("contactphone", PHONE)),
}


def find(question: p.Check, *rdata: bytes) -> o.Finding:
    """Return the finding of these records, or of none."""
    if question.HasField("caa_walk"):
        return caa(*rdata)
    owner, rdtype = question.records.owner, question.records.type
    lookup = o.Lookup(name=owner, dnssec=o.DNSSEC_SECURE, absence=o.ABSENCE_NO_DATA)
    if rdata:
        lookup.records.CopyFrom(o.RecordSet(owner=owner, ttl=60, rdata=rdata))
    return o.Finding(records=o.RecordsFinding(type=rdtype, lookup=lookup))


def judger(method: str) -> Callable[..., c.Outcome.ValueType]:
    """Return what judges records by a method."""
    check = request(controlled(METHODS[method][0]).requested)
    (question,) = JUDGE.questions(check, NAME)

    def judge(*rdata: bytes) -> c.Outcome.ValueType:
        return JUDGE.judge([find(question, *rdata)], NAME, check, VALIDATED).outcome

    return judge


JUDGERS = {method: judger(method) for method in METHODS}


@pytest.mark.parametrize("method", METHODS)
def test_the_proof_passes_and_nothing_does_not(method: str) -> None:
    judge = JUDGERS[method]
    assert judge(METHODS[method][1]) == c.OUTCOME_PASSED
    assert judge() == c.OUTCOME_PROOF_MISSING
    assert judge(b"") == judge(b"\0") == judge(b"\0\0") == c.OUTCOME_PROOF_MISSING


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=40)
@given(rdata=st.lists(st.binary(max_size=80), min_size=1, max_size=4), proof=st.booleans())
def test_any_records_hide_no_proof_and_are_none(
    method: str, rdata: list[bytes], proof: bool
) -> None:
    outcome = JUDGERS[method](*rdata, *([METHODS[method][1]] if proof else []))
    assert outcome == (c.OUTCOME_PASSED if proof else c.OUTCOME_PROOF_MISSING)


# Whose records may have another octet and mean the same: a parameter that is unknown, another tag,
# the case of a DNS name, the octets around a value.
_LOOSE = {"contained in TXT", "change in CAA"}


@pytest.mark.parametrize("method", [one for one in METHODS if one not in _LOOSE])
@settings(max_examples=60)
@given(at=st.integers(0, 200), octet=st.integers(0, 255), kind=st.sampled_from("xid"))
def test_a_record_with_one_other_octet_is_another(
    method: str, at: int, octet: int, kind: str
) -> None:
    proof = METHODS[method][1]
    at %= len(proof)
    tail = {"x": proof[at + 1 :], "i": proof[at:], "d": proof[at + 1 :]}[kind]
    other = proof[:at] + (b"" if kind == "d" else bytes([octet])) + tail
    if JUDGERS[method](other) == c.OUTCOME_PASSED:
        assert means_the_same(other, proof, method)


def means_the_same(other: bytes, proof: bytes, method: str) -> bool:
    """Whether a changed record may pass."""
    if method.endswith("CAA"):
        other, proof = other[1:], proof[1:]  # the flags
    elif "CNAME" not in method:
        other, proof = join_strings(other) or b"", join_strings(proof) or b""
    if method == "persistent":
        # White space between its parts, and the case of what is not the account.
        squeezed = other.replace(b" ", b"").replace(b"\t", b"").lower()
        return squeezed == proof.replace(b" ", b"").lower() and ACCOUNT.encode() in other
    if "phone" in method:
        squeezed = other.translate(None, b"-.()").lower()  # the property's tag, too
        return squeezed == proof.translate(None, b"-.()").lower()
    if "CNAME" in method or "e-mail" in method:
        return other.lower() == proof.lower()
    return other == proof
