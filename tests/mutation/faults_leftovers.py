"""Faults in what was added last: quiet connections, handshakes, lists that run out."""

from tests.mutation.fault import Fault

QUIET = "proto/mpic/runtime/grpc/quiet_connections.py"

FAULTS = [
    # Connections without a call.
    Fault(
        "who has called is told as one that has not",
        QUIET,
        "(self._seen - peers).difference(self._called)",
        "self._seen - peers",
    ),
    Fault(
        "a connection that goes on is told",
        QUIET,
        "(self._seen - peers).difference(self._called)",
        "self._seen.difference(self._called)",
    ),
    Fault(
        "a late look counts as the latest",
        QUIET,
        "        if number < self._latest:",
        "        if False:",
    ),
    Fault(
        "callers are remembered without end",
        QUIET,
        "            if len(self._called) > _KEPT:",
        "            if False:",
    ),
    Fault(
        "all the time goes into looking",
        QUIET,
        "        self._not_before = done + _SHARE * (done - began)",
        "        self._not_before = 0.0",
    ),
    Fault(
        "it looks after the end",
        QUIET,
        "        self._port = None\n        if self._timer",
        "        if self._timer",
    ),
    Fault("an IPv4 peer is written as an IPv6 one", QUIET, 'host.removeprefix("::ffff:")', "host"),
]
