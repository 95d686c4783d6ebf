"""Runs tests of a copy in a fork of an interpreter that has loaded the libraries already.

Importing the libraries takes longer than most tests that are near to a fault. The interpreter that
is forked has loaded nothing of the project, so each fork loads all of it from the copy.
"""

import gc
import multiprocessing
import os
import resource
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.world import network

# Loading one of them starts no thread: a thread would be missing in the fork.
LIBRARIES = (
    "aiohttp.web",
    "cryptography.x509",
    "dns.asyncquery",
    "dns.dnssec",
    "dns.zone",
    "geographiclib.geodesic",
    "grpc.aio",
    "grpc_health.v1.health",
    "grpc_status.rpc_status",
    "hypothesis.strategies",
    "idna",
    "prometheus_client.aiohttp",
    "psycopg",
    "publicsuffixlist",
    "pydantic.fields",
    "pydantic.main",
    "pytest_asyncio.plugin",
    "rich.console",
    "rich.table",
    "structlog.testing",
    "typer.testing",
    "unittest.mock",
)
_OURS = ("coordinator", "deploy", "mpic", "perspective_agent", "tests")
_PROJECT = Path(__file__).parents[2]
_MEMORY = 4 * 2**30  # octets
_DIED = -1
# The libraries were loaded before pytest could rewrite the assertions of those that are plugins.
_OPTIONS = (
    "--no-header",
    "-p",
    "no:cacheprovider",
    "-W",
    "ignore::pytest.PytestAssertRewriteWarning",
)

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(list(LIBRARIES))


class Run(NamedTuple):
    code: int | None
    """What pytest returned; None where it took too long."""
    output: str


def run(copy: Path, arguments: Sequence[str], seconds: float) -> Run:
    """Run pytest in a copy, in a network namespace of its own, and end whoever is left in it."""
    output = _output(copy)
    output.write_bytes(b"")
    receiver, sender = _forks.Pipe(duplex=False)
    process = _forks.Process(target=_run, args=(copy, arguments, sender))
    process.start()
    sender.close()
    namespace: int | None = None
    try:
        namespace = receiver.recv()
        code = receiver.recv() if receiver.poll(seconds) else None
    except EOFError:
        code = _DIED
    receiver.close()
    if namespace is not None:
        _kill_all_in(namespace)
    process.join()
    return Run(code, output.read_text(errors="replace"))


def _run(copy: Path, arguments: Sequence[str], sender: Connection) -> None:
    gc.freeze()  # pytest collects garbage twice: not that of the libraries
    network.enter_own()
    sender.send(_of(Path("/proc/self")))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    with _output(copy).open("ab") as output:
        os.dup2(output.fileno(), sys.stdout.fileno())
        os.dup2(output.fileno(), sys.stderr.fileno())
    _work_in(copy)
    code = pytest.main([*_OPTIONS, f"--rootdir={copy}", *arguments])
    sys.stdout.flush()
    sender.send(int(code))


def _work_in(copy: Path) -> None:
    """Let this process, and the programs it starts, load the project from the copy."""
    os.chdir(copy)
    places = [str(copy), str(copy / "proto")]
    others = {"", str(_PROJECT), str(_PROJECT / "proto")}
    sys.path[:] = [*places, *(place for place in sys.path if place not in others)]
    os.environ["PYTHONPATH"] = os.pathsep.join(places)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    for name in [name for name in sys.modules if name.partition(".")[0] in _OURS]:
        del sys.modules[name]


def _kill_all_in(namespace: int) -> None:
    """Kill the process that ran the tests and servers it left, whatever their process groups."""
    while pids := [int(process.name) for process in _processes() if _of(process) == namespace]:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


def _processes() -> Iterator[Path]:
    return Path("/proc").glob("[0-9]*")


def _of(process: Path) -> int | None:
    """Return the network namespace of a process; None if it has ended."""
    try:
        return (process / "ns/net").stat().st_ino
    except OSError:
        return None


def _output(copy: Path) -> Path:
    return copy.with_suffix(".output")
