"""Builds a coordinator from its settings, runs it and ends it."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import structlog

from coordinator.admin_pages import AdminSources, make_pages, make_readiness
from coordinator.api.answers import Answers
from coordinator.api.explain.links import ExplanationLinks
from coordinator.api.explain.routes import ExplanationPages
from coordinator.api.http.corroborations import Corroborations
from coordinator.api.http.face import HttpConfig, HttpFace
from coordinator.api.open_mpic.routes import OpenMpic
from coordinator.api.preflight.routes import PreflightPages
from coordinator.api.record_queries import RecordQueries
from coordinator.api.servicer import CorroborationServicer, StreamBounds
from coordinator.api.sources import Sources
from coordinator.corroboration import Corroborator, InForce, Parts
from coordinator.overload.admission import Admission
from coordinator.overload.limiter import Limiter
from coordinator.perspectives.agent_clock import ClockBounds
from coordinator.perspectives.client_options import ClientOptions
from coordinator.perspectives.fanout import Fanout, Timing
from coordinator.record.builder import RecordBuilder
from coordinator.record.opening import open_reader, open_writer
from coordinator.record.reader import Reader
from coordinator.record.settings import policy_version
from coordinator.record.unrecorded import Unrecorded
from coordinator.record.writer import RecordWriter
from coordinator.reload import FREE, RunningParts, read_again
from coordinator.rules.roster import Rules
from coordinator.settings import CoordinatorSettings, CoordinatorTable, check_roster
from coordinator.settings.certificates import check_certificates
from coordinator.telemetry.metrics import CoordinatorMetrics
from coordinator.telemetry.tracing import Spans
from mpic.bounds import REQUEST_OCTETS
from mpic.channel import TlsPems
from mpic.runtime.address import shift_port
from mpic.runtime.admin import AdminPages, open_admin
from mpic.runtime.certificate_check import find_ends
from mpic.runtime.grpc.serving import Listening, Server, ServingError
from mpic.runtime.in_flight import InFlight
from mpic.runtime.metrics import ProgramMetrics
from mpic.runtime.open_files import HOW_TO_SET, USUAL, raise_limit
from mpic.runtime.reload import Reloadable, Reloader
from mpic.v1 import corroboration_pb2, corroboration_pb2_grpc

log = structlog.get_logger()

SERVICE: str = corroboration_pb2.DESCRIPTOR.services_by_name["CorroborationService"].full_name


async def run_coordinator(settings: CoordinatorSettings, file: Path, worker: int = 0) -> None:
    """Serve until a signal, as one of the workers.

    Raises ServingError, StoreError, or ConfigError if `mpic check-config` would find an error.
    """
    program = ProgramMetrics("coordinator")
    table, tls = settings.coordinator, _load_checked(settings, file, program)
    timing = Timing(table.lookup_timeout, table.network_allowance)
    rules = Rules(settings.roster(), settings.policy.policy())
    metrics = CoordinatorMetrics(rules, program)
    async with AsyncExitStack() as stack:
        record_writer = await open_writer(settings.record, worker, _now, program, stack)
        reader = open_reader(settings.record, stack)
        fanout = Fanout(rules.roster, _make_options(table, tls, record_writer.company), timing)
        stack.push_async_callback(fanout.close)
        server = _make_server(settings, worker, tls)
        parts = Parts(
            limiter=Limiter(Admission(settings.limits.bounds()), timing.attempt),
            idempotency=settings.record.make_repeats(reader, table.workers > 1, _now),
            fanout=fanout,
            record_writer=record_writer,
            metrics=metrics,
            spans=_open_spans(settings, stack),
            clock=_now,
            is_stopping=lambda: server.stopping,
            max_linger=timing.attempt,
        )
        corroborator = Corroborator(parts, _begin_with(settings, rules, fanout))
        sources = _make_sources(settings, record_writer, reader, program, fanout)
        servicer = _make_servicer(table, corroborator, sources, server)
        shown = AdminSources(server, corroborator, parts)
        http = _make_http(settings, worker, shown, sources, program)
        parts_that_change = (fanout, corroborator, metrics, program, sources.explanation_links)
        running = RunningParts(file, SERVICE, server, *parts_that_change, http)
        reloader = Reloader(_reloadable(file, running), settings, program)
        pages = make_pages(reloader, program, shown)
        await _open_admin_port(settings, file, worker, pages, stack)
        await asyncio.gather(fanout.open(table.connect_patience), parts.idempotency.recall())
        stack.callback(corroborator.turned_away.write)
        await _serve(_Faces(server, servicer, http), reloader, table.shutdown_grace)


def _check(settings: CoordinatorSettings, file: Path) -> None:
    """Check what `mpic check-config` checks, and what this process may do."""
    for warning in check_roster(settings, file, _now()):
        log.warning("roster_will_break_policy", warning=warning)
    for warning in check_certificates(settings.tls, settings.http, file, _now()):
        log.warning("certificate_warning", warning=warning)
    for warning in settings.open_mpic.find_warnings(settings.policy.policy()):
        log.warning("open_mpic_warning", warning=warning)
    limit = raise_limit()
    if limit < USUAL:
        log.warning("open_files_few", limit=limit, wanted=USUAL, mend=HOW_TO_SET)


@dataclass(frozen=True, slots=True)
class _Faces:
    """What callers see."""

    server: Server
    servicer: CorroborationServicer
    http: HttpFace | None
    """None: it is off."""

    def drain(self) -> None:
        """End streams once their questions are answered, and take no more connections of HTTP."""
        self.servicer.drain()
        if self.http is not None:
            self.http.drain()


async def _serve(faces: _Faces, reloader: Reloader[CoordinatorSettings], grace: float) -> None:
    """Serve until a signal."""
    server = faces.server
    add = corroboration_pb2_grpc.add_CorroborationServiceServicer_to_server
    server.add(add, faces.servicer, busiest="Corroborate")
    async with AsyncExitStack() as stack:
        if faces.http is not None:
            await faces.http.open()
            stack.push_async_callback(faces.http.close, grace)
        await server.start()
        await server.set_health(serving=True)
        reloading = asyncio.create_task(reloader.run())
        await server.run_until_signal(grace, faces.drain)
        reloading.cancel()


def _make_http(
    settings: CoordinatorSettings,
    worker: int,
    shown: AdminSources,
    sources: Sources,
    program: ProgramMetrics,
) -> HttpFace | None:
    """Return HTTP/JSON, if it is configured; it does not listen yet."""
    if not settings.http.listen:
        return None
    corroborator = shown.corroborator
    config = HttpConfig(settings.http, settings.tls, settings.callers)
    http = HttpFace(config, worker, corroborator.limiter.admission.name_caller)
    api = Corroborations(corroborator, sources, http.gate, _stream_limits(settings.coordinator))
    http.add(api.routes(), api.public(), api.drain)
    http.add((), ExplanationPages(corroborator, sources, http.gate, _now).public())
    if settings.http.preflight:
        preflight = PreflightPages(corroborator, sources, http.gate, _now)
        http.add((), preflight.public(), preflight.jobs.stop)
    if settings.open_mpic.enabled:
        open_mpic = OpenMpic(corroborator, settings.open_mpic, _now, make_readiness(shown).is_met)
        http.add(open_mpic.routes(), open_mpic.public())
    program.register(http.collectors)
    program.show_certificates(http.find_ends())
    return http


async def _open_admin_port(
    settings: CoordinatorSettings, file: Path, worker: int, pages: AdminPages, stack: AsyncExitStack
) -> None:
    """Show the pages at this worker's own port."""
    address = shift_port(settings.admin.listen, worker)
    await stack.enter_async_context(open_admin(address, file, pages))


