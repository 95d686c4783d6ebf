"""Server options: keepalive, and how much of us a peer may use up."""

import resource

from mpic.channel import SHARED_OPTIONS, Options

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
    *SHARED_OPTIONS,
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
