"""The contact that a domain names, in TXT or CAA records (BR 3.2.2.4.13, .14, .16, .17). Pure.

| BR         | where the contact stands                         | not used from | what it is       |
|------------|--------------------------------------------------|---------------|------------------|
| 3.2.2.4.13 | a CAA property `contactemail`                    | 2028-03-15    | e-mail, RFC 6532 |
| 3.2.2.4.14 | a TXT record at `_validation-contactemail`       | 2028-03-15    | e-mail, RFC 6532 |
| 3.2.2.4.16 | a TXT record at `_validation-contactphone`       | 2027-03-15    | phone, RFC 3966  |
| 3.2.2.4.17 | a CAA property `contactphone`                    | 2027-03-15    | phone, RFC 3966  |

To write to the contact, or to call it, is up to the CA. Here it is only seen that the domain names
the one that the CA selected. A domain may name several. Nor may a validation be used once its
method may not.

"The entire RDATA value [...] MUST be a valid email address, or it cannot be used." So nothing is
trimmed. The domain part of an address compares in ASCII without regard to case, its local part
octet by octet. Telephone numbers compare without visual separators (RFC 3966 section 5.1.1).

CAA records are searched as RFC 8659 section 3 says, from the authorization domain name upwards. The
first set that is not empty ends the search, also if it names no contact.
"""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from coordinator.checks.caa.walk import follow_walk
from coordinator.checks.check import Findings, Judgement, ParameterError, Statuses
from coordinator.checks.domain_control.authorization_domain import Allowed
from coordinator.checks.domain_control.method import (
    Asked,
    ValueRules,
    ask_records,
    could_not_learn,
    join_strings,
    proof_missing,
    read_record_set,
)
from coordinator.checks.domain_control.reuse import reusable_for
from mpic.caa_record import read_property
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p

_TXT, _CAA = o.RECORD_TYPE_TXT, o.RECORD_TYPE_CAA
# RFC 5322 section 3.2.3 as RFC 6532 section 3.2 extends it: atoms and dots. A quoted local part is
# not taken: nobody has one, and two spellings of it may mean the same.
_ATOM = r'[^\x00-\x20\x7f-\x9f\s()<>@,;:\\".\[\]]+'
_ADDRESS = re.compile(rf"({_ATOM}(?:\.{_ATOM})*)@({_ATOM}(?:\.{_ATOM})*)")
_LONGEST_ADDRESS = 320
# RFC 3966 section 3: global-number-digits. The digits are counted apart, in linear time.
_NUMBER = re.compile(rb"\+[0-9().-]+")
_SEPARATORS = b"().-"
_MOST_DIGITS = 15  # E.164


class Contact(NamedTuple):
    """One kind of contact."""

    name: str
    """Such as "e-mail address"."""
    example: str
    label: str
    """What stands before the authorization domain name, for TXT records."""
    tag: str
    """Of the CAA property."""
    ends: datetime
    """From when on the methods may not be used."""
    read: Callable[[bytes], bytes | None]
    """Returns a contact in the form that is compared; None: it is none."""