def _load_checked(settings: CoordinatorSettings, file: Path, program: ProgramMetrics) -> TlsPems:
    """Check everything; return the certificates to serve with, and export when they end."""
    _check(settings, file)
    try:
        tls = settings.tls.files().load()
    except OSError as error:
        raise ServingError(f"[tls]: {error.filename}: {error.strerror}") from error
    program.show_certificates(find_ends(tls.certificate, tls.authority))
    return tls


def _make_server(settings: CoordinatorSettings, worker: int, tls: TlsPems) -> Server:
    """Bind the port."""
    address = shift_port(settings.coordinator.listen, worker)
    allowed = {SERVICE: frozenset(settings.callers.allowed)}
    return Server(Listening(address, tls, allowed, REQUEST_OCTETS))


def _begin_with(settings: CoordinatorSettings, rules: Rules, fanout: Fanout) -> InForce:
    """Return the rules that are in force until the first reload."""
    record_builder = RecordBuilder(fanout.links, policy_version(rules.policy))
    return InForce(rules, settings.issuers(), record_builder)


def _make_servicer(
    table: CoordinatorTable,
    corroborator: Corroborator,
    sources: Sources,
    server: Server,
) -> CorroborationServicer:
    """Return the face that callers see."""
    limits = _stream_limits(table)
    identify = partial(server.identify, SERVICE)
    return CorroborationServicer(corroborator, sources, limits, identify)


def _stream_limits(table: CoordinatorTable) -> StreamBounds:
    return StreamBounds(window=table.gather_window)


def _make_options(table: CoordinatorTable, tls: TlsPems, company: InFlight) -> ClientOptions:
    """Return the options of the links to the perspectives."""
    return ClientOptions(
        tls,
        table.gather_window,
        hung_after=table.hung_after,
        restart_patience=table.restart_patience,
        clock=ClockBounds(table.clock_warning, table.clock_limit),
        company=company,
    )


def _reloadable(file: Path, running: RunningParts) -> Reloadable[CoordinatorSettings]:
    """Say how the configuration is read again, and what of it may change."""
    return Reloadable(
        file=file,
        read=partial(read_again, file),
        name_files=lambda settings: (*settings.tls.paths(), *settings.http.all_files(settings.tls)),
        dump=CoordinatorSettings.model_dump,
        free=FREE,
        adopt=running.adopt,
    )


def _open_spans(settings: CoordinatorSettings, stack: AsyncExitStack) -> Spans | None:
    """Return what sends spans, if they are to be sent."""
    spans = settings.tracing.make_spans()
    if spans is not None:
        stack.callback(spans.close)
    return spans


def _make_sources(
    settings: CoordinatorSettings,
    record_writer: RecordWriter | Unrecorded,
    reader: Reader | None,
    program: ProgramMetrics,
    fanout: Fanout,
) -> Sources:
    """Return what the faces answer from; raises ServingError."""
    try:
        links = ExplanationLinks(settings.http.read_link_terms(), _now)
    except (OSError, ValueError) as error:
        raise ServingError(f"[http] link_key_file: {error}; try `mpic check-config`") from error
    answers, record_queries = Answers(links.make), None
    if reader is not None and not isinstance(record_writer, Unrecorded):
        auditors = frozenset(settings.record.auditors)
        record_queries = RecordQueries(reader, record_writer, auditors, _now, answers)
        program.register((record_queries.reported,))
    return Sources(record_queries, lambda: fanout.links, answers, links)


def _now() -> datetime:
    return datetime.now(UTC)
