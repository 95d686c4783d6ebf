"""Without sockets and programs: the rule of `tests/unit`.

A pair of sockets, which asyncio makes for itself, reaches nobody and is no breach of it.
"""

import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Never

import grpc
import pytest
from grpc.aio import _server
from psycopg import generators

RULE = "tests/unit opens no socket and starts no program: move this test to tests/integration"
# gRPC and libpq open theirs in C: what asks them to is refused instead.
REFUSED: tuple[tuple[object, tuple[str, ...]], ...] = (
    (socket.socket, ("bind", "connect", "connect_ex", "listen", "sendto")),
    (subprocess.Popen, ("__init__",)),
    (os, ("fork", "forkpty", "posix_spawn", "posix_spawnp", "system")),
    (_server.Server, ("add_insecure_port", "add_secure_port", "start")),
    (grpc.aio, ("insecure_channel", "secure_channel")),
    (grpc, ("server", "insecure_channel", "secure_channel")),
    (generators, ("connect",)),
)


@contextmanager
def offline() -> Iterator[None]:
    """Fail whoever breaks the rule, and once more at the end, where that failure was caught."""
    broken: list[str] = []

    def refusal(what: str) -> Callable[..., Never]:
        def refuse(*_: object, **__: object) -> Never:
            broken.append(what)
            pytest.fail(f"{what}: {RULE}")

        return refuse

    with pytest.MonkeyPatch.context() as patch:
        for owner, names in REFUSED:
            for name in names:
                patch.setattr(owner, name, refusal(f"{getattr(owner, '__name__', '')}.{name}"))
        yield
    if broken:
        pytest.fail(f"{', '.join(broken)}: {RULE}")
