"""A server's life: bound port, health, signals, a bounded end."""

import asyncio
import gc
import signal
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import grpc
import structlog
from grpc import aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc

from mpic.channel import Tls
from mpic.runtime.address import reachable
from mpic.runtime.grpc.acceptors import Acceptors, Reception, find_lacking, refuse
from mpic.runtime.grpc.errors import map_errors
from mpic.runtime.grpc.handlers import Context, Handler
from mpic.runtime.grpc.identity import AllowList
from mpic.runtime.grpc.metrics import HEALTH, REFLECTION, Meter
from mpic.runtime.grpc.quiet_connections import QuietConnections
from mpic.runtime.grpc.tls import ServerIdentity, accepts_tls_1_2
from mpic.runtime.grpc.transport import server_options
from mpic.runtime.workers import tell_started

log = structlog.get_logger()

_TRY_SECONDS = 10.0

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_OF_EVERYBODY = (HEALTH, REFLECTION)
"""Services for whoever may call another one. Reflection tells tools what can be called."""


class ServingError(Exception):
    """The server cannot start; the text says what to mend."""


def run_program(program: Coroutine[Any, Any, None]) -> None:
    """Run what starts a server and serves; SIGTERM or SIGINT before it serves ends it in order."""
    asyncio.run(_end_by_signal(program))


async def _end_by_signal(program: Coroutine[Any, Any, None]) -> None:
    task, loop = asyncio.ensure_future(program), asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, task.cancel)  # until `Server.start` takes it over
    with suppress(asyncio.CancelledError):
        await task
    if task.cancelled():
        log.info("stopped_before_serving")


@dataclass(frozen=True, slots=True)
class Listening:
    """Where a server listens, as whom, and who may call which service."""

    address: str
    tls: Tls
    allowed: Mapping[str, frozenset[str]]
    most_octets: int
    """Of one message."""


