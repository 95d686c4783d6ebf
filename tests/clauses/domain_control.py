"""Rows of records and of what is asked about them, judged without a server or by any service.

A row's records stand below an origin of its own. So all rows fit into one zone, and none sees the
records of another.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import dns.name
import dns.rdatatype
import dns.zone

from coordinator.checks.caa.issuer import Issuer
from coordinator.checks.check import VALIDATED, CheckSubject, Findings, Judgement, JudgingRules
from coordinator.checks.domain_control.check import DomainControlJudge
from coordinator.rules.policy import Policy
from coordinator.rules.quorum import AttemptRules
from mpic.names import is_owner, parse_name, walk_levels
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p
from tests.world.samples import ISSUER, NOVEMBER
from tests.world.zones import TABLES

JUDGE = DomainControlJudge()
ISSUERS = Issuer(frozenset({ISSUER, "another-ca.test"}))
PASSED, MISSING, FAILED = "passed", "proof missing", "failed"
_ALIASES = 8


@dataclass(frozen=True, slots=True)
class Row:
    """Records, what is asked, and what comes of it at one perspective."""

    clause: str
    records: str
    """Zone file lines below the row's origin; "@" is the origin, which "www" is below."""
    asked: c.DomainControl
    expected: str = PASSED
    name: str = "www"
    """The name applied for: "@", "*", "www", "*.www"."""
    domain: str = ""
    """The authorization domain name below the origin; empty: it is not given."""
    origin: str = ""
    only_here: bool = False
    """It depends on the moment or the issuers of the judge here, or no server serves it."""


def place(prefix: str, rows: Sequence[Row]) -> Sequence[Row]:
    """Give each row an origin of its own."""
    return [
        replace(row, origin=f"{prefix}{number}.{TABLES.name}") for number, row in enumerate(rows)
    ]


def write_zone(row: Row) -> str:
    """Return the lines of a row for a zone file."""
    return f"$ORIGIN {row.origin}.\n{row.records}\n" if row.records else ""


def make_requested(row: Row, created_at: datetime) -> c.RequestedName:
    """Return what a caller says of a row's name."""
    requested = c.RequestedName(name=_below(row.name, row.origin), domain_control=row.asked)
    control = requested.domain_control
    if row.domain:
        control.authorization_domain_name = _below(row.domain, row.origin)
    if not control.HasField("challenge_created_at"):
        control.challenge_created_at.FromDatetime(created_at)
    return requested


def request(requested: c.RequestedName, at: datetime = NOVEMBER) -> c.RequestedCheck:
    """Return the check that is asked of a name; raises ParameterError."""
    name = parse_name(requested.name)
    subject = CheckSubject(name, requested, c.CorroborateRequest(names=[requested]), at)
    rules = JudgingRules(ISSUERS, AttemptRules(Policy().row_at(NOVEMBER), 5))
    check = JUDGE.request(subject, rules)
    JUDGE.apply_rules(check, rules)
    return check


def judge(row: Row, at: datetime = NOVEMBER) -> Judgement:
    """Judge what a perspective sees that looks at nothing but a row's records."""
    requested = make_requested(row, at - timedelta(days=1))
    check = request(requested, at)
    looked_up = parse_name(requested.name).looked_up
    return JUDGE.judge(look(check, looked_up, write_zone(row)), looked_up, check, VALIDATED)


def outcome_of(judgement: Judgement) -> str:
    """Return the outcome in the words of the rows."""
    return c.Outcome.Name(judgement.outcome).removeprefix("OUTCOME_").lower().replace("_", " ")


def look(check: c.RequestedCheck, looked_up: str, zone: str) -> Findings:
    """Return what an agent finds that sees the zone."""
    zones = dns.zone.from_text(
        f"$TTL 300\n{zone}", origin=".", check_origin=False, relativize=False
    )
    return [_find(question, looked_up, zones) for question in JUDGE.questions(check, looked_up)]


def _find(question: p.Check, looked_up: str, zones: Any) -> o.Finding:  # noqa: ANN401 - dnspython's own
    if question.HasField("records"):
        rdtype = question.records.type
        lookup = look_up(question.records.owner, rdtype, zones)
        return o.Finding(records=o.RecordsFinding(type=rdtype, lookup=lookup))
    levels = []
    for level in walk_levels(question.caa_walk.owner or looked_up):
        levels.append(look_up(level, o.RECORD_TYPE_CAA, zones))
        if not levels[-1].HasField("absence"):
            break
    return o.Finding(caa_walk=o.CaaFinding(levels=levels))


def look_up(owner: str, rdtype: o.RecordType.ValueType, zones: Any) -> o.Lookup:  # noqa: ANN401
    """Return a set of the zone, as a validating resolver gives it."""
    assert is_owner(owner), owner  # or no agent looks it up
    lookup = o.Lookup(name=owner, dnssec=o.DNSSEC_SECURE, tries=1)
    at = owner
    while rdtype != o.RECORD_TYPE_CNAME and len(lookup.aliases) < _ALIASES:
        found = zones.get_rdataset(f"{at}.", "CNAME")
        if found is None:
            break
        target = found[0].target.to_text(omit_final_dot=True)
        lookup.aliases.add(owner=at, target=target, ttl=found.ttl)
        at = target
    if len(lookup.aliases) == _ALIASES:
        lookup.failure.CopyFrom(o.Failure(kind=o.FAILURE_KIND_ALIAS, detail="aliases in a loop"))
        lookup.dnssec = o.DNSSEC_INDETERMINATE
        return lookup
    found = zones.get_rdataset(f"{at}.", dns.rdatatype.RdataType(int(rdtype)))
    if found is not None:
        wires = [one.to_wire() for one in found]
        lookup.records.CopyFrom(o.RecordSet(owner=at, ttl=found.ttl, rdata=wires))
        return lookup
    here = dns.name.from_text(at)
    exists = any(name.is_subdomain(here) for name in zones.nodes)
    lookup.absence = o.ABSENCE_NO_DATA if exists else o.ABSENCE_NAME_ERROR
    return lookup


def _below(relative: str, origin: str) -> str:
    if "@" in relative:
        return relative.replace("@", origin)
    return f"{relative}.{origin}"
