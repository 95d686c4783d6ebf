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
    # Nobody compresses, because nothing bounds what a few octets expand to. A bit for each kind.
    ("grpc.compression_enabled_algorithms_bitset", 1),
    ("grpc.keepalive_timeout_ms", 2_000),
    # The keepalive's own time-out notices only a silent network. This one notices a peer that is
    # stopped, if its kernel still acknowledges. The default is a minute.
    ("grpc.http2.ping_timeout_ms", 2_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
]

_CHANNEL: Options = [
    *_SHARED,
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

# Calls that have come but are not taken up by the event loop yet. Beyond this number (1000 by
# default) gRPC itself ends calls as CANCELLED, without a reason. We want to say why, and when to
# ask again.
_TO_BE_TAKEN_UP = 8192

_CONNECTIONS = 4096
_STREAMS = 4096
"""For one connection. More than one caller may have in flight, so that the caller hears of that
bound."""
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
    # Clients ping every 5 s. If fewer pings were allowed, they would get "too_many_pings".
    ("grpc.http2.min_ping_interval_without_data_ms", 1_000),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 1_000),
    # It is on by default. Two generations of a server could then bind one port unnoticed.
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
    """Return how many connections a server takes: at most half of the files it may open.

    So files are left for everything else if somebody opens connections without end.
    """
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _CONNECTIONS if files == resource.RLIM_INFINITY else min(_CONNECTIONS, files // 2)


def open_channel(address: str, files: Tls, server_name: str | None = None) -> aio.Channel:
    """Open a channel to `address` ("host:port"); `server_name` is the DNS SAN it must show."""
    options = list(_CHANNEL)
    if server_name is not None:
        options.append(("grpc.ssl_target_name_override", server_name))
    return aio.secure_channel(address, channel_credentials(files), options=options)