class Server:
    """A gRPC server with mutual TLS, an allow-list for each service, health and reflection."""

    def __init__(self, listening: Listening) -> None:
        """Bind the port; raises ServingError. Then `add` services, and `start`."""
        self.meter = Meter((*listening.allowed, *_OF_EVERYBODY))
        self._quiet = QuietConnections()
        self._gate = AllowList(_with_ours(listening.allowed), self._quiet.note_call)
        self._acceptors: list[Acceptors] = []
        self._grpc = aio.server(options=server_options(listening.most_octets))
        self.lacking = find_lacking(self._grpc)
        """What this grpcio lacks to take up calls together; "": nothing."""
        try:
            self._identity = ServerIdentity(listening.tls, self._quiet.look)
            self.port = self._grpc.add_secure_port(listening.address, self._identity.credentials)
        except OSError as error:
            raise ServingError(f"[tls]: {error.filename}: {error.strerror}") from error
        except RuntimeError as error:
            raise ServingError(
                f"cannot listen on {listening.address}: another process may hold the port, the"
                " host may lack the address, or the files of [tls] are no PEM key and certificate"
                " that fit; try `mpic check-config`"
            ) from error
        self._own_address = reachable(f"{listening.address.rpartition(':')[0]}:{self.port}")
        self._health = health.aio.HealthServicer()
        self._services = tuple(listening.allowed)
        self.add(health_pb2_grpc.add_HealthServicer_to_server, self._health)
        described = reflection.aio.ReflectionServicer((*self._services, *_OF_EVERYBODY))
        self.add(reflection_pb2_grpc.add_ServerReflectionServicer_to_server, described)
        self._stopping = asyncio.Event()
        self._started = False

    def add(
        self,
        add_to_server: Callable[[Any, Any], None],
        servicer: object,
        busiest: str = "",
    ) -> None:
        """Serve `servicer`, which the generated function `add_to_server` adds to a server.

        The method `busiest` has one request and one response. Many of its calls are taken up at a
        time, if grpcio can do that.
        """
        add_to_server(servicer, _Registrar(partial(self._add, busiest=busiest)))

    def _add(self, service: str, handlers: Mapping[str, Handler], *, busiest: str) -> None:
        """Add the handlers of a service, each counted and behind the check of callers."""
        wrapped = {
            name: self._count(service, name, self._gate.wrap(service, handler))
            for name, handler in handlers.items()
        }
        self._grpc.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(service, wrapped),)
        )
        if not busiest:
            return
        if self.lacking:
            log.warning("calls_are_taken_up_singly", grpcio=grpc.__version__, lacking=self.lacking)
            return
        refusing = self._count(service, busiest, grpc.unary_unary_rpc_method_handler(refuse))
        turn_away: Any = refusing.unary_unary
        reception = Reception(
            self._count(service, busiest, handlers[busiest]),
            partial(self._gate.find_refusal, service),
            turn_away,
        )
        method = service, busiest
        self._acceptors.append(Acceptors(self._grpc, method, wrapped[busiest], reception))

    def _count(self, service: str, name: str, handler: Handler) -> Handler:
        """Return the same handler, counted, and with its exceptions mapped."""
        return self.meter.wrap(service, name, map_errors(handler))

    def why_not_serving(self) -> str:
        """Say why no request should be sent here; "" if one may."""
        if self.stopping:
            return "it is shutting down"
        return "" if self._started else "it is starting"

    @property
    def stopping(self) -> bool:
        """Whether shutdown began."""
        return self._stopping.is_set()

    def identify(self, service: str, context: Context) -> list[str]:
        """Return the caller's identities that are on the list of a service."""
        return self._gate.identify(service, context)

    def adopt(self, tls: Tls, allowed: Mapping[str, frozenset[str]]) -> None:
        """Show another certificate from the next connection on, and let in others from now on.

        Existing connections go on. So do streams, except those of callers that are no longer on the
        list. Raises OSError.
        """
        self._identity.adopt(tls)
        self._gate.adopt(_with_ours(allowed))

    async def start(self) -> None:
        """Serve."""
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self._stopping.set)
        await self._grpc.start()
        await self._try_tls()
        self._quiet.begin(self.port)
        for acceptors in self._acceptors:
            acceptors.start()
        self._started = True
        _spare_the_collector()
        log.info("serving", port=self.port)
        tell_started()

    async def _try_tls(self) -> None:
        """Try the own port without TLS 1.3; raises ServingError if that is accepted."""
        try:
            accepted = await asyncio.to_thread(accepts_tls_1_2, self._own_address, _TRY_SECONDS)
        except OSError as error:
            log.error("tls_1_2_not_tried", address=self._own_address, error=str(error))  # noqa: TRY400 - it says all
            return
        if accepted:
            await self._grpc.stop(0)
            raise ServingError(
                f"{self._own_address} accepts TLS 1.2, and only TLS 1.3 may be spoken: this grpcio"
                f" ({grpc.__version__}) does not heed GRPC_SSL_CIPHER_SUITES; take the release"
                " that requirements-run.txt names"
            )

    async def set_health(self, *, serving: bool) -> None:
        """Say by the health service whether the service can do its work."""
        status = health_pb2.HealthCheckResponse
        value = status.SERVING if serving else status.NOT_SERVING
        for service in ("", *self._services):
            await self._health.set(service, value)

    async def run_until_signal(self, grace: float, drain: Callable[[], None]) -> None:
        """Wait for SIGTERM or SIGINT; then refuse new calls and give running ones `grace` s.

        `drain` is told to end the streams that would otherwise live for ever.
        """
        await self._stopping.wait()
        log.info("stopping", grace=grace)
        await self._health.enter_graceful_shutdown()
        drain()
        await self._grpc.stop(grace)
        for acceptors in self._acceptors:
            await acceptors.end()
        self._gate.write()
        self._quiet.end()
        log.info("stopped")


def _with_ours(allowed: Mapping[str, frozenset[str]]) -> Mapping[str, frozenset[str]]:
    """Return the lists with those of health and reflection: whoever is on one of the others."""
    everybody = frozenset[str]().union(*allowed.values())
    return {**allowed, **dict.fromkeys(_OF_EVERYBODY, everybody)}


class _Registrar:
    """Stands for a server where generated code adds a service, to wrap its handlers first."""

    def __init__(self, add: Callable[[str, Mapping[str, Handler]], None]) -> None:
        self._add = add

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Handler]) -> None:
        """Add them as generic ones: for each that is registered grpc.aio does more at each call."""
        self._add(service, handlers)

    def add_generic_rpc_handlers(self, handlers: object) -> None:
        """Do nothing: they are the same, but their names do not show."""


def _spare_the_collector() -> None:
    """Leave out of garbage collection what will live for ever, and collect the rest less often.

    Nearly nothing here is in cycles. By default the collector would take a noticeable part of an
    agent's time under load (tests/bench/RESULTS.md).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
