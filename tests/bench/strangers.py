"""What strangers cost others: latency of a listed caller, memory and files of the coordinator.

    tests/bench/run.sh strangers [--seconds N]

Real programs run over mutual TLS on this machine. A listed caller asks one question after the
other. Meanwhile a stranger beside it does what the row says. The stranger has a certificate of the
same authority that is on no list, or none. Each row has:

- what happened to the stranger;
- the listed caller's median and longest wait;
- the coordinator's resident memory before, at its peak, and ten seconds after;
- its open files before and at their peak.
"""

from __future__ import annotations

import argparse
import multiprocessing
import socket
import ssl
import statistics
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc

from mpic.channel import TlsFiles, channel_credentials
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import corroboration_pb2_grpc
from tests.bench.running import USUAL, running
from tests.world.deployment import COORDINATOR, Deployment
from tests.world.requests import named

_MIB = 1024 * 1024
_UNARY = "/mpic.v1.CorroborationService/Corroborate"
_STREAM = "/mpic.v1.CorroborationService/CorroborateStream"
_HEALTH = "/grpc.health.v1.Health/Check"
_SILENT_SECONDS = 15.0
_NAME = "child.parent.example.co.jp"
_HEAD = (
    "stranger",
    "p50 ms",
    "max ms",
    "MB before",
    "most",
    "after",
    "files",
    "most",
    "came of it",
)


_Work = Callable[[TlsFiles], Counter[str]]
"""What a stranger does with a certificate; gives what came of it."""


def _payload(octets: int) -> bytes:
    """Return what parses as whatever is asked: one long text in the field 1."""
    return c.CorroborateRequest(request_id="a" * octets).SerializeToString()


class _Channel:
    """A stranger's own connection, without any bound on what it sends."""

    def __init__(self, tls: TlsFiles) -> None:
        options = [
            ("grpc.ssl_target_name_override", "localhost"),
            ("grpc.max_send_message_length", -1),
            ("grpc.use_local_subchannel_pool", 1),
        ]
        self.channel = grpc.secure_channel(COORDINATOR, channel_credentials(tls), options)

    def call(
        self,
        method: str,
        octets: int,
        compression: grpc.Compression = grpc.Compression.NoCompression,
    ) -> str:
        """Send one message; return how the call ended."""
        call: Any = self.channel.stream_stream(method)(
            iter([_payload(octets)]), timeout=60, compression=compression
        )
        with suppress(grpc.RpcError):
            list(call)
        return str(call.code().name)


def _calls(method: str, number: int, octets: int, compression: grpc.Compression) -> _Work:
    def run(tls: TlsFiles) -> Counter[str]:
        ended: list[str] = []

        def one() -> None:
            ended.append(_Channel(tls).call(method, octets, compression))

        threads = [threading.Thread(target=one) for _ in range(number)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return Counter(ended)

    return run


def _connections(
    number: int, shake_hands: Callable[[TlsFiles, socket.socket], socket.socket]
) -> _Work:
    """Hold connections that say nothing for a while; count those that are still open then."""

    def run(tls: TlsFiles) -> Counter[str]:
        held, ended = [], Counter[str]()
        for _ in range(number):
            try:
                plain = socket.create_connection(("127.0.0.1", 7300), 5)
                held.append(shake_hands(tls, plain))
            except OSError:
                ended["refused"] += 1
        time.sleep(_SILENT_SECONDS)
        for one in held:
            one.settimeout(0)
            ended["open" if _is_open(one) else "ended"] += 1
        return ended

    return run


def _is_open(connection: socket.socket) -> bool:
    """Read what has come; say whether the other side has not hung up."""
    with suppress(ssl.SSLWantReadError, BlockingIOError):
        while connection.recv(65536):
            pass
        return False
    return True


def _stay_silent(_: TlsFiles, plain: socket.socket) -> socket.socket:
    return plain


def _shake_hands(tls: TlsFiles, plain: socket.socket) -> socket.socket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(tls.authority)
    context.load_cert_chain(tls.certificate, tls.private_key)
    context.set_alpn_protocols(["h2"])
    return context.wrap_socket(plain)


_NONE, _GZIP = grpc.Compression.NoCompression, grpc.Compression.Gzip
_WORKS: dict[str, _Work] = {
    "nobody": lambda _: Counter(),
    "one message of 62 MiB": _calls(_UNARY, 1, 62 * _MIB, _NONE),
    "four of 60 MiB, gzip": _calls(_UNARY, 4, 60 * _MIB, _GZIP),
    "the same on a stream": _calls(_STREAM, 4, 60 * _MIB, _GZIP),
    "62 MiB for health": _calls(_HEALTH, 1, 62 * _MIB, _NONE),
    "four of 60 MiB, gzip, for health": _calls(_HEALTH, 4, 60 * _MIB, _GZIP),
    "2,000 silent connections": _connections(2000, _stay_silent),
    "300 connections of TLS, silent": _connections(300, _shake_hands),
}


def _work(name: str, tls: TlsFiles, came: multiprocessing.SimpleQueue[Counter[str]]) -> None:
    came.put(_WORKS[name](tls))


class _Watch:
    """Reads now and then what the coordinator holds."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.resident = self.files = 0.0

    def read(self) -> None:
        """Keep the most there was."""
        resident, files = read_held(self._pid)
        self.resident, self.files = max(self.resident, resident), max(self.files, files)


def read_held(pid: int) -> tuple[float, int]:
    """Return resident memory in MB, and how many files are open."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096 / 1e6, len(list(Path(f"/proc/{pid}/fd").iterdir()))


def _measure(deployment: Deployment, name: str, seconds: float) -> tuple[str, ...]:
    pid = deployment.coordinator.pid
    resident, files = read_held(pid)
    watch, waits = _Watch(pid), list[float]()
    context = multiprocessing.get_context("spawn")
    came: multiprocessing.SimpleQueue[Counter[str]] = context.SimpleQueue()
    process = context.Process(target=_work, args=(name, deployment.caller_tls("stranger"), came))
    with deployment.channel() as channel:
        stub = corroboration_pb2_grpc.CorroborationServiceStub(channel)
        process.start()
        started = time.perf_counter()
        while process.is_alive() or time.perf_counter() - started < seconds:
            request = c.CorroborateRequest(request_id=uuid.uuid4().hex, names=named([_NAME]))
            asked = time.perf_counter()
            stub.Corroborate(request, timeout=120)
            waits.append((time.perf_counter() - asked) * 1000)
            watch.read()
            time.sleep(0.01)
    process.join()
    time.sleep(10)
    after, _ = read_held(pid)
    became = ", ".join(f"{count} {how}" for how, count in came.get().items())
    figures = (statistics.median(waits), max(waits), resident, watch.resident, after)
    return (name, *(f"{one:.0f}" for one in figures), str(files), f"{watch.files:.0f}", became)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5.0, help="of each row at least")
    parser.add_argument("--only", default="", help="rows whose name has this in it")
    arguments = parser.parse_args()
    with running(USUAL) as (_, deployment):
        deployment.ask(_NAME)
        print_row(_HEAD)
        for name in _WORKS:
            if arguments.only in name:
                print_row(_measure(deployment, name, arguments.seconds))


def print_row(cells: tuple[str, ...]) -> None:
    """Print one line of the table."""
    first, *middle, last = cells
    print(f"{first:34}", *(f"{one:>9}" for one in middle), f"  {last}", flush=True)


if __name__ == "__main__":
    main()
