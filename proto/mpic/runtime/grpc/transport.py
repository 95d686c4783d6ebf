"""Channel and server options: keepalive, reconnection, and how much of us a peer may use up.

They make an outage known within three seconds, and bring an agent back about a second after it has
healed. With gRPC's defaults each call waits for its own deadline during the whole outage.
"""

import resource

from grpc import aio

from mpic.bounds import MESSAGE_OCTETS
from mpic.runtime.grpc.tls import Tls, channel_credentials

Options = list[tuple[str, int | str]]

_MESSAGE_BYTES = 64 * 1024 * 1024

_SHARED: Options = [
    ("grpc.max_send_message_length", _MESSAGE_BYTES),
    # Nobody compresses: what a few octets blow up to is bounded by nothing. A bit for each kind.
    ("grpc.compression_enabled_algorithms_bitset", 1),
    ("grpc.keepalive_timeout_ms", 2_000),
    # The keepalive's own time-out sees only a silent network; a peer that is stopped, whose kernel
    # still acknowledges, is noticed by this one (a minute by default).
    ("grpc.http2.ping_timeout_ms", 2_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
]

_CHANNEL: Options = [
    *_SHARED,
    ("grpc.max_receive_message_length", MESSAGE_OCTETS),
    ("grpc.keepalive_time_ms", 5_000),
    ("grpc.initial_reconnect_backoff_ms", 100),
    # Also the longest a connection may take to come about, which is three round trips.
    ("grpc.min_reconnect_backoff_ms", 3_000),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    # Channels of one process to one address would share a connection otherwise.
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_retries", 0),
]

# Calls that have come and that the event loop has not taken up. Beyond these, 1000 by default, gRPC
# itself ends calls as CANCELLED, without a reason; it is for us to say why, and when to ask again.
_TO_BE_TAKEN_UP = 8192

_CONNECTIONS = 4096
_STREAMS = 4096
"""Of one connection. More calls of one caller than may be in flight: it is to hear of that."""
_HANDSHAKE_SECONDS = 10
"""A connection takes three round trips until it can be used."""
_IDLE_SECONDS = 60
"""Without a call."""

_SERVER: Options = [
    *_SHARED,
    ("grpc.max_concurrent_streams", _STREAMS),
    # The first is for TLS, and the second for the first frame of HTTP/2 after it.
    ("grpc.server_handshake_timeout_ms", _HANDSHAKE_SECONDS * 1000),
    ("grpc.http2.settings_timeout", _HANDSHAKE_SECONDS * 1000),
    ("grpc.max_connection_idle_ms", _IDLE_SECONDS * 1000),
    ("grpc.server.max_pending_requests", _TO_BE_TAKEN_UP),
    ("grpc.server.max_pending_requests_hard_limit", _TO_BE_TAKEN_UP),
    ("grpc.keepalive_time_ms", 30_000),
    # Clients ping every 5 s; fewer allowed would answer them with "too_many_pings".
    ("grpc.http2.min_ping_interval_without_data_ms", 1_000),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 1_000),
    # On by default, so that two generations of a server could bind one port unnoticed.
    ("grpc.so_reuseport", 0),
]


def server_options(most_octets: int) -> Options:
    """Return the options of a server that takes messages of so many octets."""
    return [
        *_SERVER,
        ("grpc.max_receive_message_length", most_octets),
        ("grpc.max_allowed_incoming_connections", count_connections()),
    ]


def count_connections() -> int:
    """Return how many connections a server takes: no more than half of the files it may open.

    So whoever opens connections without end leaves files for what else there is to do.
    """
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _CONNECTIONS if files == resource.RLIM_INFINITY else min(_CONNECTIONS, files // 2)


def open_channel(address: str, files: Tls, server_name: str | None = None) -> aio.Channel:
    """Open a channel to `address` ("host:port"); `server_name` is the DNS SAN it must show."""
    options = list(_CHANNEL)
    if server_name is not None:
        options.append(("grpc.ssl_target_name_override", server_name))
    return aio.secure_channel(address, channel_credentials(files), options=options)
