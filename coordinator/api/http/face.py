"""HTTP/JSON beside gRPC, as the configuration wants it: opened, reloaded, drained and closed."""

import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from prometheus_client.registry import Collector

from coordinator.api.http.authentication import Access
from coordinator.api.http.gate import Gate
from coordinator.api.http.metrics import HttpMetrics
from coordinator.api.http.routes import HttpRoute, PublicRoute, Router
from coordinator.api.http.server import HttpServer, make_context
from coordinator.api.http.settings import HttpTable
from mpic.runtime.address import shift_port
from mpic.runtime.certificate_check import find_ends
from mpic.runtime.grpc.serving import ServingError
from mpic.runtime.settings import CallersTable, TlsTable


@dataclass(frozen=True, slots=True)
class HttpConfig:
    """What of the coordinator's configuration HTTP follows."""

    table: HttpTable
    tls: TlsTable
    callers: CallersTable

    def access(self) -> Access:
        """Return who may call."""
        allowed = frozenset(self.callers.allowed)
        return Access(allowed, self.table.client_certificates, self.table.callers_by_hash)

    def make_context(self) -> ssl.SSLContext:
        """Return what TLS is spoken by; raises OSError."""
        return make_context(self.table.files(self.tls), self.table.client_certificates)

    def find_ends(self) -> Mapping[str, float]:
        """Return when a certificate of HTTP's own ends, see `certificate_check.find_ends`."""
        if self.table.tls is None:
            return {}
        with suppress(OSError):
            pem = self.table.tls.certificate.read_bytes()
            ends = find_ends(pem, pem)
            return {"http": ends["own"]} if "own" in ends else {}
        return {}


class HttpFace:
    """The HTTP port of one worker."""

    def __init__(
        self, config: HttpConfig, worker: int, name_caller: Callable[[Sequence[str]], str]
    ) -> None:
        """Let in by `config`, each caller under the identity that `name_caller` picks."""
        self._config = config
        self._worker = worker
        self._metrics = HttpMetrics()
        self.gate = Gate(config.access(), self._metrics)
        self._router = Router(self.gate, self._metrics, name_caller)
        self._routes: list[HttpRoute] = []
        self._public: list[PublicRoute] = []
        self._drains: list[Callable[[], None]] = []
        self._server: HttpServer | None = None

    @property
    def collectors(self) -> Iterable[Collector]:
        """What there is to export."""
        return self._metrics.collectors

    def find_ends(self) -> Mapping[str, float]:
        """Return when a certificate of its own ends."""
        return self._config.find_ends()

    def add(
        self,
        routes: Iterable[HttpRoute],
        public: Iterable[PublicRoute] = (),
        drain: Callable[[], None] = lambda: None,
    ) -> None:
        """Serve these routes too, once it is opened; `drain` is called when the end begins."""
        self._routes += routes
        self._public += public
        self._drains.append(drain)

    async def open(self) -> int:
        """Listen and serve; return the port. Raises ServingError."""
        try:
            context = self._config.make_context()
        except OSError as error:
            raise ServingError(f"[http]: {error}; try `mpic check-config`") from error
        application = self._router.make_application(self._routes, self._public)
        address = shift_port(self._config.table.listen, self._worker)
        of_address = self._config.table.connections_per_address
        self._server = HttpServer(address, application, self._metrics, of_address)
        return await self._server.open(context)

    def adopt(self, config: HttpConfig, context: ssl.SSLContext) -> None:
        """Let in by another configuration from now on; `context` is of it already."""
        self._config = config
        self.gate.adopt(config.access())
        if self._server is not None:
            self._server.adopt(context, config.table.connections_per_address)

    def drain(self) -> None:
        """Take no more connections, and end those that ask nothing; streams end when answered."""
        for drain in self._drains:
            drain()
        if self._server is not None:
            self._server.drain()

    async def close(self, grace: float) -> None:
        """End; requests that are running have so many seconds since it was told to drain."""
        if self._server is not None:
            await self._server.close(grace)
        self.gate.refused.write()
