"""A library for those who call a coordinator: `Client`, and `AsyncClient` for asyncio.

Needs grpcio, protobuf and googleapis-common-protos. deploy/client.md shows how it is used.

Answers are the agreement's own messages (`mpic.v1.corroboration_pb2`): each field is explained in
one place, for every language, and a field that a newer release adds is there at once.
"""

from mpic.channel import TlsFiles, TlsPems
from mpic.client.asynchronous import AsyncClient
from mpic.client.errors import (
    BusyError,
    CertificateRefusedError,
    ClientError,
    CredentialsError,
    InvalidRequestError,
    NoConnectionError,
    NotAllowedError,
    NotFoundError,
    NotGrpcError,
    NoTimeError,
    RequestIdUsedError,
    ServerNameError,
    ServerNotTrustedError,
    ServiceError,
    TrustError,
)
from mpic.client.request import Question
from mpic.client.result import Result, StreamLimits
from mpic.client.retry import RetryPolicy
from mpic.client.synchronous import Client

__all__ = [
    "AsyncClient",
    "BusyError",
    "CertificateRefusedError",
    "Client",
    "ClientError",
    "CredentialsError",
    "InvalidRequestError",
    "NoConnectionError",
    "NoTimeError",
    "NotAllowedError",
    "NotFoundError",
    "NotGrpcError",
    "Question",
    "RequestIdUsedError",
    "Result",
    "RetryPolicy",
    "ServerNameError",
    "ServerNotTrustedError",
    "ServiceError",
    "StreamLimits",
    "TlsFiles",
    "TlsPems",
    "TrustError",
]
