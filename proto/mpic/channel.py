"""Channels with mutual TLS 1.3: of the coordinator to its agents, and of callers to it.

One list of options serves both. They make an outage known within three seconds, and end it about a
second after it has healed. With gRPC's defaults each call waits for its own deadline during the
whole outage.

There is no plain-text mode. What keeps gRPC from TLS 1.2 is in `mpic/__init__.py`: it comes first.
"""

from dataclasses import dataclass, field
from pathlib import Path

import grpc
from grpc import aio

import mpic
from mpic.bounds import MESSAGE_OCTETS

Options = list[tuple[str, int | str]]

_MESSAGE_BYTES = 64 * 1024 * 1024

SHARED_OPTIONS: Options = [
    ("grpc.max_send_message_length", _MESSAGE_BYTES),
    # Nobody compresses, because nothing bounds what a few octets expand to. A bit for each kind.
    ("grpc.compression_enabled_algorithms_bitset", 1),
    ("grpc.keepalive_timeout_ms", 2_000),
    # The keepalive's own time-out notices only a silent network. This one notices a peer that is
    # stopped, if its kernel still acknowledges. The default is a minute.
    ("grpc.http2.ping_timeout_ms", 2_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
]
"""Of channels and of servers."""

_CHANNEL: Options = [
    *SHARED_OPTIONS,
    ("grpc.max_receive_message_length", MESSAGE_OCTETS),
    ("grpc.keepalive_time_ms", 5_000),
    ("grpc.initial_reconnect_backoff_ms", 100),
    # A connection may take this long at most: it takes three round trips.
    ("grpc.min_reconnect_backoff_ms", 3_000),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    # Otherwise channels of one process to one address would share a connection.
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_retries", 0),
]


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files of one identity, and of the authority its peers are signed by."""

    certificate: Path
    private_key: Path
    authority: Path

    def read(self) -> tuple[bytes, bytes, bytes]:
        """Return certificate, private key and authority; raises OSError."""
        return (
            self.certificate.read_bytes(),
            self.private_key.read_bytes(),
            self.authority.read_bytes(),
        )

    def load(self) -> "TlsPems":
        """Return what they hold now; raises OSError."""
        return TlsPems(*self.read())


@dataclass(frozen=True, slots=True)
class TlsPems:
    """The contents of such files: what is in use, whatever happens to the files."""

    certificate: bytes
    private_key: bytes = field(repr=False)
    authority: bytes

    def read(self) -> tuple[bytes, bytes, bytes]:
        """Return certificate, private key and authority."""
        return self.certificate, self.private_key, self.authority


Tls = TlsFiles | TlsPems


def channel_credentials(files: Tls) -> grpc.ChannelCredentials:
    """Credentials of a client that shows its own certificate; raises OSError."""
    insist_on_tls_1_3()
    certificate, private_key, authority = files.read()
    return grpc.ssl_channel_credentials(authority, private_key, certificate)


def insist_on_tls_1_3() -> None:
    """Raise ImportError if gRPC was loaded too early to be kept from TLS 1.2."""
    if not mpic.TLS_1_3_ONLY:
        raise ImportError("grpc was imported before mpic, and speaks TLS 1.2: import mpic first")


def open_channel(
    address: str, files: Tls, server_name: str | None = None, more: Options | None = None
) -> aio.Channel:
    """Open a channel to `address` ("host:port"); `server_name` is the DNS SAN it must show.

    `more` are options of the caller's own, which go before those of this module. Raises OSError.
    """
    options = [*_CHANNEL, *(more or ())]
    if server_name is not None:
        options.append(("grpc.ssl_target_name_override", server_name))
    return aio.secure_channel(address, channel_credentials(files), options=options)
