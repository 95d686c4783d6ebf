"""What the coordinator shows at its admin port: metrics, and when requests may come."""

from dataclasses import dataclass
from functools import partial

from coordinator.corroboration import Corroborator, Parts
from coordinator.overload.metrics import LimiterCollector
from coordinator.perspectives.fanout import Fanout
from coordinator.record.metrics import RecordCollector
from coordinator.record.writer import RecordWriter
from coordinator.settings import CoordinatorSettings
from coordinator.telemetry.collectors import LinkCollector, RosterCollector, TakingUpCollector
from coordinator.telemetry.readiness import why_no_primary, why_no_quorum
from mpic.runtime.admin import AdminPages, Readiness
from mpic.runtime.grpc.serving import Server
from mpic.runtime.metrics import ProgramMetrics
from mpic.runtime.reload import Reloader


@dataclass(frozen=True, slots=True)
class AdminSources:
    """What the admin port shows the state of."""

    server: Server
    corroborator: Corroborator
    parts: Parts


def make_pages(
    reloader: Reloader[CoordinatorSettings], program: ProgramMetrics, shown: AdminSources
) -> AdminPages:
    """Export what is read from the parts at each scrape, and say when requests may come."""
    server, corroborator = shown.server, shown.corroborator
    fanout, record_writer = shown.parts.fanout, shown.parts.record_writer
    program.register(server.meter.collectors)
    program.register(
        (
            LimiterCollector(shown.parts.limiter),
            TakingUpCollector(server.lacking),
            LinkCollector(lambda: fanout.links),
            RosterCollector(lambda: corroborator.rules, shown.parts.clock),
        )
    )
    if isinstance(record_writer, RecordWriter):
        program.register((RecordCollector(record_writer),))
    return AdminPages(program.registry, make_readiness(shown), lambda: reloader.settings)


def make_readiness(shown: AdminSources) -> Readiness:
    """Return the conditions under which requests may come."""
    server, corroborator = shown.server, shown.corroborator
    fanout, record_writer = shown.parts.fanout, shown.parts.record_writer
    readiness = Readiness()
    readiness.require("serving", server.why_not_serving)
    readiness.require("primary", lambda: why_no_primary(fanout.links))
    readiness.require("quorum", partial(_why_no_quorum, corroborator, fanout))
    readiness.require("record", record_writer.why_not_writing)
    return readiness


def _why_no_quorum(corroborator: Corroborator, fanout: Fanout) -> str:
    return why_no_quorum(fanout.links, corroborator.rules.roster, corroborator.row_in_force)
