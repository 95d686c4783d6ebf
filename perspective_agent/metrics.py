"""What an agent exports: questions, its DNS queries, its link to the resolver, validation."""

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import product

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from mpic.runtime.metrics import ProgramMetrics
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p
from perspective_agent.dns.wire import DS
from perspective_agent.servicer import ResolverState, StreamLoad

# The probe asks for SOA, and its canary has to be bogus. A proof needs DS.
_TYPES: dict[int, str] = {
    number: name.removeprefix("RECORD_TYPE_") for name, number in o.RecordType.items() if number
} | {6: "SOA", DS: "DS"}

_Outcome = tuple[str, int]
_RECORDS: _Outcome = ("records", 0)
_OUTCOMES: dict[_Outcome, str] = {
    _RECORDS: "records",
    **{
        ("absence", number): name.removeprefix("ABSENCE_").lower()
        for name, number in o.Absence.items()
        if number
    },
    **{
        ("failure", number): name.removeprefix("FAILURE_KIND_").lower()
        for name, number in o.FailureKind.items()
        if number
    },
}
_FAILURES = {kind: outcome for (what, kind), outcome in _OUTCOMES.items() if what == "failure"}
_OPENED = "opened"
_FAMILIES = {4: "ipv4", 16: "ipv6"}
"""By the octets of an address."""
_OTHER_PORT = "other"
_PORTS = ("80", "443", _OTHER_PORT)
_LOOKS = {"HttpFinding": "http_get", "TlsFinding": "tls_handshake"}
_DONE = "done"
_LOOKED = {True: "looked", False: "not_looked"}


class _ConnectionMetrics:
    """The counters of what was dialled, and of GETs and handshakes."""

    def __init__(self, program: ProgramMetrics) -> None:
        self._dials = program.counter(
            "mpic_agent_dials",
            "Addresses dialled for HTTP and TLS, by family, port and outcome.",
            "family",
            "port",
            "outcome",
        )
        self._looks = program.counter(
            "mpic_agent_looks",
            "HTTP GETs and TLS handshakes by outcome; done: a server responded.",
            "check",
            "outcome",
        )
        self._look_seconds = program.seconds(
            "mpic_agent_look_duration_seconds",
            "From the first lookup of an HTTP GET or TLS handshake until it ended.",
            "check",
        )
        ways_out = product(_FAMILIES.values(), _PORTS)
        for way_out, of_dial in product(ways_out, (_OPENED, *_FAILURES.values())):
            self._dials.labels(*way_out, of_dial)
        for look, of_look in product(_LOOKS.values(), (_DONE, *_FAILURES.values())):
            self._looks.labels(look, of_look)
            self._look_seconds.labels(look)

    def count_dial(self, dialed: o.DialedAddress) -> None:
        """Count an address that was dialled."""
        outcome = _name_failure(dialed.failure) if dialed.HasField("failure") else _OPENED
        port = str(dialed.port) if str(dialed.port) in _PORTS else _OTHER_PORT
        self._dials.labels(_FAMILIES[len(dialed.address)], port, outcome).inc()

    def count_look(self, finding: o.HttpFinding | o.TlsFinding, seconds: float) -> None:
        """Count an HTTP GET or a TLS handshake that has ended."""
        look = _LOOKS[finding.DESCRIPTOR.name]
        end = finding.hops[-1] if isinstance(finding, o.HttpFinding) else finding
        outcome = _name_failure(end.failure) if end.HasField("failure") else _DONE
        self._looks.labels(look, outcome).inc()
        self._look_seconds.labels(look).observe(seconds)


