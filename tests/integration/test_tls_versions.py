"""TLS 1.3 and nothing older, by whatever way a program is started, as server and as client.

Programs start with nothing in their environment but where to find programs: what this process has
set up for itself must not help them.
"""

import json
import os
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from mpic.channel import TlsFiles
from mpic.runtime.address import shift_port
from tests.world.deployment import (
    COORDINATOR,
    MPIC,
    Deployment,
    Plan,
    agent_address,
    wait_serving,
)
from tests.world.internet import Internet
from tests.world.places import PLACES
from tests.world.process import Child, wait_until

NOTHING = {"PATH": os.environ["PATH"]}
PYTHON = sys.executable
WAYS = {
    "mpic": ((MPIC, "agent"), (MPIC, "coordinator"), 1),
    "python -m mpic": ((PYTHON, "-m", "mpic", "agent"), (PYTHON, "-m", "mpic", "coordinator"), 1),
    "python -m": ((PYTHON, "-m", "perspective_agent"), (PYTHON, "-m", "coordinator"), 1),
    "workers": ((MPIC, "agent"), (MPIC, "coordinator"), 2),
}


def shake_hands(address: str, tls: TlsFiles, version: ssl.TLSVersion) -> str | None:
    """Return the version that a whole handshake agreed on, None where there was none."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.minimum_version = context.maximum_version = version
    context.load_verify_locations(tls.authority)
    context.load_cert_chain(tls.certificate, tls.private_key)
    context.set_alpn_protocols(["h2"])
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), 60) as plain:
        try:
            with context.wrap_socket(plain) as secure:
                return secure.version()
        except (ssl.SSLError, ConnectionError):
            return None


def shake_hands_by_key(address: str) -> str:
    """Try the only suite of TLS 1.2 that gRPC is left with; return what openssl saw."""
    suite = "ECDHE-PSK-AES128-CBC-SHA"
    key = ("-psk", "00", "-psk_identity", "anybody")
    done = subprocess.run(
        ["openssl", "s_client", "-tls1_2", "-cipher", suite, *key, "-connect", address],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",  # it shows octets as they are
        check=False,
    )
    return done.stdout


def start(deployment: Deployment, way: str) -> tuple[Child, Child, Sequence[str]]:
    """Start Tokyo's agent and the coordinator; return also where they listen."""
    agent, coordinator, workers = WAYS[way]
    children = []
    for command, file in (
        (agent, deployment.agent_file(PLACES[0].id)),
        (coordinator, deployment.coordinator_file),
    ):
        log = deployment.directory / f"{file.stem}.log"
        whole = (*command, "--config", str(file))
        children.append(Child(whole, log, environment=NOTHING))
    first = (agent_address(PLACES[0], workers), COORDINATOR)
    ports = [shift_port(one, worker) for one in first for worker in range(workers)]
    return children[0], children[1], ports


@pytest.mark.parametrize("way", WAYS)
def test_br_3_2_2_9_no_port_speaks_tls_1_2(internet: Internet, way: str, tmp_path: Path) -> None:
    workers = WAYS[way][2]
    deployment = Deployment(tmp_path, internet, Plan(workers=workers))
    deployment.write()
    agent, coordinator, ports = start(deployment, way)
    tls = deployment.caller_tls()
    try:
        for program in (agent, coordinator):
            wait_serving(program, workers)
        for port in ports:
            assert shake_hands(port, tls, ssl.TLSVersion.TLSv1_3) == "TLSv1.3"
            assert shake_hands(port, tls, ssl.TLSVersion.TLSv1_2) is None
            assert "Cipher is (NONE)" in shake_hands_by_key(port)
    finally:
        agent.stop()
        coordinator.stop()


class OldServer:
    """Speaks TLS up to a version, with an agent's or a coordinator's own certificate."""

    def __init__(self, pair: Path, authority: Path, address: str, newest: ssl.TLSVersion) -> None:
        self.met = 0
        """How many came."""
        self.believed: list[str | None] = []
        """The versions that handshakes agreed on."""
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.maximum_version = newest
        self._context.load_cert_chain(pair.with_suffix(".pem"), pair.with_suffix(".key"))
        self._context.load_verify_locations(authority)
        self._context.set_alpn_protocols(["h2"])
        host, _, port = address.rpartition(":")
        self.listener = socket.create_server((host, int(port)))

    def run(self) -> None:
        """Receive who comes, until the listener is closed."""
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            self.met += 1
            plain.settimeout(60)
            with suppress(OSError), self._context.wrap_socket(plain, server_side=True) as secure:
                self.believed.append(secure.version())


