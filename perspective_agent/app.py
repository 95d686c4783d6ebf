"""Builds an agent from its settings, runs it and ends it."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import structlog

from mpic.bounds import QUESTIONS_OCTETS
from mpic.channel import TlsPems
from mpic.runtime.address import shift_port
from mpic.runtime.admin import AdminPages, Readiness, open_admin
from mpic.runtime.certificate_check import find_ends
from mpic.runtime.config import ConfigError, Problem
from mpic.runtime.grpc.serving import Listening, Server, ServingError
from mpic.runtime.logs import set_level
from mpic.runtime.metrics import ProgramMetrics
from mpic.runtime.open_files import may_open, raise_limit
from mpic.runtime.reload import Reloadable, Reloader
from mpic.runtime.settings import check_tls
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2, perspective_pb2_grpc
from perspective_agent.diagnosis.servers import Diagnoser
from perspective_agent.diagnosis.servfail_cause import ServfailExplainer
from perspective_agent.dns.resolver import ResolverLink
from perspective_agent.metrics import AgentMetrics
from perspective_agent.servicer import Identity, PerspectiveServicer, ResolverState
from perspective_agent.settings import AgentSettings, ResolverTable, read_settings
from perspective_agent.stream import StreamOptions
from perspective_agent.unbound.capacity import FULL, Capacity, find_capacity
from perspective_agent.unbound.control import FailureEraser, UnboundControl
from perspective_agent.unbound.process import PrivateUnbound
from perspective_agent.unbound.statistics import UnboundStatistics
from perspective_agent.unbound.trust_anchor import read_key_tags
from perspective_agent.unbound.validation_probe import (
    ProbeResult,
    ResolverNotValidatingError,
    probe_validation,
)
from perspective_agent.watches import adapt_limit, watch_liveness, watch_validation

log = structlog.get_logger()

SERVICE: str = perspective_pb2.DESCRIPTOR.services_by_name["PerspectiveService"].full_name


_FREE = frozenset({"tls", "callers", "log.level"})
"""What may change while it runs."""


@dataclass(frozen=True, slots=True)
class _Shown:
    """What an operator sees of the agent, from its start on."""

    program: ProgramMetrics
    metrics: AgentMetrics
    statistics: UnboundStatistics
    readiness: Readiness


async def run_agent(settings: AgentSettings, file: Path, worker: int = 0) -> None:
    """Serve until a signal, as one of the workers.

    Raises UnboundError, ServingError, ResolverNotValidatingError, and ConfigError of `file`.
    """
    capacity = _check(settings, file)
    async with AsyncExitStack() as stack:
        program = ProgramMetrics("agent")
        tls = _load(settings, program)
        reloadable = _reloadable(file, lambda new: _adopt(new, file, server, program))
        reloader = Reloader(reloadable, settings, program)
        shown = await _open_admin(reloader, worker, program, stack)
        resolver = await _open_resolver(settings.resolver, worker, capacity, shown, stack)
        allowed = {SERVICE: frozenset(settings.callers.allowed)}
        address = shift_port(settings.agent.listen, worker)
        server = Server(Listening(address, tls, allowed, QUESTIONS_OCTETS))
        servicer = _make_servicer(settings, capacity, resolver, shown.metrics)
        program.register(server.meter.collectors)
        shown.metrics.read_at_scrape(resolver, servicer.load)
        server.add(perspective_pb2_grpc.add_PerspectiveServiceServicer_to_server, servicer)
        await server.start()
        shown.readiness.require("serving", server.why_not_serving)
        shown.readiness.require("resolver", lambda: resolver.cannot_look)
        await server.set_health(serving=True)

        async def tell() -> None:
            await server.set_health(serving=not resolver.cannot_look)
            servicer.tell()

        watches = [
            asyncio.create_task(watch_validation(resolver, settings.resolver, tell)),
            asyncio.create_task(
                watch_liveness(resolver, settings.resolver.restart_hung_after, tell)
            ),
            asyncio.create_task(adapt_limit(resolver, servicer, settings.agent.lookup_timeout)),
            asyncio.create_task(reloader.run()),
        ]
        await server.run_until_signal(settings.agent.shutdown_grace, servicer.drain)
        for watch in watches:
            watch.cancel()


def _check(settings: AgentSettings, file: Path) -> Capacity:
    """Check what `mpic check-config` checks, and what this process may do."""
    for warning in check_tls(settings.tls, settings.owner, file, datetime.now(UTC)):
        log.warning("certificate_warning", warning=warning)
    for warning in settings.resolver.find_warnings(datetime.now(UTC)):
        log.warning("trust_anchor_warning", warning=warning)
    limit = raise_limit()
    return FULL if settings.resolver.mode == "beside" else find_capacity(limit)


def _load(settings: AgentSettings, program: ProgramMetrics) -> TlsPems:
    """Return the certificates to serve with, and export when they end."""
    try:
        tls = settings.tls.files().load()
    except OSError as error:
        raise ServingError(f"[tls]: {error.filename}: {error.strerror}") from error
    program.show_certificates(find_ends(tls.certificate, tls.authority))
    return tls


def _reloadable(
    file: Path, adopt: Callable[[AgentSettings], Awaitable[None]]
) -> Reloadable[AgentSettings]:
    """Say how the configuration is read again, and what of it may change."""
    return Reloadable(
        file=file,
        read=partial(_read_again, file),
        name_files=lambda settings: settings.tls.paths(),
        dump=AgentSettings.model_dump,
        free=_FREE,
        adopt=adopt,
    )


def _read_again(file: Path) -> AgentSettings:
    """Read and check everything as at the start; raises ConfigError."""
    settings = read_settings(file)
    for warning in check_tls(settings.tls, settings.owner, file, datetime.now(UTC)):
        log.warning("reload_warning", warning=warning)
    return settings


async def _adopt(
    settings: AgentSettings, file: Path, server: Server, program: ProgramMetrics
) -> None:
    """Put settings in force; if that fails, raises ConfigError and has changed nothing."""
    try:
        tls = settings.tls.files().load()
    except OSError as error:
        raise ConfigError(file, [Problem("tls", str(error), "Check the path")]) from error
    server.adopt(tls, {SERVICE: frozenset(settings.callers.allowed)})
    program.show_certificates(find_ends(tls.certificate, tls.authority))
    set_level(settings.log.level)


async def _open_admin(
    reloader: Reloader[AgentSettings], worker: int, program: ProgramMetrics, stack: AsyncExitStack
) -> _Shown:
    """Open the admin port before all else, so that it can say what the start waits for."""
    shown = _Shown(program, AgentMetrics(program), UnboundStatistics(), Readiness())
    program.register((shown.statistics,))
    shown.readiness.require("serving", lambda: "it is starting")
    shown.readiness.require("resolver", lambda: "it is starting")
    refresh = (shown.statistics.refresh,)
    pages = AdminPages(program.registry, shown.readiness, lambda: reloader.settings, refresh)
    listen = shift_port(reloader.settings.admin.listen, worker)
    await stack.enter_async_context(open_admin(listen, reloader.file, pages))
    return shown


def _make_servicer(
    settings: AgentSettings, capacity: Capacity, resolver: ResolverState, metrics: AgentMetrics
) -> PerspectiveServicer:
    identity = Identity(settings.agent.id, o.Rir.Value(f"RIR_{settings.agent.rir}"))
    stream = StreamOptions(
        settings.agent.gather_window,
        max_open=min(settings.agent.max_open_questions, capacity.questions),
        count=metrics.count_observation,
    )
    timeout = settings.agent.lookup_timeout
    reach = settings.reach()
    reach = replace(reach, counts=metrics, limits=reach.limits.within(may_open()))
    return PerspectiveServicer(identity, resolver, timeout, stream, reach)


async def _open_resolver(
    table: ResolverTable, worker: int, capacity: Capacity, shown: _Shown, stack: AsyncExitStack
) -> ResolverState:
    """Start or find the resolver, and prove that it validates before anything is served."""
    kill, servfails = None, None
    if table.mode == "private":
        unbound = PrivateUnbound(table.options(worker, capacity))
        stack.push_async_callback(unbound.stop)
        await unbound.start()
        address, software = unbound.address, unbound.version
        socket, kill, servfails = unbound.control_socket, unbound.kill, unbound.servfails
    else:
        address, software = table.beside_address(), "a resolver the operator runs"
        assert table.control_socket is not None  # noqa: S101 - settings see to it
        socket = table.control_socket
    control = shown.statistics.control = UnboundControl(socket)
    erase, count = FailureEraser(control).erase, shown.metrics.count_lookup
    link = ResolverLink(address, erase, capacity.connections, count)
    if servfails is not None:  # the log of a resolver beside the agent is the operator's
        link.explainer = ServfailExplainer(servfails, control.command, table.egress())
    diagnoser = Diagnoser(address, table.egress(), link.overload_history)
    stack.callback(link.close)
    probe = await _probe_until_validating(link, control, table, shown.readiness)
    if table.require_validation and not probe.validates:
        raise ResolverNotValidatingError(
            f"the resolver at {address[0]}:{address[1]} was not shown to validate: {probe.evidence}"
        )
    log.info("resolver_probe", validates=probe.validates, evidence=probe.evidence)
    key_tags = read_key_tags(table.trust_anchor_file)
    return ResolverState(
        link,
        control,
        software,
        key_tags,
        probe,
        table.require_validation,
        kill=kill,
        diagnose=diagnoser.diagnose,
    )


async def _probe_until_validating(
    link: ResolverLink, control: UnboundControl, table: ResolverTable, readiness: Readiness
) -> ProbeResult:
    """Probe until the resolver is shown to validate, or not to validate when time is up.

    If no answer comes, nothing is shown. At boot the network may come up after the agent, and the
    root may be far away. The agent then waits, is not ready, and says why.
    """
    deadline = asyncio.get_running_loop().time() + table.start_timeout
    while True:
        probe = await probe_validation(link, control, table.probe_timeout, table.rules())
        if probe.validates or not table.require_validation:
            return probe
        if probe.is_conclusive and asyncio.get_running_loop().time() > deadline:
            return probe
        readiness.require("resolver", partial(str, probe.evidence))
        event = "resolver_not_validating" if probe.is_conclusive else "resolver_probe_inconclusive"
        log.warning(event, evidence=probe.evidence)
        await asyncio.sleep(0.5)
