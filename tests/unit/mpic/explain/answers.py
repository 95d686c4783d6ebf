"""Answers as the service gives them, to be explained."""

from collections.abc import Sequence

from mpic.caa_record import present
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o

NAME, ZONE = "www.example.ac.jp", "example.ac.jp"
PRIMARY, REMOTES = "tokyo", ("frankfurt", "ashburn", "sao-paulo", "nairobi", "singapore")
REGIONS = (o.RIR_APNIC, o.RIR_RIPE, o.RIR_ARIN, o.RIR_LACNIC, o.RIR_AFRINIC, o.RIR_APNIC)
ISSUER = "ca.example.test"
TOKEN = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"  # noqa: S105 - of RFC 8555


OUTCOMES = {
    c.REASON_PRIMARY_FORBIDS: c.OUTCOME_FORBIDDEN,
    c.REASON_PRIMARY_FAILED: c.OUTCOME_FAILED,
    c.REASON_PROOF_MISSING: c.OUTCOME_PROOF_MISSING,
}


def address_of(*octets: Sequence[int]) -> o.Finding:
    records = o.RecordSet(owner=NAME, ttl=60, rdata=[bytes(one) for one in octets])
    lookup = o.Lookup(name=NAME, dnssec=o.DNSSEC_INSECURE)
    if octets:
        lookup.records.CopyFrom(records)
    else:
        lookup.absence = o.ABSENCE_NO_DATA
    return o.Finding(addresses=o.AddressFinding(lookup=lookup))


def walk_of(*levels: o.Lookup) -> o.Finding:
    return o.Finding(caa_walk=o.CaaFinding(levels=levels))


def absent(name: str) -> o.Lookup:
    return o.Lookup(name=name, absence=o.ABSENCE_NO_DATA, dnssec=o.DNSSEC_INSECURE)


def failing(name: str, failure: o.Failure) -> o.Lookup:
    return o.Lookup(name=name, failure=failure, dnssec=o.DNSSEC_INDETERMINATE)


def records_at(name: str, *values: bytes) -> o.Lookup:
    records = o.RecordSet(owner=name, ttl=60, rdata=values)
    return o.Lookup(name=name, records=records, dnssec=o.DNSSEC_SECURE)


NO_CAA = walk_of(absent(NAME), absent(ZONE), absent("ac.jp"), absent("jp"))
HERE = address_of((203, 0, 113, 100))
ELSEWHERE = address_of((203, 0, 113, 66))


def report(
    who: str,
    findings: Sequence[o.Finding] = (NO_CAA, HERE),
    dissent: c.Dissent.ValueType = c.DISSENT_UNSPECIFIED,
    check: str = "",
) -> c.PerspectiveReport:
    told = c.PerspectiveReport(perspective_id=who, dissent=dissent, check=check)
    told.role = c.ROLE_PRIMARY if who == PRIMARY else c.ROLE_REMOTE
    told.rir = REGIONS[(PRIMARY, *REMOTES).index(who)]
    told.corroborates = not dissent
    if findings:
        told.observation.name = NAME
        told.observation.findings.extend(findings)
        told.elapsed.FromMilliseconds(20)
    return told


def verdict(
    reason: c.Reason.ValueType, reports: Sequence[c.PerspectiveReport], check: str = ""
) -> c.NameVerdict:
    remotes = [one for one in reports if one.role == c.ROLE_REMOTE]
    told = c.NameVerdict(name=NAME, looked_up=NAME, reason=reason, required=4, check=check)
    for kind in ("caa", "addresses"):
        told.corroborations.add(check=kind, quorum="0/5" if kind == check else "5/5")
        primarys = told.determinations.add(check=kind, outcome=c.OUTCOME_PASSED)
        if kind == check:
            primarys.outcome = OUTCOMES.get(reason, c.OUTCOME_PASSED)
    told.quorum = f"{sum(one.corroborates for one in remotes)}/{len(remotes)}"
    told.perspectives.extend(reports)
    told.checks.add().caa.issuer_domains.append(ISSUER)
    told.checks.add().addresses.agreement = c.ADDRESS_AGREEMENT_EXACT
    if reason == c.REASON_CORROBORATED:
        told.approved = True
    else:
        told.responsible, told.retry = c.RESPONSIBLE_DOMAIN, c.RETRY_LATER
    if reason in (c.REASON_QUORUM_NOT_MET, c.REASON_REGIONS_NOT_MET, c.REASON_TOO_FEW_REMOTES):
        told.error.code = 338
    return told