class ContactMethod:
    """A method that looks for a contact: `contact_email_txt` and its like."""

    allowed = Allowed(wildcard=True, prune=True, cname=True)
    has_challenge = False

    def __init__(self, clause: str, kind: Contact, rdtype: o.RecordType.ValueType) -> None:
        """Look for this kind of contact in records of this type."""
        self.clause = clause
        self._kind = kind
        self._rdtype = rdtype

    def read(self, control: c.DomainControl, rules: ValueRules) -> None:
        """Check the contact, and that the method may still be used."""
        field = control.WhichOneof("method") or ""
        if rules.at >= self._kind.ends:
            text = f"is a method that may not be used since {self._kind.ends:%Y-%m-%d}"
            raise ParameterError(field, f"{text} ({self.clause})")
        if self._kind.read(_selected(control)) is None:
            text = f'must be one {self._kind.name} such as "{self._kind.example}" ({self.clause})'
            raise ParameterError(f"{field}.contact", text)

    def questions(self, asked: Asked) -> Sequence[p.Check]:
        """Return what perspectives look at."""
        if self._rdtype == _TXT:
            return (ask_records(self._owner(asked), _TXT),)
        owner = asked.domain if asked.domain != asked.name else ""
        return (p.Check(caa_walk=p.CaaWalk(owner=owner)),)

    def judge(self, findings: Findings, asked: Asked, believed: Statuses) -> Judgement:
        """Judge what one perspective found."""
        lookup = self._read_lookup(findings[0], asked, believed)
        records = f"{o.RecordType.Name(self._rdtype).removeprefix('RECORD_TYPE_')} record"
        if lookup.HasField("failure"):
            return could_not_learn(lookup.failure, f"the {records}s of {lookup.name} are not known")
        if not lookup.HasField("records"):
            above = "" if self._rdtype == _TXT else ", and none above it"
            detail = f"there is no {records} at {self._owner(asked)}{above}"
            return proof_missing(c.PROOF_FAULT_NO_RECORD, detail)
        selected = self._kind.read(_selected(asked.control))
        if selected is not None and selected in map(self._read, lookup.records.rdata):
            left = self._kind.ends - timedelta(seconds=1) - _judged_at(asked)
            return Judgement(
                found_at=lookup.name,
                detail=f"a {records} at {lookup.name} names the {self._kind.name}",
                usable_for=max(timedelta(0), min(left, reusable_for(_judged_at(asked)))),
            )
        detail = f"no {records} at {lookup.name} names the {self._kind.name}"
        return proof_missing(c.PROOF_FAULT_OTHER_VALUE, detail, lookup.name)

    def compare(self, remote: Findings, primary: Findings, asked: Asked) -> None:
        """Compare nothing: both saw the same contact."""

    def _owner(self, asked: Asked) -> str:
        return f"{self._kind.label}.{asked.domain}" if self._rdtype == _TXT else asked.domain

    def _read_lookup(self, finding: o.Finding, asked: Asked, believed: Statuses) -> o.Lookup:
        """Return the lookup that decides: the only one, or the end of the search."""
        if self._rdtype == _TXT:
            return read_record_set(finding, self._owner(asked), _TXT, believed)
        return follow_walk(finding.caa_walk, asked.domain, believed).end

    def _read(self, rdata: bytes) -> bytes | None:
        """Return the contact that a record names; None: it names none of this kind."""
        if self._rdtype == _TXT:
            text = join_strings(rdata)
            return None if text is None else self._kind.read(text)
        found = read_property(rdata)
        if found is None or found.tag != self._kind.tag:
            return None
        return self._kind.read(found.value)


def _read_address(text: bytes) -> bytes | None:
    if len(text) > _LONGEST_ADDRESS:
        return None
    try:
        parts = _ADDRESS.fullmatch(text.decode())
    except UnicodeDecodeError:
        return None
    if parts is None:
        return None
    local, domain = (part.encode() for part in parts.groups())
    return local + b"@" + domain.lower()  # of octets, so that only ASCII is changed


def _read_number(text: bytes) -> bytes | None:
    digits = text.translate(None, delete=_SEPARATORS)[1:]
    if not _NUMBER.fullmatch(text) or not 1 <= len(digits) <= _MOST_DIGITS:
        return None
    return digits


def _selected(control: c.DomainControl) -> bytes:
    parameters: c.SelectedContact = getattr(control, control.WhichOneof("method") or "")
    return parameters.contact.encode()


def _judged_at(asked: Asked) -> datetime:
    return asked.requested.judged_at.ToDatetime(UTC)


_EMAIL = Contact(
    "e-mail address",
    "owner@example.com",
    "_validation-contactemail",
    "contactemail",
    datetime(2028, 3, 15, tzinfo=UTC),
    _read_address,
)
_PHONE = Contact(
    "telephone number",
    "+81-3-1234-5678",
    "_validation-contactphone",
    "contactphone",
    datetime(2027, 3, 15, tzinfo=UTC),
    _read_number,
)

CONTACT_EMAIL_CAA = ContactMethod("BR 3.2.2.4.13", _EMAIL, _CAA)
CONTACT_EMAIL_TXT = ContactMethod("BR 3.2.2.4.14", _EMAIL, _TXT)
CONTACT_PHONE_TXT = ContactMethod("BR 3.2.2.4.16", _PHONE, _TXT)
CONTACT_PHONE_CAA = ContactMethod("BR 3.2.2.4.17", _PHONE, _CAA)
