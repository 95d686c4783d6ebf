"""Sample values for tests of pure rules: a roster, observations, replies."""

from collections.abc import Sequence
from datetime import UTC, datetime

from coordinator.checks import request_checks
from coordinator.checks.caa.issuer import Issuer
from coordinator.checks.check import CheckSubject, JudgingRules
from coordinator.decision.request import AskedName, IssuanceRequest
from coordinator.decision.vote import Reply
from coordinator.rules.policy import Policy
from coordinator.rules.quorum import AttemptRules
from coordinator.rules.roster import Location, Perspective, Roster
from mpic.names import Name
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p
from tests.world.places import PLACES, Place

NAME = "child.parent.example.co.jp"
LEVELS = (NAME, "parent.example.co.jp", "example.co.jp", "co.jp", "jp")
ISSUER = "ca.example.test"
ADDRESS = bytes([203, 0, 113, 100])
NOVEMBER = datetime(2026, 11, 23, tzinfo=UTC)


def subject(*, wildcard: bool = False, account_uri: str = "", method: str = "") -> CheckSubject:
    """Return what a caller says of NAME, or of the wildcard below it."""
    text = f"*.{NAME}" if wildcard else NAME
    requested = c.RequestedName(name=text, validation_method=method)
    request = c.CorroborateRequest(request_id="r-1", names=[requested], account_uri=account_uri)
    return CheckSubject(Name(text, NAME, wildcard), requested, request, NOVEMBER)


def perspective(place: Place) -> Perspective:
    """Return the perspective at a place; the first place is the primary's."""
    role = c.ROLE_PRIMARY if place is PLACES[0] else c.ROLE_REMOTE
    where = Location(place.latitude, place.longitude)
    rir = o.Rir.Value(f"RIR_{place.rir}")
    return Perspective(place.id, role, rir, f"{place.id}.test:7310", place.id, where, where)


WORLD = Roster(perspective(PLACES[0]), [perspective(place) for place in PLACES[1:6]])
RULES = AttemptRules(Policy().row_at(NOVEMBER), len(WORLD.remotes))
JUDGING = JudgingRules(Issuer(frozenset({ISSUER})), RULES)
SUBJECT = subject()


def asked_name(about: CheckSubject = SUBJECT, rules: JudgingRules = JUDGING) -> AskedName:
    """Return what is asked about NAME, or about the wildcard below it."""
    return AskedName(about.name.asked, NAME, request_checks(about, rules))


def issuance_request(
    *names: AskedName, rules: AttemptRules = RULES, dry_run: bool = False
) -> IssuanceRequest:
    """Return a checked request for these names; without any, for NAME."""
    return IssuanceRequest("r-1", "", names or (asked_name(),), rules, None, dry_run, linger=0)


def caa(*rdata: bytes) -> o.Finding:
    """Return a CAA walk that found these records at NAME, or none up to the top."""
    if rdata:
        records = o.RecordSet(owner=NAME, ttl=60, rdata=rdata)
        levels = [o.Lookup(name=NAME, records=records, dnssec=o.DNSSEC_SECURE)]
    else:
        levels = [
            o.Lookup(name=level, absence=o.ABSENCE_NO_DATA, dnssec=o.DNSSEC_SECURE)
            for level in LEVELS
        ]
    return o.Finding(caa_walk=o.CaaFinding(levels=levels))


def addresses(*rdata: bytes) -> o.Finding:
    """Return an address finding with these addresses, or none."""
    lookup = o.Lookup(name=NAME, dnssec=o.DNSSEC_SECURE)
    if rdata:
        lookup.records.CopyFrom(o.RecordSet(owner=NAME, ttl=60, rdata=rdata))
    else:
        lookup.absence = o.ABSENCE_NO_DATA
    return o.Finding(addresses=o.AddressFinding(lookup=lookup))


def failed_addresses(detail: str = "the resolver answered SERVFAIL") -> o.Finding:
    """Return an address finding that failed."""
    failure = o.Failure(kind=o.FAILURE_KIND_SERVFAIL, detail=detail)
    lookup = o.Lookup(name=NAME, failure=failure, dnssec=o.DNSSEC_INDETERMINATE)
    return o.Finding(addresses=o.AddressFinding(lookup=lookup))


def failed_caa(level: str = NAME) -> o.Finding:
    """Return a CAA walk that failed at a level."""
    finding = caa()
    below = LEVELS.index(level)
    del finding.caa_walk.levels[below + 1 :]
    failure = o.Failure(kind=o.FAILURE_KIND_SERVFAIL, detail="the resolver answered SERVFAIL")
    last = finding.caa_walk.levels[below]
    last.failure.CopyFrom(failure)
    last.dnssec = o.DNSSEC_INDETERMINATE
    return finding


def reply(who: Perspective, findings: Sequence[o.Finding] | None = None) -> Reply:
    """Return a reply with these findings; without any, the ordinary ones."""
    findings = (caa(), addresses(ADDRESS)) if findings is None else findings
    return Reply(who, encode(o.Observation(name=NAME, findings=findings)), 0.01)


def encode(observation: o.Observation) -> p.EncodedObservation:
    """Return an observation as an agent sends it."""
    return p.EncodedObservation(question_id=1, observation=observation.SerializeToString())
