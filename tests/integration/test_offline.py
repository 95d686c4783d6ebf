"""The rule of tests/unit holds: what opens a socket or starts a program fails there."""

import asyncio
import multiprocessing
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import grpc
import psycopg
import pytest

from tests.world.offline import RULE, offline


def listen(family: socket.AddressFamily, address: object) -> None:
    with socket.socket(family) as one:
        one.bind(address)


def connect() -> None:
    with socket.socket() as one:
        one.connect(("127.0.0.1", 1))


def serve_http() -> None:
    async def serve() -> None:
        await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)

    asyncio.run(serve())


def serve_grpc() -> None:
    async def serve() -> None:
        grpc.aio.server().add_insecure_port("127.0.0.1:0")

    asyncio.run(serve())


def run_elsewhere() -> None:
    multiprocessing.get_context("fork").Process(target=print).start()


@pytest.mark.parametrize(
    "breach",
    [
        lambda: listen(socket.AF_INET, ("127.0.0.1", 0)),
        lambda: listen(socket.AF_UNIX, str(Path("/tmp") / "never")),  # noqa: S108
        connect,
        serve_http,
        serve_grpc,
        lambda: grpc.insecure_channel("127.0.0.1:1"),
        lambda: psycopg.connect("host=/nowhere"),
        lambda: subprocess.run([sys.executable, "-V"], check=True),
        lambda: os.system("true"),  # noqa: S605
        run_elsewhere,
    ],
)
def test_a_breach_fails_also_where_its_failure_is_caught(breach: Callable[[], object]) -> None:
    with pytest.raises(pytest.fail.Exception, match=RULE), offline():
        breach()
    with pytest.raises(pytest.fail.Exception, match=RULE), offline(), suppress(BaseException):
        breach()


def test_an_event_loop_is_no_breach() -> None:
    with offline():
        asyncio.run(asyncio.sleep(0))
