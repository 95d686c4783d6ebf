"""What an agent counts: each thing once, under names that are there from the start."""

import ipaddress

import pytest

from mpic.runtime.metrics import ProgramMetrics
from mpic.v1 import observation_pb2 as o
from perspective_agent.dns.wire import DS, failed
from perspective_agent.metrics import AgentMetrics


@pytest.fixture
def program() -> ProgramMetrics:
    return ProgramMetrics("agent")


@pytest.fixture
def metrics(program: ProgramMetrics) -> AgentMetrics:
    return AgentMetrics(program)


def counted(program: ProgramMetrics, name: str) -> dict[tuple[str, ...], float]:
    """The samples of a counter that are not 0, by the values of their labels."""
    return {
        tuple(sample.labels.values()): sample.value
        for metric in program.registry.collect()
        for sample in metric.samples
        if sample.name == f"{name}_total" and sample.value
    }


def labels_of(program: ProgramMetrics, name: str, label: str) -> set[str]:
    return {
        sample.labels[label]
        for metric in program.registry.collect()
        for sample in metric.samples
        if sample.name == f"{name}_total"
    }


def test_every_type_that_is_looked_up_has_a_name(
    program: ProgramMetrics, metrics: AgentMetrics
) -> None:
    names = {name.removeprefix("RECORD_TYPE_") for name in o.RecordType.keys()[1:]}
    assert labels_of(program, "mpic_dns_queries", "type") == names | {"DS", "SOA"}
    for rdtype in (o.RECORD_TYPE_TXT, DS):
        late = failed("x.example", o.FAILURE_KIND_TIMEOUT, "")
        late.tries = 2
        metrics.count_lookup(rdtype, late, 5)
    assert counted(program, "mpic_dns_queries") == {("TXT", "timeout"): 1, ("DS", "timeout"): 1}
    assert counted(program, "mpic_dns_retries") == {("TXT",): 1, ("DS",): 1}


def dialed(address: str, port: int, failure: str = "") -> o.DialedAddress:
    one = o.DialedAddress(address=ipaddress.ip_address(address).packed, port=port)
    if failure:
        one.failure.kind = o.FailureKind.Value(f"FAILURE_KIND_{failure}")
    return one


@pytest.mark.parametrize(
    ("one", "labels"),
    [
        (dialed("192.0.2.1", 80), ("ipv4", "80", "opened")),
        (dialed("2001:db8::1", 443), ("ipv6", "443", "opened")),
        (dialed("2001:db8::1", 80, "NO_WAY_OUT"), ("ipv6", "80", "no_way_out")),
        (dialed("192.0.2.1", 8080, "TIMEOUT"), ("ipv4", "other", "timeout")),
    ],
    ids=["ipv4", "ipv6", "no ipv6", "another port"],
)
def test_what_was_dialled_is_counted_by_the_way_out(
    program: ProgramMetrics, metrics: AgentMetrics, one: o.DialedAddress, labels: tuple[str, ...]
) -> None:
    """So that one can see that a port, or a family, is closed."""
    assert counted(program, "mpic_agent_dials") == {}
    metrics.count_dial(one)
    assert counted(program, "mpic_agent_dials") == {labels: 1}
    assert labels_of(program, "mpic_agent_dials", "port") == {"80", "443", "other"}


def test_a_look_is_counted_by_how_it_ended(program: ProgramMetrics, metrics: AgentMetrics) -> None:
    lost = o.Failure(kind=o.FAILURE_KIND_CONNECTION_LOST)
    metrics.count_look(o.TlsFinding(session=o.TlsSession(alpn="h2")), 0.5)
    metrics.count_look(o.TlsFinding(failure=lost), 0.5)
    moved = o.HttpHop(response=o.HttpResponse(status=301))
    metrics.count_look(o.HttpFinding(hops=[moved, o.HttpHop(failure=lost)]), 0.5)
    metrics.count_look(o.HttpFinding(hops=[moved]), 0.5)
    assert counted(program, "mpic_agent_looks") == {
        (check, outcome): 1
        for check in ("http_get", "tls_handshake")
        for outcome in ("done", "connection_lost")
    }
