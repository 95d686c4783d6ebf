"""A coordinator to put questions to, wherever it runs."""

from collections.abc import Sequence
from types import TracebackType
from typing import Self

import grpc

from mpic.grpc.tls import TlsFiles, channel_credentials
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import corroboration_pb2_grpc

TABLES = "tables"
"""The issuer under whose names the tables of `tests/clauses` stand."""
TABLE_DOMAINS = ("ca.example", "ca-1.test")
WORLD = "example"
"""The issuer that the zones of the test Internet name."""

ISSUERS = f"[issuer.{TABLES}]\ndomains = {list(TABLE_DOMAINS)!r}\n".replace("'", '"')

_NAMES = 100
_SECONDS = 60


class Service:
    """A channel to a coordinator."""

    def __init__(self, address: str, server_name: str, files: TlsFiles) -> None:
        """Connect when first asked."""
        options = [("grpc.ssl_target_name_override", server_name)]
        self._channel = grpc.secure_channel(address, channel_credentials(files), options)
        self._stub = corroboration_pb2_grpc.CorroborationServiceStub(self._channel)

    def ask(self, request: c.CorroborateRequest) -> c.CorroborateResponse:
        """Put one question, and wait for every perspective."""
        request.request_id = request.request_id or "clause"
        request.linger.FromSeconds(10)
        return self._stub.Corroborate(request, timeout=_SECONDS)

    def verdicts(self, names: Sequence[str], **fields: str) -> dict[str, c.NameVerdict]:
        """Ask about any number of names; return the verdicts by name as asked."""
        found = {}
        for start in range(0, len(names), _NAMES):
            some = names[start : start + _NAMES]
            for verdict in self.ask(c.CorroborateRequest(names=some, **fields)).names:
                found[verdict.name] = verdict
        return found

    def __enter__(self) -> Self:
        """Nothing yet."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Hang up."""
        self._channel.close()
