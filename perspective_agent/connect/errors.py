"""What an error of the system says about a connection, and whose failure it is. Pure.

Errors that come before anything was sent are our own: no route, no permission, no room. What the
other end or the network between does comes back later, to a connection that was being opened or is
open.
"""

import errno

from mpic.v1 import observation_pb2 as o

# On loopback, which a lab has, the other end is so near that it answers at once.
_OTHER_END = {
    errno.ECONNREFUSED: o.FAILURE_KIND_CONNECTION_REFUSED,
    errno.ECONNRESET: o.FAILURE_KIND_CONNECTION_LOST,
    errno.ECONNABORTED: o.FAILURE_KIND_CONNECTION_LOST,
    errno.EPIPE: o.FAILURE_KIND_CONNECTION_LOST,
    errno.ETIMEDOUT: o.FAILURE_KIND_TIMEOUT,
}
# What ICMP and ICMPv6 say of a destination (RFC 1122 section 4.2.3.9, RFC 4443 section 3.1).
_NETWORK = (
    errno.EHOSTUNREACH,
    errno.ENETUNREACH,
    errno.EHOSTDOWN,
    errno.EACCES,
    errno.ENOPROTOOPT,
    errno.EPROTO,
)


def read_error(error: OSError, what: str, *, was_sent: bool) -> o.Failure:
    """Return the failure that an error makes of `what` ("dialling 192.0.2.1, port 80")."""
    detail = f"{what}: {error.strerror or str(error) or type(error).__name__}"
    return o.Failure(kind=_find_kind(error, was_sent=was_sent), detail=detail)


def _find_kind(error: OSError, *, was_sent: bool) -> o.FailureKind.ValueType:
    kind = _OTHER_END.get(error.errno or 0)
    if kind is not None:
        return kind
    if was_sent and error.errno in _NETWORK:
        return o.FAILURE_KIND_UNREACHABLE
    if was_sent and error.errno is None:
        return o.FAILURE_KIND_CONNECTION_LOST
    return o.FAILURE_KIND_NO_WAY_OUT
