"""How many files the process may have open: each connection and each socket is one.

Container runtimes often give 1,024. Hosts often have a soft limit of 1,024 below a hard one
(RLIMIT_NOFILE, getrlimit(2)).
"""

import resource

from mpic.runtime.grpc.serving import ServingError

LEAST = 512
"""With fewer, neither program can do its work."""
USUAL = 1024
"""What containers get at least; a coordinator has one for each caller and agent, and some more."""
SET = 65536
"""What the units of deploy/ set; more is of no use."""

HOW_TO_SET = (
    f"Allow {SET}: LimitNOFILE={SET} in a systemd unit; --ulimit nofile={SET}:{SET} for docker and"
    " podman; ulimits: nofile in a compose file; on Kubernetes, which has no setting for it, in the"
    " node's container runtime"
)


class TooFewFilesError(ServingError):
    """The limit is too low to serve; the text says what to set, and where."""

    def __init__(self, limit: int) -> None:
        self.problem = f"this process may have {limit} files open, and needs {LEAST} at least"
        super().__init__(f"{self.problem}. {HOW_TO_SET}")


def raise_limit() -> int:
    """Raise the soft limit to the hard one; return what may be open; raises TooFewFilesError."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = find_limit(soft, hard)
    if soft not in (limit, resource.RLIM_INFINITY):
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    if limit < LEAST:
        raise TooFewFilesError(limit)
    return limit


def may_open() -> int:
    """Return how many files this process may have open, once the limit was raised."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def find_limit(soft: int, hard: int) -> int:
    """Return the soft limit to set: never lower than now, unless it is unlimited. Pure."""
    most = SET if hard == resource.RLIM_INFINITY else min(hard, SET)
    return SET if soft == resource.RLIM_INFINITY else max(soft, most)
