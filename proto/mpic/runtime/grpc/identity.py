"""Who calls: identities from the client's certificate, and the allow-list for each service."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import grpc
import structlog

from mpic.runtime.grpc.counted_lines import CountedLines
from mpic.runtime.grpc.errors import RequestError
from mpic.runtime.grpc.handlers import Context, Handler, read_late
from mpic.trace import HEADER, Trace, read_traceparent

__all__ = ["AllowList", "Context", "peer_identities", "peer_trace"]

log = structlog.get_logger()

# gRPC's name for a kind of subject alternative name, and the usual one.
_KINDS = {"peer_uri": "URI", "peer_dns": "DNS", "peer_email": "email", "peer_ip": "IP"}
# Tags of GeneralName in DER (RFC 5280 4.2.1.6).
_URI, _DNS = 0x86, 0x82
_SHOWN = 8
"""How many names of a certificate a person is told."""


def peer_identities(context: Context) -> list[str]:
    """Return the SANs of the client's verified certificate that may be identities."""
    auth = context.auth_context()
    der = b"".join(map(_read_pem, auth.get("x509_pem_cert", ())))
    uris = [one for one in auth.get("peer_uri", ()) if _is_whole(one, _URI, der)]
    names = [one for one in auth.get("peer_dns", ()) if _is_whole(one, _DNS, der)]
    return choose_identities(map(_decode, uris), map(_decode, names))


def choose_identities(uris: Iterable[str], names: Iterable[str]) -> list[str]:
    """Return the SANs that may be identities: URIs first, then DNS names. Pure.

    One kind cannot be taken for the other, nor an address for either: a URI has a colon, and a DNS
    name has none. A name that is written otherwise is left out.
    """
    good = [*(one for one in uris if ":" in one), *(one for one in names if ":" not in one)]
    return list(dict.fromkeys(good))


def _decode(name: bytes) -> str:
    return name.decode("ascii", "replace")


def _read_pem(certificate: bytes) -> bytes:
    return ssl.PEM_cert_to_DER_cert(certificate.decode())


def _is_whole(name: bytes, tag: int, der: bytes) -> bool:
    """Whether a certificate has exactly this name, and not a longer one with a NUL behind it.

    grpcio gives names as C strings, which end at a NUL.
    """
    size = len(name)
    length = bytes((size,)) if size < 0x80 else b"\x82" + size.to_bytes(2)  # noqa: PLR2004 - X.690
    length = b"\x81" + bytes((size,)) if 0x80 <= size <= 0xFF else length  # noqa: PLR2004 - X.690
    return bytes((tag,)) + length + name in der


def describe_names(context: Context) -> list[str]:
    """Return the SANs for a person, each with its kind; not all, if there are many."""
    auth = context.auth_context()
    names = [
        f"{kind}:{value.decode('utf-8', 'replace')}"
        for name, kind in _KINDS.items()
        for value in auth.get(name, ())
    ]
    return names[:_SHOWN]


def peer_trace(context: Context) -> Trace | None:
    """Return the trace that a caller has begun; None: there is none, or it is invalid."""
    headers = [value for key, value in context.invocation_metadata() or () if key == HEADER]
    if len(headers) != 1:
        return None
    (header,) = headers
    return read_traceparent(header) if isinstance(header, str) else None


class _Caller(NamedTuple):
    """Of an open stream."""

    service: str
    identities: Sequence[str]
    """Under which it was let in."""
    context: Context


class AllowList:
    """Lets a caller reach a service only if its certificate names one of that service's callers.

    A caller without a certificate never gets here: the TLS handshake fails, see
    `quiet_connections`.
    """

    def __init__(
        self,
        allowed: Mapping[str, frozenset[str]],
        note_call: Callable[[str], None] = lambda _peer: None,
    ) -> None:
        """Take the allowed identities by full service name; a service not named lets nobody in.

        `note_call` is told the peer of each call, as gRPC writes it.
        """
        self._allowed = allowed
        self._note_call = note_call
        self._streams: dict[asyncio.Task[Any], _Caller] = {}
        """The caller of each open stream, by the task of the stream."""
        self._refused = CountedLines(partial(log.warning, "caller_refused"))
        self._closed: set[asyncio.Task[Any]] = set()
        """Streams that are to end, because their caller is no longer let in."""

    def write(self) -> None:
        """Write the lines about those that were refused since the last time."""
        self._refused.write()

    def adopt(self, allowed: Mapping[str, frozenset[str]]) -> None:
        """Let in others from now on, and end the streams of those who are no longer let in.

        Other calls end by themselves within seconds, for those who were let in.
        """
        self._allowed = allowed
        for task, caller in self._streams.items():
            if not self._allowed_of(caller.service).issuperset(caller.identities):
                self._closed.add(task)
                task.cancel()

    def wrap(self, service: str, handler: Handler) -> Handler:
        """Return a handler of `service` as one for streams, behind the check of callers.

        No message is read of a caller that is not let in. It raises RequestError.
        """

        async def around(inner: Any, requests: Any, context: Context) -> AsyncIterator[Any]:  # noqa: ANN401 - any messages
            identities = self.identify(service, context)
            if not identities:
                raise self._refuse(service, context)
            messages = inner(requests, context)
            if handler.response_streaming:
                messages = self._pass_on(messages, _Caller(service, identities, context))
            async for message in messages:
                yield message

        return read_late(handler, around)

    async def _pass_on(self, messages: AsyncIterator[Any], caller: _Caller) -> AsyncIterator[Any]:
        """Pass a stream on for as long as its caller is let in; then raise RequestError."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - gRPC gives each call one
        self._streams[task] = caller
        try:
            async for message in messages:
                yield message
        except asyncio.CancelledError:
            if task not in self._closed:
                raise
            task.uncancel()
            raise self._refuse(caller.service, caller.context) from None
        finally:
            self._streams.pop(task, None)
            self._closed.discard(task)

    def identify(self, service: str, context: Context) -> list[str]:
        """Return the caller's identities on the list of a service; none: it is a stranger.

        The first is the one that it is known by.
        """
        self._note_call(context.peer())
        allowed = self._allowed_of(service)
        return [one for one in peer_identities(context) if one in allowed]

    def find_refusal(self, service: str, context: Context) -> RequestError | None:
        """Say why a caller is not let in; None: it is."""
        return None if self.identify(service, context) else self._refuse(service, context)

    def _allowed_of(self, service: str) -> frozenset[str]:
        return self._allowed.get(service, frozenset())

    def _refuse(self, service: str, context: Context) -> RequestError:
        """Log that a caller is refused, and return what it is told."""
        names = describe_names(context)
        # Without its port, which differs for each connection.
        address = context.peer().rpartition(":")[0]
        self._refused.note(service=service, identities=tuple(names), address=address)
        return RequestError(
            grpc.StatusCode.PERMISSION_DENIED,
            "CALLER_NOT_ALLOWED",
            f"the certificate names {', '.join(names) or 'nobody'}, and none of that is on the list"
            f" of callers of {service}; add a URI or a DNS name of it to [callers] allowed in the"
            " server's configuration",
        )
