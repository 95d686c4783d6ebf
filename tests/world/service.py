"""A coordinator to put questions to, wherever it runs."""

import uuid
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

import grpc

from mpic.runtime.grpc.tls import TlsFiles, channel_credentials
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import corroboration_pb2_grpc

TABLES = "tables"
"""The issuer under whose names the tables of `tests/clauses` stand."""
TABLE_DOMAINS = ("ca.example", "ca-1.test")
UNDERSTANDING = "understanding"
"""An issuer under the same names that understands critical properties too."""
WORLD = "example"
"""The issuer that the zones of the test Internet name."""

_DOMAINS = f"domains = {list(TABLE_DOMAINS)!r}\n"
ISSUERS = (
    f"[issuer.{TABLES}]\n{_DOMAINS}[issuer.{UNDERSTANDING}]\n{_DOMAINS}"
    "understood_critical_tags = ['contactemail', 'contactphone', 'issuevmc']\n"
).replace("'", '"')

_NAMES = 100
_SECONDS = 60
_BUSY_TRIES = 10


class Service:
    """A channel to a coordinator."""

    def __init__(self, address: str, server_name: str, files: TlsFiles) -> None:
        """Connect when first asked."""
        options = [("grpc.ssl_target_name_override", server_name)]
        self._channel = grpc.secure_channel(address, channel_credentials(files), options)
        self._stub = corroboration_pb2_grpc.CorroborationServiceStub(self._channel)

    def ask(self, request: c.CorroborateRequest) -> c.CorroborateResponse:
        """Put one question, and wait for every perspective."""
        request.request_id = request.request_id or f"clause-{uuid.uuid4()}"
        request.linger.FromSeconds(10)
        return self._stub.Corroborate(request, timeout=_SECONDS)

    def verdicts(self, names: Sequence[str], **fields: str) -> dict[str, c.NameVerdict]:
        """Ask about any number of names; return the verdicts by name as asked.

        What is not certain because somebody had too much to do is asked again, as callers do.
        """
        found: dict[str, c.NameVerdict] = {}
        for _ in range(_BUSY_TRIES):
            left = [name for name in names if name not in found or _was_too_busy(found[name])]
            for start in range(0, len(left), _NAMES):
                found |= self._ask_some(left[start : start + _NAMES], fields)
        return found

    def _ask_some(
        self, names: Sequence[str], fields: Mapping[str, str]
    ) -> dict[str, c.NameVerdict]:
        """Return the verdicts about names; none of any, if all have too much to do."""
        try:
            response = self.ask(c.CorroborateRequest(names=names, **fields))
        except grpc.RpcError as error:
            if error.code() is not grpc.StatusCode.RESOURCE_EXHAUSTED:
                raise
            return {}
        return {verdict.name: verdict for verdict in response.names}

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


def _was_too_busy(verdict: c.NameVerdict) -> bool:
    return any(report.dissent == c.DISSENT_OVERLOADED for report in verdict.perspectives)