@contextmanager
def old_server(
    deployment: Deployment,
    who: str,
    address: str,
    newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2,
) -> Iterator[OldServer]:
    server = OldServer(deployment.pki / who, deployment.pki / "ca.pem", address, newest)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield server
    finally:
        server.listener.shutdown(socket.SHUT_RDWR)
        server.listener.close()
        thread.join()


def test_br_3_2_2_9_the_coordinator_speaks_no_tls_1_2_to_an_agent(
    internet: Internet, tmp_path: Path
) -> None:
    deployment = Deployment(tmp_path, internet)
    deployment.write()
    log = tmp_path / "coordinator.log"
    with old_server(deployment, "perspective-tokyo", agent_address(PLACES[0])) as server:
        command = (MPIC, "coordinator", "--config", str(deployment.coordinator_file))
        coordinator = Child(command, log, environment=NOTHING)
        try:
            wait_until(lambda: server.met > 1, 60, log.read_text)
        finally:
            coordinator.stop()
    assert not server.believed


@pytest.mark.parametrize("command", [("ask", "www.example.test"), ("perspectives",)])
def test_a_client_command_speaks_no_tls_1_2(
    internet: Internet, tmp_path: Path, command: Sequence[str]
) -> None:
    deployment = Deployment(tmp_path, internet)
    deployment.write()
    tls = deployment.caller_tls()
    files = ("--cert", tls.certificate, "--key", tls.private_key, "--ca", tls.authority)
    at = ("--server", COORDINATOR, "--server-name", "localhost", "--timeout", "5")
    with old_server(deployment, "coordinator-main", COORDINATOR) as server:
        done = subprocess.run(
            [MPIC, *command, *map(str, files), *at], env=NOTHING, capture_output=True, check=False
        )
    assert server.met
    assert not server.believed
    assert done.returncode == 9, done.stderr


TOO_LATE = """
import grpc
import sys
import mpic
{more}
from mpic.runtime.cli import main
main()
"""


@pytest.mark.parametrize("program", ["agent", "coordinator"])
@pytest.mark.parametrize(
    ("more", "says"),
    [
        ("", "grpc was imported before mpic"),
        ("mpic.TLS_1_3_ONLY = True", "accepts TLS 1.2, and only TLS 1.3 may be spoken"),
    ],
    ids=["loaded in the wrong order", "not heeded by gRPC"],
)
def test_a_program_that_would_speak_tls_1_2_does_not_start(
    internet: Internet, tmp_path: Path, program: str, more: str, says: str
) -> None:
    deployment = Deployment(tmp_path, internet)
    deployment.write()
    file = deployment.agent_file(PLACES[0].id)
    file = file if program == "agent" else deployment.coordinator_file
    done = subprocess.run(
        [PYTHON, "-c", TOO_LATE.format(more=more), program, "--config", str(file)],
        env=NOTHING,
        timeout=60,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert says in done.stderr


def test_doctor_finds_a_program_and_an_agent_that_speak_tls_1_2_too(
    internet: Internet, tmp_path: Path
) -> None:
    deployment = Deployment(tmp_path, internet)
    deployment.write()
    newest = ssl.TLSVersion.TLSv1_3
    with (
        old_server(deployment, "coordinator-main", COORDINATOR, newest),
        old_server(deployment, "perspective-tokyo", agent_address(PLACES[0]), newest),
    ):
        command = (MPIC, "doctor", "--json", "--config", str(deployment.coordinator_file))
        done = subprocess.run(command, env=NOTHING, capture_output=True, check=False)
    found = {
        one["check"]: one["what"]
        for one in json.loads(done.stdout)["findings"]
        if one["outcome"] == "error" and "TLS 1.2" in one["what"]
    }
    assert found.keys() == {"port", "perspectives"}
    assert found["perspectives"].startswith("tokyo: it accepts TLS 1.2")
