"""An answer about three names, as the tests of what is printed need it."""

from collections.abc import Sequence

from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o

CHILD, ALIAS, LAME = "child.example.co.jp", "www.example.co.jp", "blog.example.ac.jp"
IDS = ("tokyo", "frankfurt", "ashburn", "sao-paulo", "nairobi", "singapore")
_HERE, _ELSEWHERE = bytes([203, 0, 113, 100]), bytes([203, 0, 113, 66])
_CHECKS = (
    c.RequestedCheck(caa=c.RequestedCaa(issuer_domains=["ca.example.test"])),
    c.RequestedCheck(addresses=c.RequestedAddresses()),
)
_DIFFERS = "sees 203.0.113.66 where the primary sees 203.0.113.100"
_REFUSES = (
    f"the CAA lookup of {LAME} failed (SERVFAIL): the resolver answered SERVFAIL: all servers for"
    " this domain failed, at zone example.ac.jp. from 203.0.113.53 got REFUSED"
)


def answer() -> c.CorroborateResponse:
    """Return it: one name is refused by the primary, one by the quorum, and one is approved."""
    told = c.CorroborateResponse(
        request_id="order-17", record_id="019ad2b4-0000-7000-8000-00c0ffee"
    )
    told.names.extend([_refused_by_quorum(), _refused_by_primary(), _approved()])
    told.error.code = 338
    told.policy.effective_from.FromJsonString("2026-06-15T00:00:00Z")
    return told


def _approved() -> c.NameVerdict:
    seen = [_walk(CHILD, "jp"), _address(CHILD, _HERE)]
    told = _verdict(CHILD, c.REASON_CORROBORATED, "5/5", [_report(who, seen) for who in IDS])
    told.approved = True
    told.detail = "the primary permits and 5 of 5 remote perspectives corroborate; 4 are needed"
    return told


def _refused_by_quorum() -> c.NameVerdict:
    """Two remotes are led astray, and the other three were not awaited."""
    seen = [_walk(ALIAS, "jp"), _address(ALIAS, _HERE, "web.example.net")]
    led = [_walk(ALIAS, "jp"), _address(ALIAS, _ELSEWHERE, "web.example.net")]
    reports = [_report(IDS[0], seen)]
    reports += [_report(who, led, c.DISSENT_DIFFERS, _DIFFERS, "addresses") for who in IDS[1:3]]
    late = "had not answered when the verdict was certain; nobody waited"
    reports += [_report(who, [], c.DISSENT_NOT_AWAITED, late) for who in IDS[3:]]
    told = _verdict(ALIAS, c.REASON_QUORUM_NOT_MET, "0/5", reports)
    told.responsible, told.retry = c.RESPONSIBLE_DOMAIN, c.RETRY_LATER
    told.error.code = 338
    told.detail = "2 dissent, so at most 3 of 5 remote perspectives can corroborate, 4 are needed"
    return told


def _refused_by_primary() -> c.NameVerdict:
    failure = o.Failure(kind=o.FAILURE_KIND_SERVFAIL, cause=o.FAILURE_CAUSE_REFUSED)
    failure.zone = "example.ac.jp"
    lookup = o.Lookup(name=LAME, failure=failure, dnssec=o.DNSSEC_INDETERMINATE)
    seen = [
        o.Finding(caa_walk=o.CaaFinding(levels=[lookup])),
        o.Finding(addresses=o.AddressFinding(lookup=lookup)),
    ]
    reports = [_report(IDS[0], seen, c.DISSENT_FAILED, _REFUSES, "caa")]
    told = _verdict(LAME, c.REASON_PRIMARY_FAILED, "0/5", reports)
    told.responsible, told.check = c.RESPONSIBLE_DOMAIN, "caa"
    told.retry = c.RETRY_AFTER_CHANGE
    told.detail = f"the primary perspective: {_REFUSES}"
    return told


def _verdict(
    name: str,
    reason: c.Reason.ValueType,
    quorum: str,
    reports: Sequence[c.PerspectiveReport],
) -> c.NameVerdict:
    return c.NameVerdict(
        name=name,
        looked_up=name,
        reason=reason,
        quorum=quorum,
        required=4,
        checks=_CHECKS,
        perspectives=reports,
    )


def _report(
    who: str,
    seen: Sequence[o.Finding],
    dissent: c.Dissent.ValueType = c.DISSENT_UNSPECIFIED,
    detail: str = "",
    check: str = "",
) -> c.PerspectiveReport:
    report = c.PerspectiveReport(perspective_id=who, dissent=dissent, detail=detail, check=check)
    report.role = c.ROLE_PRIMARY if who == IDS[0] else c.ROLE_REMOTE
    report.rir = o.RIR_APNIC if who == IDS[0] else o.RIR_RIPE
    report.corroborates = not dissent
    if seen:
        report.observation.findings.extend(seen)
        report.elapsed.FromMilliseconds(10 + 7 * IDS.index(who))
        report.resolver.software, report.resolver.address = "Unbound 1.17.1", "127.0.0.1:5300"
        report.resolver.transport = "tcp"
    return report


def _walk(name: str, top: str) -> o.Finding:
    absences = [
        o.Lookup(name=level, absence=o.ABSENCE_NO_DATA, dnssec=o.DNSSEC_SECURE)
        for level in (name, top)
    ]
    return o.Finding(caa_walk=o.CaaFinding(levels=absences))


def _address(name: str, address: bytes, target: str = "") -> o.Finding:
    records = o.RecordSet(owner=target or name, ttl=60, rdata=[address])
    lookup = o.Lookup(name=name, records=records, dnssec=o.DNSSEC_SECURE)
    if target:
        lookup.aliases.add(owner=name, target=target)
    return o.Finding(addresses=o.AddressFinding(lookup=lookup))