class AgentMetrics:
    """The counters of one agent."""

    def __init__(self, program: ProgramMetrics) -> None:
        """Start everything at 0."""
        self._registry = program.registry
        queries = program.counter(
            "mpic_dns_queries",
            "Lookups by type and outcome. SOA lookups are the probe's; its canary is bogus.",
            "type",
            "outcome",
        )
        retries = program.counter(
            "mpic_dns_retries",
            "Lookups repeated because the resolver failed.",
            "type",
        )
        query_seconds = program.seconds(
            "mpic_dns_query_duration_seconds",
            "From asking the resolver until its answer, retries included.",
            "type",
        )
        questions = program.counter(
            "mpic_agent_questions",
            "Questions answered; not looked: the resolver does not validate, or too much load.",
            "outcome",
        )
        self._question_seconds = program.seconds(
            "mpic_agent_question_duration_seconds",
            "From question to observation.",
        )
        # What counts is looked up once.
        self._query = cache(lambda rdtype, outcome: queries.labels(*_show(rdtype, outcome)))
        self._retry = cache(lambda rdtype: retries.labels(*_show(rdtype)))
        self._query_seconds = cache(lambda rdtype: query_seconds.labels(*_show(rdtype)))
        self._questions = {looked: questions.labels(name) for looked, name in _LOOKED.items()}
        for rdtype in _TYPES:
            self._retry(rdtype)
            self._query_seconds(rdtype)
        for rdtype, outcome in product(_TYPES, _OUTCOMES):
            self._query(rdtype, outcome)
        self._connections = _ConnectionMetrics(program)

    def count_lookup(self, rdtype: int, answer: o.Lookup, elapsed_us: int) -> None:
        """Count a lookup that is done with; `tries` says how often the resolver was asked."""
        self._query(rdtype, _name_outcome(answer)).inc()
        self._query_seconds(rdtype).observe(elapsed_us / 1e6)
        if answer.tries > 1:
            self._retry(rdtype).inc(answer.tries - 1)

    def count_dial(self, dialed: o.DialedAddress) -> None:
        """Count an address that was dialled."""
        self._connections.count_dial(dialed)

    def count_look(self, finding: o.HttpFinding | o.TlsFinding, seconds: float) -> None:
        """Count an HTTP GET or a TLS handshake that has ended."""
        self._connections.count_look(finding, seconds)

    def count_observation(self, observation: p.EncodedObservation, *, looked: bool) -> None:
        """Count an observation on its way to a coordinator."""
        self._questions[looked].inc()
        if looked:
            self._question_seconds.observe(observation.elapsed_us / 1e6)

    def read_at_scrape(self, resolver: ResolverState, load: Callable[[], StreamLoad]) -> None:
        """Export also the state of the resolver's link, of validation and of the streams."""
        self._registry.register(_State(resolver, load))


def _show(rdtype: int, *outcomes: _Outcome) -> list[str]:
    """Return the values of labels; an unknown value is shown as it is."""
    shown = [_OUTCOMES.get(outcome, str(outcome)) for outcome in outcomes]
    return [_TYPES.get(rdtype, str(rdtype)), *shown]


def _name_outcome(answer: o.Lookup) -> _Outcome:
    match answer.WhichOneof("result"):
        case "absence":
            return "absence", answer.absence
        case "failure":
            return "failure", answer.failure.kind
    return _RECORDS


def _name_failure(failure: o.Failure) -> str:
    return _FAILURES.get(failure.kind, str(failure.kind))


class _State(Collector):
    """What is known without counting."""

    def __init__(self, resolver: ResolverState, load: Callable[[], StreamLoad]) -> None:
        self._resolver, self._load = resolver, load

    def collect(self) -> Iterable[Metric]:
        for name, documentation, value in self._gauges():
            yield GaugeMetricFamily(name, documentation, value=value)
        yield CounterMetricFamily(
            "mpic_resolver_connections_opened",
            "Connections opened to the resolver; a steady rise: it closes or loses them.",
            value=self._resolver.link.opened,
        )

    def _gauges(self) -> Sequence[tuple[str, str, float]]:
        link, probe, load = self._resolver.link, self._resolver.probe, self._load()
        return (
            (
                "mpic_dns_queries_in_flight",
                "Lookups that the resolver has not answered.",
                link.in_flight,
            ),
            (
                "mpic_resolver_connections",
                "Connections to the resolver that are open.",
                link.connections,
            ),
            (
                "mpic_resolver_validates",
                "1 if the resolver was last shown to validate DNSSEC.",
                probe.validates,
            ),
            (
                "mpic_resolver_probe_timestamp_seconds",
                "When that was last looked at.",
                probe.ended_at.timestamp(),
            ),
            ("mpic_agent_streams", "Coordinators' streams that are open.", load.streams),
            ("mpic_agent_questions_in_flight", "Questions being looked up.", load.questions),
            ("mpic_agent_queue_depth", "Observations that wait to be sent.", load.waiting),
            (
                "mpic_agent_questions_limit",
                "Questions that may be looked up at a time; what is beyond is refused.",
                load.limit,
            ),
            (
                "mpic_agent_strained",
                "1 if the agent or its resolver did not keep up with its work a moment ago.",
                link.overload_history.is_on,
            ),
        )