def answer(*names: c.NameVerdict) -> c.CorroborateResponse:
    told = c.CorroborateResponse(request_id="order-17", names=names, issuer_domains=[ISSUER])
    told.record_id = "019ad2b4-0000-7000-8000-00c0ffee0000"
    told.approved = told.corroborated = all(one.approved for one in names)
    told.asked_at.FromSeconds(1_796_000_000)
    told.decided_at.FromSeconds(1_796_000_001)
    told.policy.effective_from.FromSeconds(1_781_481_600)
    for one in names:
        if one.HasField("error"):
            told.error.CopyFrom(one.error)
    return told


def led_astray() -> c.CorroborateResponse:
    """Error 338: two remotes see another address."""
    reports = [report(PRIMARY)]
    for who in REMOTES:
        if who in {"frankfurt", "ashburn"}:
            reports.append(report(who, (NO_CAA, ELSEWHERE), c.DISSENT_DIFFERS, "addresses"))
        else:
            reports.append(report(who))
    return answer(verdict(c.REASON_QUORUM_NOT_MET, reports))


def forbidden(value: bytes = b"\x00\x05issueother.example") -> c.CorroborateResponse:
    """The CAA record of the zone names another CA."""
    walk = walk_of(absent(NAME), records_at(ZONE, value))
    reports = [report(who, (walk, HERE), c.DISSENT_FORBIDS, "caa") for who in (PRIMARY, *REMOTES)]
    for one in reports:
        one.determinations.add(
            check="caa",
            outcome=c.OUTCOME_FORBIDDEN,
            clause="RFC 8659 section 4.2",
            found_at=ZONE,
            record=present(value),
        )
    told = verdict(c.REASON_PRIMARY_FORBIDS, reports, "caa")
    told.retry = c.RETRY_AFTER_CHANGE
    return answer(told)


def failed(
    failure: o.Failure, reason: c.Reason.ValueType = c.REASON_PRIMARY_FAILED
) -> c.CorroborateResponse:
    """The lookup of CAA fails at all perspectives, or for 338 only at the first two remotes."""
    walk = walk_of(failing(NAME, failure))
    failing_at = (PRIMARY, *REMOTES) if reason == c.REASON_PRIMARY_FAILED else REMOTES[:2]
    reports = [
        report(who, (walk, HERE), c.DISSENT_FAILED, "caa") if who in failing_at else report(who)
        for who in (PRIMARY, *REMOTES)
    ]
    return answer(verdict(reason, reports, "caa"))


def approved() -> c.CorroborateResponse:
    reports = [report(who) for who in (PRIMARY, *REMOTES)]
    told = answer(verdict(c.REASON_CORROBORATED, reports))
    told.caa_usable_until.FromSeconds(1_796_028_800)
    return told


def token_not_found() -> c.CorroborateResponse:
    """Two remotes get status 404 instead of the file of http-01."""
    url = f"http://{NAME}/.well-known/acme-challenge/{TOKEN}"
    found, missing = o.Finding(), o.Finding()
    for finding, status in ((found, 200), (missing, 404)):
        hop = finding.http_get.hops.add(url=url)
        hop.response.status = status
        hop.response.body = b"not found" if status == 404 else TOKEN.encode()
    reports = [report(who, (NO_CAA, HERE, found)) for who in (PRIMARY, *REMOTES)]
    for one in reports:
        passed = one.determinations.add(check="domain_control", outcome=c.OUTCOME_PASSED)
        passed.clause, passed.found_at = "BR 3.2.2.4.19, RFC 8555 section 8.3", url
    for one in reports[2:4]:
        who = one.perspective_id
        findings = (NO_CAA, HERE, missing)
        one.CopyFrom(report(who, findings, c.DISSENT_PROOF_MISSING, "domain_control"))
        told = one.determinations.add(check="domain_control", outcome=c.OUTCOME_PROOF_MISSING)
        told.clause, told.found_at, told.fault = "BR 3.2.2.4.19", url, c.PROOF_FAULT_HTTP_STATUS
    decided = verdict(c.REASON_QUORUM_NOT_MET, reports)
    control = decided.checks.add().domain_control.control
    control.authorization_domain_name, control.acme_http_01.token = NAME, TOKEN
    decided.corroborations.add(check="domain_control", quorum="3/5")
    decided.determinations.add(check="domain_control", outcome=c.OUTCOME_PASSED)
    return answer(decided)
