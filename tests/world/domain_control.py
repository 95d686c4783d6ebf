"""Sample requests and findings of domain control, for tests of pure rules."""

import base64
from datetime import datetime, timedelta

from coordinator.checks.check import CheckSubject
from coordinator.checks.domain_control.method import hash_value
from mpic.names import Name
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from tests.world.samples import NAME, NOVEMBER

TOKEN = "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0"  # noqa: S105 - RFC 8555 section 8.4
KEY_AUTHORIZATION = f"{TOKEN}.9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"
DIGEST = base64.urlsafe_b64encode(hash_value(KEY_AUTHORIZATION)).rstrip(b"=")
CREATED = NOVEMBER - timedelta(hours=1)


def control(adn: str = "", created: datetime | None = CREATED, **method: object) -> c.DomainControl:
    """Return domain control by a method; without one, by ACME dns-01."""
    method = method or {"acme_dns_01": c.AcmeDns01(key_authorization=KEY_AUTHORIZATION)}
    asked = c.DomainControl(authorization_domain_name=adn, **method)
    if created is not None:
        asked.challenge_created_at.FromDatetime(created)
    return asked


def controlled(
    asked: c.DomainControl | None = None,
    *,
    name: str = NAME,
    wildcard: bool = False,
    purpose: c.Purpose.ValueType = c.PURPOSE_ISSUANCE,
    checks: tuple[str, ...] = (),
) -> CheckSubject:
    """Return what a caller says of a name whose control was proved so."""
    text = f"*.{name}" if wildcard else name
    requested = c.RequestedName(name=text, domain_control=asked or control())
    request = c.CorroborateRequest(
        request_id="r-1", names=[requested], purpose=purpose, checks=checks
    )
    return CheckSubject(Name(text, name, wildcard), requested, request, NOVEMBER)


def txt(*values: bytes, owner: str = f"_acme-challenge.{NAME}") -> o.Finding:
    """Return the finding of TXT records with these values, each of one string; or of none."""
    rdata = [bytes([len(value)]) + value for value in values]
    return records(owner, o.RECORD_TYPE_TXT, *rdata)


def records(owner: str, rdtype: o.RecordType.ValueType, *rdata: bytes) -> o.Finding:
    """Return the finding of a record set, or of none."""
    lookup = o.Lookup(name=owner, dnssec=o.DNSSEC_SECURE)
    if rdata:
        lookup.records.CopyFrom(o.RecordSet(owner=owner, ttl=60, rdata=rdata))
    else:
        lookup.absence = o.ABSENCE_NAME_ERROR
    return o.Finding(records=o.RecordsFinding(type=rdtype, lookup=lookup))
