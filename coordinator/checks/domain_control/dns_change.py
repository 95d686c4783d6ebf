"""DNS Change: a Random Value or Request Token in a CNAME, TXT or CAA record (BR 3.2.2.4.7). Pure.

    Confirming the Applicant's control over the FQDN by confirming the presence of a Random Value or
    Request Token for either in a DNS CNAME, TXT or CAA record for either 1) an Authorization Domain
    Name; or 2) an Authorization Domain Name that is prefixed with a Domain Label that begins with
    an underscore character.

| type  | what must be the value                                                         |
|-------|--------------------------------------------------------------------------------|
| TXT   | the strings of one record, joined; or a part of them, if the caller asks so    |
| CNAME | the target, or what stands before the caller's zone in it; it is not followed  |
| CAA   | the value of one property, at this very name                                   |

The BR say nothing of how to compare. Octets are compared, except in a CNAME record: a target is a
DNS name, so upper case is lower case. The BR name no property of CAA either. A value in `issue` or
`issuewild` would also forbid everybody to issue, so it does not count there.
"""

import re
from collections.abc import Callable, Sequence

from coordinator.checks.check import (
    Findings,
    Judgement,
    MalformedFindingError,
    ParameterError,
    Statuses,
)
from coordinator.checks.domain_control.authorization_domain import Allowed
from coordinator.checks.domain_control.method import (
    Asked,
    ValueRules,
    ask_records,
    could_not_learn,
    hash_value,
    join_strings,
    proof_missing,
    read_record_set,
)
from coordinator.checks.domain_control.random_value import contains_value, read_value
from mpic.caa_record import read_property
from mpic.names import is_owner
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p

_FIELD = "dns_change"
_TXT, _CNAME, _CAA = o.RECORD_TYPE_TXT, o.RECORD_TYPE_CNAME, o.RECORD_TYPE_CAA
_LABEL = re.compile(r"_[a-z0-9_-]{0,62}")
_RESTRICTING = ("issue", "issuewild")
_MOST_PLACES = 8192
"""Places of a record set at which a contained value may begin. Each costs one hash."""


