"""The facts of an answer that sentences are made of: who dissents, and what failed there. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o


class Tally(NamedTuple):
    """The remotes of a name, by what they count for."""

    attempted: int
    corroborating: int
    dissenting: int
    """They replied, or never will. The rest might still have corroborated."""

    @property
    def possible(self) -> int:
        """At most so many can corroborate."""
        return self.attempted - self.dissenting

    def facts(self) -> Mapping[str, int]:
        """Return the numbers by their names in sentences."""
        return {**self._asdict(), "possible": self.possible}


# What says nothing of how a remote would have voted.
_OPEN = (c.DISSENT_NOT_AWAITED, c.DISSENT_OVERLOADED, c.DISSENT_NO_TIME)


def count_remotes(verdict: c.NameVerdict) -> Tally:
    """Count the remotes of a name; without reports, from the quorum alone."""
    remotes = list(remotes_of(verdict))
    corroborating, _, attempted = verdict.quorum.partition("/")
    if not remotes:
        count, of = int(corroborating or 0), int(attempted or 0)
        return Tally(of, count, of - count)
    dissenting = [one for one in remotes if one.dissent and one.dissent not in _OPEN]
    agreed = sum(one.corroborates for one in remotes)
    return Tally(len(remotes), agreed, len(dissenting))


def remotes_of(verdict: c.NameVerdict) -> Iterator[c.PerspectiveReport]:
    """Yield the reports of the remotes."""
    return (one for one in verdict.perspectives if one.role != c.ROLE_PRIMARY)


def primary_of(verdict: c.NameVerdict) -> c.PerspectiveReport:
    """Return the report of the primary; an empty one if there is none."""
    primaries = (one for one in verdict.perspectives if one.role == c.ROLE_PRIMARY)
    return next(primaries, c.PerspectiveReport())


def find_determination(report: c.PerspectiveReport, check: str) -> c.Determination:
    """Return what a check came to at a perspective; an empty one if it is not told."""
    return next((one for one in report.determinations if one.check == check), c.Determination())


# Reasons that say nothing of a name, for coordinators too old to say whose failure it is.
_UNDETERMINED = (c.REASON_PRIMARY_UNAVAILABLE, c.REASON_CUT_SHORT)


def is_determined(refused: c.NameVerdict) -> bool:
    """Whether a refusal says something of the name."""
    if refused.responsible:
        return refused.responsible == c.RESPONSIBLE_DOMAIN
    return refused.reason not in _UNDETERMINED


_PORTS = {"http": 80, "https": 443}


class Failed(NamedTuple):
    """What could not be learned, and where."""

    where: str
    """A name, a URL or a host."""
    failure: o.Failure
    port: int = 0
    """Of a web or TLS server; 0: a lookup failed."""
    servers: tuple[str, ...] = ()
    """The addresses of the name servers that were asked directly."""


def find_failure(report: c.PerspectiveReport, check: str) -> Failed | None:
    """Return the failure by which a check failed at a perspective; None: no failure is told.

    With an empty check it is the first failure of any.
    """
    findings = list(report.observation.findings)
    kinds = [one.WhichOneof("kind") for one in findings]
    if check == "caa":
        findings = [one for one in findings if one.HasField("caa_walk")][:1]
    elif check == "addresses":
        # Its own come before those of domain control, which may ask in the same ways.
        start = kinds.index("addresses") if "addresses" in kinds else len(kinds)
        findings = findings[start : start + 2]
    elif check == "domain_control":
        findings = findings[::-1]
    failures = (one for finding in findings for one in _failures_of(finding))
    return next(failures, None)


def _failures_of(finding: o.Finding) -> Iterator[Failed]:
    """Yield the failures of a finding, the one that decides first."""
    match finding.WhichOneof("kind"):
        case "caa_walk":
            yield from _failed(finding.caa_walk.levels)
        case "addresses":
            yield from _failed([finding.addresses.lookup])
        case "records":
            yield from _failed([finding.records.lookup])
        case "http_get":
            for hop in reversed(finding.http_get.hops):
                if hop.HasField("failure"):
                    yield from _of_kind(hop.failure, hop.connection)
                    port = _PORTS.get(hop.url.partition(":")[0], 0)
                    yield Failed(hop.url, hop.failure, _find_port(hop.connection) or port)
        case "tls_handshake":
            handshake = finding.tls_handshake
            if handshake.HasField("failure"):
                hosts = [one.name for one in handshake.connection.lookups]
                yield from _of_kind(handshake.failure, handshake.connection)
                port = _find_port(handshake.connection) or _PORTS["https"]
                yield Failed(next(iter(hosts), ""), handshake.failure, port)
        case "not_run":
            yield Failed("", finding.not_run)


def _failed(lookups: Iterable[o.Lookup]) -> Iterator[Failed]:
    return (
        Failed(one.name, one.failure, servers=tuple(_find_servers(one)))
        for one in lookups
        if one.HasField("failure")
    )


def _find_servers(lookup: o.Lookup) -> Iterable[str]:
    return dict.fromkeys(one.address for one in lookup.diagnosis.servers)


def _find_port(connection: o.Connection) -> int:
    return next((one.port for one in reversed(connection.dialed)), 0)


def _of_kind(failure: o.Failure, connection: o.Connection) -> Iterator[Failed]:
    """Yield the lookup that a failure to connect comes from: it says more."""
    return (one for one in _failed(connection.lookups) if one.failure.kind == failure.kind)


def find_lookups(findings: Iterable[o.Finding]) -> Iterator[o.Lookup]:
    """Yield the lookups of findings, whatever their kind."""
    for finding in findings:
        yield from finding.caa_walk.levels
        for one in (finding.addresses, finding.records):
            if one.HasField("lookup"):
                yield one.lookup
        yield from finding.tls_handshake.connection.lookups
        for hop in finding.http_get.hops:
            yield from hop.connection.lookups


def find_addresses(report: c.PerspectiveReport) -> o.Lookup | None:
    """Return the A lookup of the check `addresses`; None: it is not told."""
    for finding in report.observation.findings:
        if finding.HasField("addresses"):
            return finding.addresses.lookup
    return None


def find_relevant_set(report: c.PerspectiveReport) -> o.Lookup | None:
    """Return the lookup that found the relevant CAA record set; None: it is not told."""
    for finding in report.observation.findings:
        levels = finding.caa_walk.levels
        if levels and levels[-1].HasField("records"):
            return levels[-1]
    return None


def find_looked_at(report: c.PerspectiveReport) -> str:
    """Return the name or URL that a proof of control was looked for at; "" if it is not told."""
    for finding in reversed(report.observation.findings):
        if finding.HasField("records"):
            return finding.records.lookup.name
        if finding.http_get.hops:
            return finding.http_get.hops[-1].url
    return ""


def find_status(report: c.PerspectiveReport) -> int:
    """Return the status of the last answer of a web server; 0: there is none."""
    hops = [hop for one in report.observation.findings for hop in one.http_get.hops]
    return next((one.response.status for one in reversed(hops) if one.HasField("response")), 0)
