"""A question that is not one: it alone is declined, and its stream goes on."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p
from perspective_agent.dns.resolver import ResolverLink
from perspective_agent.servicer import Identity, PerspectiveServicer, ResolverState
from perspective_agent.stream import ObservationStream, StreamOptions
from perspective_agent.unbound.control import UnboundControl
from perspective_agent.unbound.validation_probe import ProbeResult
from tests.world.samples import NAME

VIEW = ResolverState(
    ResolverLink(("127.0.0.1", 9)),
    UnboundControl(Path("none")),
    "Unbound",
    [],
    ProbeResult(validates=True, evidence="", ended_at=datetime(2026, 11, 25, tzinfo=UTC)),
)
CHECKS = [p.Check(caa_walk=p.CaaWalk()), p.Check(addresses=p.AddressLookup())]


@pytest.mark.parametrize(
    "name",
    [
        "", ".", "jp", f"{NAME}.", f".{NAME}", "a..b", "A.example", "*.example.jp", "_a.example",
        "a b.example", "é.example", "a\nflush.example", f"{'a' * 64}.example", "a." * 126 + "ab",
        "-a.example", "a-.example",
    ],
)  # fmt: skip
def test_a_name_that_is_not_in_the_form_that_is_looked_up_is_not(name: str) -> None:
    servicer = PerspectiveServicer(Identity("x", o.RIR_ARIN), VIEW, 1.0, StreamOptions())
    stream = ObservationStream(StreamOptions())
    servicer._take(p.Question(id=7, name=name, checks=CHECKS), stream)
    (report,) = stream.outbox._take()
    observation = o.Observation.FromString(report.observation)
    assert report.question_id == 7
    assert observation.name == name
    assert [one.not_run.kind for one in observation.findings] == [o.FAILURE_KIND_INTERNAL] * 2
