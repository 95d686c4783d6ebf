"""Who calls: identities from the client's certificate, and the allow-list for each service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import grpc
import structlog
from grpc import aio

from mpic.grpc.errors import RequestError, abort
from mpic.grpc.handlers import Context, Handler, replace_behaviour
from mpic.trace import HEADER, Trace, read_traceparent

__all__ = ["Context", "Gate", "peer_identities", "peer_trace"]

log = structlog.get_logger()


def peer_identities(context: Context) -> list[str]:
    """Return the SANs of the client's verified certificate: SPIFFE ids first, then DNS names."""
    auth = context.auth_context()
    values = [*auth.get("peer_spiffe_id", ()), *auth.get("x509_subject_alternative_name", ())]
    return list(dict.fromkeys(value.decode("utf-8", "replace") for value in values))


def peer_trace(context: Context) -> Trace | None:
    """Return the trace that a caller has begun; None: none, or not a valid one."""
    headers = [value for key, value in context.invocation_metadata() or () if key == HEADER]
    if len(headers) != 1:
        return None
    (header,) = headers
    return read_traceparent(header) if isinstance(header, str) else None


class Gate:
    """Lets a caller reach a service only if its certificate names one of that service's callers.

    A caller without a certificate never gets here: the TLS handshake fails, which grpcio itself
    writes to standard error. It also maps every exception of a handler, see `errors.abort`.
    """

    def __init__(self, allowed: Mapping[str, frozenset[str]]) -> None:
        """Take the allowed identities by full service name; a service not named lets all in."""
        self.allowed = allowed

    def wrap(self, service: str, handler: Handler) -> Handler:
        """Return the same handler of a method of `service` behind the gate."""

        async def one(inner: Any, request: Any, context: Context) -> Any:  # noqa: ANN401 - any message
            try:
                self._admit(service, context)
                return await inner(request, context)
            except (aio.AbortError, asyncio.CancelledError):
                raise
            except Exception as error:  # noqa: BLE001 - the edge: everything is mapped
                await abort(context, error)

        async def many(inner: Any, request: Any, context: Context) -> AsyncIterator[Any]:  # noqa: ANN401 - any message
            try:
                self._admit(service, context)
                async for message in inner(request, context):
                    yield message
            except (aio.AbortError, asyncio.CancelledError):
                raise
            except Exception as error:  # noqa: BLE001 - the edge: everything is mapped
                await abort(context, error)

        return replace_behaviour(handler, one, many)

    def allows(self, service: str, identities: Sequence[str]) -> bool:
        """Whether one with these identities may call a service."""
        allowed = self.allowed.get(service)
        return allowed is None or not allowed.isdisjoint(identities)

    def _admit(self, service: str, context: Context) -> None:
        identities = peer_identities(context)
        if self.allows(service, identities):
            return
        log.warning(
            "caller_refused", service=service, identities=identities, address=context.peer()
        )
        raise RequestError(
            grpc.StatusCode.PERMISSION_DENIED,
            "CALLER_NOT_ALLOWED",
            f"none of {identities} is on the list of callers of {service};"
            " add one of them to [callers] allowed in the server's configuration",
        )