class DnsChange:
    """The method `dns_change`."""

    allowed = Allowed(wildcard=True, prune=True, cname=True)
    clause = "BR 3.2.2.4.7"
    has_challenge = True

    def read(self, control: c.DomainControl, rules: ValueRules) -> None:
        """Check the parameters, and put the value's SHA-256 and length in its place.

        What a CNAME record is compared with is put in lower case before that, without a final dot.
        """
        parameters = control.dns_change
        _check_form(parameters)
        if parameters.record_type == _CNAME:
            parameters.value = _normalise(parameters.value)
            parameters.target_zone = _normalise(parameters.target_zone)
            target = f"{parameters.value}.{parameters.target_zone}".rstrip(".")
            if parameters.value and not is_owner(target):
                text = f"makes no name that a CNAME record can have as its target ({self.clause})"
                raise ParameterError(f"{_FIELD}.value", text)
            # A character of a DNS name holds 5.25 bits, and one of base64 holds 6.
            rules = rules._replace(shortest_value=rules.shortest_value * 11 // 10)
        read_value(parameters, _FIELD, rules)

    def questions(self, asked: Asked) -> Sequence[p.Check]:
        """Return what perspectives look at."""
        return (ask_records(_owner(asked), asked.control.dns_change.record_type),)

    def judge(self, findings: Findings, asked: Asked, believed: Statuses) -> Judgement:
        """Judge what one perspective found."""
        parameters = asked.control.dns_change
        rdtype = parameters.record_type
        lookup = read_record_set(findings[0], _owner(asked), rdtype, believed)
        kind = o.RecordType.Name(rdtype).removeprefix("RECORD_TYPE_")
        if lookup.HasField("failure"):
            what = f"{kind} of {lookup.name} could not be looked up"
            return could_not_learn(lookup.failure, what)
        if not lookup.HasField("records"):
            return proof_missing(c.PROOF_FAULT_NO_RECORD, f"{lookup.name} has no {kind} record")
        found_at = lookup.records.owner
        if rdtype == _CNAME and found_at != lookup.name:
            raise MalformedFindingError(f"a CNAME record of {found_at!r}, not of {lookup.name!r}")
        values = [
            one for rdata in lookup.records.rdata if (one := _READ[rdtype](rdata, parameters))
        ]
        if parameters.contained and (places := sum(map(len, values))) > _MOST_PLACES:
            detail = f"{found_at} has {places} octets of TXT; at most {_MOST_PLACES} are searched"
            return proof_missing(c.PROOF_FAULT_TOO_MANY_RECORDS, detail, found_at)
        is_value = contains_value if parameters.contained else _is_value
        if any(is_value(one, parameters) for one in values):
            return Judgement(
                found_at=found_at, detail=f"a {kind} record at {found_at} has the value"
            )
        detail = f"{_say_found(found_at, kind, lookup)} the value"
        return proof_missing(c.PROOF_FAULT_OTHER_VALUE, detail, found_at)

    def compare(self, remote: Findings, primary: Findings, asked: Asked) -> None:
        """Compare nothing: both saw the same value."""


def _check_form(parameters: c.DnsChange) -> None:
    """Check all but the value; raises ParameterError."""
    if parameters.record_type not in _READ:
        raise ParameterError(f"{_FIELD}.record_type", "must be CNAME, TXT or CAA (BR 3.2.2.4.7)")
    if parameters.label and not _LABEL.fullmatch(parameters.label):
        text = 'must be one label that begins with "_", in lower case (BR 3.2.2.4.7); or empty'
        raise ParameterError(f"{_FIELD}.label", text)
    if parameters.contained and parameters.record_type != _TXT:
        raise ParameterError(f"{_FIELD}.contained", "is for TXT records alone")
    if not parameters.target_zone:
        return
    if parameters.record_type != _CNAME:
        raise ParameterError(f"{_FIELD}.target_zone", "is for CNAME records alone")
    if not is_owner(_normalise(parameters.target_zone)):
        raise ParameterError(f"{_FIELD}.target_zone", "must be a name in A-labels")


def _say_found(owner: str, kind: str, lookup: o.Lookup) -> str:
    count = len(lookup.records.rdata)
    return f"{owner} has {count} {kind} {'record' if count == 1 else 'records'}, none with"


def _owner(asked: Asked) -> str:
    label = asked.control.dns_change.label
    return f"{label}.{asked.domain}" if label else asked.domain


def _normalise(name: str) -> str:
    return name.lower().removesuffix(".")


def _is_value(text: bytes, parameters: c.DnsChange) -> bool:
    return len(text) == parameters.value_octets and hash_value(text) == parameters.value_sha256


def _read_txt(rdata: bytes, _: c.DnsChange) -> bytes | None:
    return join_strings(rdata)


def _read_caa(rdata: bytes, _: c.DnsChange) -> bytes | None:
    found = read_property(rdata)
    return None if found is None or found.tag in _RESTRICTING else found.value


def _read_cname(rdata: bytes, parameters: c.DnsChange) -> bytes | None:
    """Return what a target has before the caller's zone, in lower case; None: nothing."""
    target = _read_name(rdata)
    if target is None or not parameters.target_zone:
        return target
    zone = f".{parameters.target_zone}".encode()
    return target.removesuffix(zone) if target.endswith(zone) else None


def _read_name(rdata: bytes) -> bytes | None:
    """Return a name that is not compressed (RFC 1035 section 3.1), in lower case.

    None: it is none, or a label has a dot in it, so that it would look like two.
    """
    labels, at = [], 0
    while at < len(rdata) and rdata[at]:
        labels.append(rdata[at + 1 : at + 1 + rdata[at]])
        at += 1 + rdata[at]
    if rdata[at:] != b"\0" or any(b"." in label for label in labels):
        return None
    return b".".join(labels).lower()


_READ: dict[o.RecordType.ValueType, Callable[[bytes, c.DnsChange], bytes | None]] = {
    _TXT: _read_txt,
    _CNAME: _read_cname,
    _CAA: _read_caa,
}
