"""Putting a coordinator together, and its life."""

from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import structlog

from coordinator.admission import Admission
from coordinator.corroboration import Attempt, Corroborator, Rules
from coordinator.fanout import Fanout, Timing
from coordinator.link import LinkOptions
from coordinator.metrics import CoordinatorMetrics, LinkCollector, RosterCollector
from coordinator.overload import Gate
from coordinator.readiness import why_no_primary, why_no_quorum
from coordinator.servicer import CorroborationServicer, Counter, log_late
from coordinator.settings import CoordinatorSettings, check_roster
from mpic.address import shift_port
from mpic.admin import AdminPages, Readiness, open_admin
from mpic.grpc.serving import Listening, Server
from mpic.metrics import ProgramMetrics
from mpic.v1 import corroboration_pb2, corroboration_pb2_grpc

log = structlog.get_logger()

SERVICE: str = corroboration_pb2.DESCRIPTOR.services_by_name["CorroborationService"].full_name


async def run_coordinator(settings: CoordinatorSettings, file: Path, worker: int = 0) -> None:
    """Serve until a signal, as one of the workers.

    Raises ServingError, or ConfigError where the roster breaks the policy.
    """
    for warning in check_roster(settings, file, _now()):
        log.warning("roster_will_break_policy", warning=warning)
    table = settings.coordinator
    timing = Timing(table.lookup_timeout, table.network_allowance)
    options = LinkOptions(settings.tls.files(), table.gather_window)
    allowed = {SERVICE: frozenset(settings.callers.allowed)}
    rules = Rules(settings.roster(), settings.policy.policy())
    program = ProgramMetrics("coordinator")
    metrics = CoordinatorMetrics(rules, program)
    async with AsyncExitStack() as stack:
        fanout = Fanout(rules.roster, options, timing)
        address = shift_port(table.listen, worker)
        server = Server(Listening(address, settings.tls.files(), allowed))
        corroborator = Corroborator(rules, fanout, _now, partial(_keep, metrics))
        admin = shift_port(settings.admin.listen, worker)
        pages = AdminPages(program.registry, Readiness(), lambda: settings)
        _show(program, server, fanout, corroborator)
        _require(pages.readiness, server, fanout, corroborator)
        program.show_certificates(settings.tls.files())
        await stack.enter_async_context(open_admin(admin, file, pages))
        stack.push_async_callback(fanout.close)
        await fanout.open(table.connect_patience)
        gate = Gate(Admission(settings.limits.bounds()), timing.attempt)
        counter = Counter(settings.issuers(), timing.attempt, gate, metrics, table.gather_window)
        servicer = CorroborationServicer(
            corroborator, list(fanout.links), counter, lambda: server.stopping
        )
        corroboration_pb2_grpc.add_CorroborationServiceServicer_to_server(servicer, server.grpc)
        await server.start()
        await server.set_health(serving=True)
        await server.run_until_signal(table.shutdown_grace, servicer.drain)


def _show(
    program: ProgramMetrics, server: Server, fanout: Fanout, corroborator: Corroborator
) -> None:
    """Export what is read from the parts at each scrape."""
    program.register(
        (
            *server.meter.collectors,
            LinkCollector(lambda: fanout.links),
            RosterCollector(lambda: Rules(corroborator.roster, corroborator.policy), _now),
        )
    )


def _require(
    readiness: Readiness, server: Server, fanout: Fanout, corroborator: Corroborator
) -> None:
    """Say when questions should be sent here: one line for each condition."""
    readiness.require("serving", server.why_not_serving)
    readiness.require("primary", lambda: why_no_primary(fanout.links))
    readiness.require("quorum", lambda: why_no_quorum(fanout.links, corroborator))


def _keep(metrics: CoordinatorMetrics, attempt: Attempt) -> None:
    """Count and log what is known once every perspective has replied."""
    metrics.count_complete(attempt)
    log_late(attempt)


def _now() -> datetime:
    return datetime.now(UTC)
