"""Change without a stop: certificates, roster, policy, callers and log level; all or nothing."""

import os
import shutil
import signal
import socket
import ssl
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

import grpc
import pytest
from cryptography import x509

from mpic.runtime.pki import Subject, issue_certificate, load_authority
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import corroboration_pb2_grpc
from tests.world.deployment import COORDINATOR, Deployment, Plan, agent_address
from tests.world.held import hold
from tests.world.places import PLACES
from tests.world.process import Child, wait_until
from tests.world.requests import named

CHILD = "child.parent.example.co.jp"
# Longer than names are held, and than a reload takes.
PLAN = Plan(lookup_timeout=30)


@contextmanager
def reloading(child: Child, event: str = "reloaded", *, hup: bool = True) -> Iterator[None]:
    """Wait until what is changed inside has been read, and came to `event`."""
    before = len(child.events(event))
    yield
    if hup:
        os.kill(child.pid, signal.SIGHUP)
    wait_until(lambda: len(child.events(event)) > before, 60, child.log_file.read_text)


@contextmanager
def changed(deployment: Deployment, old: str, new: str, event: str = "reloaded") -> Iterator[None]:
    """Let the coordinator's file say something else for a while."""
    file, child = deployment.coordinator_file, deployment.coordinator
    text = file.read_text()
    assert old in text
    with reloading(child, event):
        file.write_text(text.replace(old, new))
    try:
        yield
    finally:
        with reloading(child):
            file.write_text(text)


def serial_shown(deployment: Deployment, address: str) -> int:
    tls = deployment.caller_tls()
    context = ssl.create_default_context(cafile=tls.authority)
    context.check_hostname = False
    context.load_cert_chain(tls.certificate, tls.private_key)
    context.set_alpn_protocols(["h2"])
    host, _, port = address.rpartition(":")
    with (
        socket.create_connection((host, int(port)), 60) as plain,
        context.wrap_socket(plain) as connection,
    ):
        der = connection.getpeercert(binary_form=True)
    assert der
    return x509.load_der_x509_certificate(der).serial_number


def renew(deployment: Deployment, subject: Subject) -> int:
    """Put a new pair in the place of the old; return its serial number."""
    authority = load_authority(deployment.pki)
    new = deployment.directory / "renewed"
    shutil.rmtree(new, ignore_errors=True)
    shutil.copytree(deployment.pki, new, ignore=shutil.ignore_patterns("*-*"))
    pair = issue_certificate(load_authority(new), subject)
    assert authority.trust_domain
    for file in (pair.private_key, pair.certificate):
        shutil.move(file, deployment.pki / file.name)
    pem = (deployment.pki / pair.certificate.name).read_bytes()
    return x509.load_pem_x509_certificate(pem).serial_number


class Load:
    """Asks one question after the other, on one channel and on ever new ones."""

    def __init__(self, deployment: Deployment) -> None:
        self.approved = 0
        self.failed: list[object] = []
        self._deployment = deployment
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(fresh,)) for fresh in (True, False)
        ]

    def _run(self, fresh: bool) -> None:
        with self._deployment.channel() as channel:
            stub = corroboration_pb2_grpc.CorroborationServiceStub(channel)
            while not self._stop.is_set():
                request = c.CorroborateRequest(request_id=uuid.uuid4().hex, names=named([CHILD]))
                try:
                    if fresh:
                        response = self._deployment.send(request)
                    else:
                        response = stub.Corroborate(request, timeout=60)
                except grpc.RpcError as error:
                    self.failed.append(error)
                    continue
                if response.approved:
                    self.approved += 1
                else:
                    self.failed.append(response)

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def test_certificates_are_renewed_under_load_and_no_request_is_lost(deployment: Deployment) -> None:
    """One by the signal, the others because their files have changed."""
    with Load(deployment) as load:
        with reloading(deployment.coordinator):
            serial = renew(deployment, Subject("coordinator", "main", ("localhost",)))
        assert serial_shown(deployment, COORDINATOR) == serial
        for place in PLACES[:2]:
            agent = deployment.agents[place.id]
            with reloading(agent, hup=False):
                serial = renew(deployment, Subject("perspective", place.id))
            assert serial_shown(deployment, agent_address(place)) == serial
        approved = load.approved
        wait_until(lambda: load.approved > approved + 2, 60, lambda: str(load.failed))
    assert not load.failed


