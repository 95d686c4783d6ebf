"""A process takes all files that it may open, or says what to set: in processes with limits."""

import json
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from mpic.runtime.doctor.open_files import examine_open_files, read_limit
from mpic.runtime.open_files import LEAST

_RAISE = """
import json, resource
from mpic.runtime.open_files import TooFewFilesError, raise_limit
try:
    raised = raise_limit()
except TooFewFilesError as error:
    raised = str(error)
print(json.dumps([raised, *resource.getrlimit(resource.RLIMIT_NOFILE)]))
"""


def raise_under(soft: int, hard: int) -> list[object]:
    """What is returned, and the limits after it."""
    command = ("prlimit", f"--nofile={soft}:{hard}", sys.executable, "-c", _RAISE)
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: list[object] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize(
    ("soft", "hard", "limit"),
    [
        (1024, 1024, 1024),
        (1024, 4096, 4096),
        (LEAST, LEAST, LEAST),
    ],
)
def test_the_soft_limit_is_raised(soft: int, hard: int, limit: int) -> None:
    assert raise_under(soft, hard) == [limit, limit, hard]


@pytest.mark.parametrize("limit", [128, LEAST - 1])
def test_too_few_are_refused_with_what_to_set_and_where(limit: int) -> None:
    said, *_ = raise_under(limit, limit)
    assert str(said).startswith(f"this process may have {limit} files open, and needs {LEAST} at")
    for word in ("LimitNOFILE=65536", "--ulimit nofile=65536:65536", "compose", "Kubernetes"):
        assert word in str(said)


class _Page(BaseHTTPRequestHandler):
    text = ""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.text.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def admin() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), _Page) as server:
        Thread(target=server.serve_forever, args=(0.01,)).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def test_the_running_programs_limit_counts_and_not_this_ones(
    admin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_Page, "text", "process_open_fds 20.0\nprocess_max_fds 1024.0\n")
    (finding,) = examine_open_files(admin, 5440)
    assert finding.what.startswith("the running program may have 1024 files open")
    monkeypatch.setattr(_Page, "text", "something else\n")
    assert read_limit(admin) is None


def test_where_none_runs_this_processs_limit_is_looked_at() -> None:
    (finding,) = examine_open_files("127.0.0.1:1", 1)
    assert finding.what.startswith("a program started from here may have")
