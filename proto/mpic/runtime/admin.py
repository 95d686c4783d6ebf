"""The admin port: what an operator, a probe and a Prometheus may see. It changes nothing.

    /metrics   for Prometheus
    /livez     the event loop turns
    /readyz    whether work should be sent here, and if not, why not
    /config    the configuration in force, without secrets

It has no TLS and asks nobody who he is. So it is on loopback by default.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, cast

import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.aiohttp import make_aiohttp_handler
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from pydantic import BaseModel

from mpic.runtime.config import ConfigError, Problem

log = structlog.get_logger()

Condition = Callable[[], str]
"""Says why not; "" when it is met."""

_REFRESH_SECONDS = 1.0
_REQUEST_SECONDS = 30.0
_CONNECTIONS = 64
_HIDDEN = "(hidden)"
_SECRET_KEY = re.compile(r"password|secret|token|passphrase", re.IGNORECASE)
_URL_PASSWORD = re.compile(r"(?<=://)([^/@:\s]*):[^@\s]*(?=@)")
_DSN_PASSWORD = re.compile(r"(password\s*=\s*)('(?:[^'\\]|\\.)*'|\S+)", re.IGNORECASE)


class Readiness:
    """The register of conditions under which a program is ready; one line each."""

    def __init__(self) -> None:
        """Start without any."""
        self._conditions: dict[str, Condition] = {}

    def require(self, name: str, condition: Condition) -> None:
        """Add a condition, or replace the one of that name."""
        self._conditions[name] = condition

    def judge(self) -> dict[str, str]:
        """Return, by name, why a condition is not met; "" if it is met."""
        return {name: condition() for name, condition in self._conditions.items()}

    def is_met(self) -> bool:
        """Whether the program is ready."""
        return not any(self.judge().values())


class _Conditions(Collector):
    """The conditions as metrics."""

    def __init__(self, readiness: Readiness) -> None:
        self._readiness = readiness

    def collect(self) -> Iterable[Metric]:
        family = GaugeMetricFamily(
            "mpic_ready_condition",
            "1 if the condition of /readyz is met; a program is ready when all are.",
            labels=["condition"],
        )
        for name, why in self._readiness.judge().items():
            family.add_metric([name], not why)
        yield family


@dataclass(frozen=True, slots=True)
class AdminPages:
    """What there is to show."""

    registry: CollectorRegistry
    readiness: Readiness
    settings: Callable[[], BaseModel]
    """The configuration in force."""
    refresh: Sequence[Callable[[], Awaitable[None]]] = field(default=())
    """What is fetched before each scrape; it is given up after a second in all."""


@asynccontextmanager
async def open_admin(listen: str, file: Path, pages: AdminPages) -> AsyncIterator[int]:
    """Serve at `listen` ("host:port") inside the context; gives the port.

    Raises ConfigError of `file` where it cannot listen.
    """
    pages.registry.register(_Conditions(pages.readiness))
    app = web.Application()
    app.add_routes(
        [
            web.get("/metrics", _metrics_handler(pages)),
            web.get("/livez", _livez),
            web.get("/readyz", _readyz_handler(pages.readiness)),
            web.get("/config", _config_handler(pages.settings)),
        ]
    )
    # A request may take this long to come, and so may the next one; the default is an hour.
    runner = web.AppRunner(
        app,
        access_log=None,
        handle_signals=False,
        shutdown_timeout=0.5,
        keepalive_timeout=_REQUEST_SECONDS,
    )
    await runner.setup()
    try:
        listening = await _listen(listen, file, runner)
        try:
            yield listening.sockets[0].getsockname()[1]
        finally:
            listening.close()
    finally:
        await runner.cleanup()


async def _listen(listen: str, file: Path, runner: web.AppRunner) -> asyncio.Server:
    """Accept connections; raises ConfigError."""
    host, _, port = listen.rpartition(":")
    assert runner.server is not None  # noqa: S101 - it was set up
    receive = partial(_receive, runner.server)
    loop = asyncio.get_running_loop()
    try:
        listening = await loop.create_server(receive, host.strip("[]"), int(port))
    except (OSError, OverflowError) as error:
        message = f"cannot listen on {listen}: {error}"
        mend = "Stop the process that holds the port, or choose another address here"
        raise ConfigError(file, [Problem("admin.listen", message, mend)]) from error
    log.info("admin_serving", address=f"{host}:{listening.sockets[0].getsockname()[1]}")
    return listening


class _Refuse(asyncio.Protocol):
    """Ends a connection that is one too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast("asyncio.Transport", transport).abort()


def _receive(server: web.Server) -> asyncio.Protocol:
    return server() if len(server.connections) < _CONNECTIONS else _Refuse()


def _metrics_handler(pages: AdminPages) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    export = make_aiohttp_handler(pages.registry)

    async def metrics(request: web.Request) -> web.StreamResponse:
        try:
            async with asyncio.timeout(_REFRESH_SECONDS):
                await asyncio.gather(*(refresh() for refresh in pages.refresh))
        except TimeoutError:
            log.warning("metrics_incomplete", waited=_REFRESH_SECONDS)
        return await export(request)

    return metrics


async def _livez(request: web.Request) -> web.Response:  # noqa: ARG001 - it asks nothing
    return web.Response(text="alive\n")


def _readyz_handler(readiness: Readiness) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def readyz(request: web.Request) -> web.Response:  # noqa: ARG001 - it asks nothing
        found = readiness.judge()
        ready = not any(found.values())
        lines = ["ready" if ready else "not ready"]
        lines += [f"{name}: {_printable(why) or 'ok'}" for name, why in found.items()]
        return web.Response(text="\n".join(lines) + "\n", status=200 if ready else 503)

    return readyz


def _config_handler(
    settings: Callable[[], BaseModel],
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def config(request: web.Request) -> web.Response:  # noqa: ARG001 - it asks nothing
        return web.json_response(hide_secrets(settings().model_dump(mode="json")))

    return config


def hide_secrets(value: Any, key: str = "") -> Any:  # noqa: ANN401 - any JSON value
    """Return a JSON value without secrets. Pure.

    Keys and certificates are named by path. This never reads what a path holds.
    """
    if isinstance(value, Mapping):
        return {name: hide_secrets(one, name) for name, one in value.items()}
    if isinstance(value, list):
        return [hide_secrets(one, key) for one in value]
    if not isinstance(value, str):
        return value
    if _SECRET_KEY.search(key):
        return _HIDDEN
    return _DSN_PASSWORD.sub(rf"\1{_HIDDEN}", _URL_PASSWORD.sub(rf"\1:{_HIDDEN}", value))


def _printable(text: str) -> str:
    """Escape what an agent or a resolver may have put into a reason."""
    return text.encode("unicode_escape").decode("ascii")
