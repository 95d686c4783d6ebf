"""Putting a coordinator together, and its life."""

from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import structlog

from coordinator.corroboration import Corroborator, Rules
from coordinator.fanout import Fanout, Timing
from coordinator.link import LinkOptions
from coordinator.servicer import CorroborationServicer, Counter, log_late
from coordinator.settings import CoordinatorSettings, check_roster
from mpic.address import shift_port
from mpic.grpc.serving import Listening, Server
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
    async with AsyncExitStack() as stack:
        fanout = Fanout(settings.roster(), options, timing)
        address = shift_port(table.listen, worker)
        server = Server(Listening(address, settings.tls.files(), allowed))
        stack.push_async_callback(fanout.close)
        await fanout.open(table.connect_patience)
        rules = Rules(settings.roster(), settings.policy.policy())
        corroborator = Corroborator(rules, fanout, _now, log_late)
        counter = Counter(settings.issuers(), timing.attempt, window=table.gather_window)
        servicer = CorroborationServicer(
            corroborator, list(fanout.links), counter, lambda: server.stopping
        )
        corroboration_pb2_grpc.add_CorroborationServiceServicer_to_server(servicer, server.grpc)
        await server.start()
        await server.set_health(serving=True)
        await server.run_until_signal(table.shutdown_grace, servicer.drain)


def _now() -> datetime:
    return datetime.now(UTC)