def test_a_file_that_cannot_be_used_changes_nothing_and_says_why(deployment: Deployment) -> None:
    with changed(deployment, "[callers]", "[collars]", "reload_refused"):
        assert "collars" in str(deployment.coordinator.events("reload_refused")[-1]["problems"])
        assert deployment.ask(CHILD).approved


def test_what_needs_a_restart_refuses_the_reload(deployment: Deployment) -> None:
    with changed(deployment, COORDINATOR, "127.0.0.1:7999", "reload_refused"):
        line = str(deployment.coordinator.events("reload_refused")[-1]["problems"])
        assert "coordinator.listen: cannot be changed while running" in line


def test_a_certificate_that_is_not_the_keys_changes_nothing(deployment: Deployment) -> None:
    pair = deployment.pki / "perspective-frankfurt"
    certificate = pair.with_suffix(".pem")
    old = certificate.read_bytes()
    agent = deployment.agents["frankfurt"]
    with reloading(agent, "reload_refused"):
        certificate.write_bytes((deployment.pki / "perspective-ashburn.pem").read_bytes())
    shown = serial_shown(deployment, agent_address(PLACES[1]))
    assert shown == x509.load_pem_x509_certificate(old).serial_number
    with reloading(agent):
        certificate.write_bytes(old)


def test_callers_come_and_go(deployment: Deployment) -> None:
    with changed(deployment, "caller/pipeline", "caller/other"):
        with pytest.raises(grpc.RpcError) as raised:
            deployment.ask(CHILD)
        assert raised.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert deployment.ask(CHILD).approved


def test_another_roster_is_asked_and_what_runs_keeps_its_own(deployment: Deployment) -> None:
    text = deployment.coordinator_file.read_text()
    last = text[text.rindex("[[perspective]]") :]
    assert 'id = "singapore"' in last
    with deployment.channel() as channel, hold() as held:
        stub = corroboration_pb2_grpc.CorroborationServiceStub(channel)
        request = c.CorroborateRequest(request_id="r", names=named(held.names(1)))
        running = stub.Corroborate.future(request, timeout=60)
        deployment.wait_looking(1)
        with changed(deployment, last, ""):
            assert not running.done()
            (verdict,) = deployment.ask(CHILD).names
            assert verdict.quorum == "4/4"
            assert len(verdict.perspectives) == 5
            held.release()
            assert len(running.result().names[0].perspectives) == 6
    deployment.wait_ready()
    assert deployment.ask(CHILD).names[0].quorum == "5/5"


def test_the_log_level_changes(deployment: Deployment) -> None:
    """Above info, not even the reload is told; a question leaves no line."""
    file, child = deployment.coordinator_file, deployment.coordinator
    text = file.read_text()
    with reloading(child):
        file.write_text(text.replace("[callers]", '[log]\nlevel = "debug"\n[callers]'))
    before = len(child.events("verdict"))
    assert deployment.ask(CHILD).approved
    assert len(child.events("verdict")) == before + 1
    file.write_text(text.replace("[callers]", '[log]\nlevel = "error"\n[callers]'))
    os.kill(child.pid, signal.SIGHUP)
    wait_until(lambda: not _leaves_a_line(deployment), 60, child.log_file.read_text)
    with reloading(child):
        file.write_text(text)


def _leaves_a_line(deployment: Deployment) -> bool:
    before = len(deployment.coordinator.events("verdict"))
    assert deployment.ask(CHILD).approved
    return len(deployment.coordinator.events("verdict")) > before
