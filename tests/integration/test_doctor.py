"""`mpic doctor` and `mpic perspectives` on real programs: what is wrong is found and named."""

import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from google.protobuf import json_format

from mpic.runtime.doctor.ports import try_port
from mpic.runtime.pki import Subject, create_authority, issue_certificate
from mpic.v1 import corroboration_pb2 as c
from tests.world import network, zones
from tests.world.deployment import (
    COORDINATOR,
    COORDINATOR_ADMIN,
    MPIC,
    Deployment,
    agent_address,
    wait_serving,
)
from tests.world.internet import Internet
from tests.world.pages import scrape
from tests.world.places import PLACES
from tests.world.process import plain_environment, wait_until

TOKYO, FRANKFURT, ASHBURN = PLACES[:3]


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [MPIC, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env=plain_environment() | {"COLUMNS": "200"},
    )


@dataclass(frozen=True)
class Report:
    code: int
    findings: list[dict[str, object]]

    def of(self, check: str, outcome: str) -> list[str]:
        """The findings of a check that came out so."""
        return [
            f"{one['what']} -> {one['mend']}"
            for one in self.findings
            if (one["check"], one["outcome"]) == (check, outcome)
        ]


def examine(file: Path) -> Report:
    done = run("doctor", "--config", file, "--json")
    assert "Traceback" not in done.stderr
    return Report(done.returncode, json.loads(done.stdout)["findings"])


def examine_healthy(file: Path) -> Report:
    """Examine what is in order, once: nobody asks a doctor until he says so."""
    report = examine(file)
    assert report.code == 0, report.findings
    return report


def changed(file: Path, directory: Path, *changes: tuple[str, str]) -> Path:
    """Write a configuration with some text replaced."""
    text = file.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (directory / "changed.toml").write_text(text)
    return directory / "changed.toml"


def perspectives(deployment: Deployment, *more: str) -> subprocess.CompletedProcess[str]:
    tls = deployment.caller_tls()
    files = ("--cert", tls.certificate, "--key", tls.private_key, "--ca", tls.authority)
    at = ("--server", COORDINATOR, "--server-name", "localhost")
    return run("perspectives", *at, *files, *more)


def test_in_a_healthy_deployment_nothing_is_wrong(deployment: Deployment) -> None:
    agent = examine_healthy(deployment.agent_file("tokyo"))
    coordinator = examine_healthy(deployment.coordinator_file)
    assert agent.of("port", "ok") == ["the program listens on 127.0.0.1:7310 -> "]
    assert "it validates" in agent.of("resolver", "ok")[0]
    assert "within the root's signature" in " ".join(agent.of("clock", "ok"))
    ways = " ".join(agent.of("ways out", "ok"))
    for word in ("1 of 1 root servers answer over UDP", "over TCP", "servers of jp", "EDNS passes"):
        assert word in ways
    assert len(coordinator.of("perspectives", "ok")) == 6
    assert coordinator.of("port", "ok") == ["the program listens on 127.0.0.1:7300 -> "]


@pytest.mark.parametrize(
    ("ports", "wrong"),
    [
        ((80, 443), []),
        ((443,), ["port 80 outbound is closed over IPv4: dialling 203.0.113.100, port 80:"]),
        ((), ["this perspective cannot fetch over IPv4: dialling 203.0.113.100, port 80:"]),
    ],
)
def test_each_way_out_to_web_servers_is_tried(
    deployment: Deployment, tmp_path: Path, ports: Sequence[int], wrong: Sequence[str]
) -> None:
    hosts = f'[connect]\ndoctor_hosts = ["child.{zones.RECORDS.name}", "nobody.example.test"]\n'
    file = changed(deployment.agent_file("tokyo"), tmp_path, ("[connect]\n", hosts))
    with ExitStack() as stack:
        for port in ports:
            stack.enter_context(socket.create_server((network.WEB, port)))
        report = examine(file)
    errors = report.of("connections", "error")
    assert [one.startswith(start) for one, start in zip(errors, wrong, strict=True)] == [
        True for _ in wrong
    ]
    assert report.code == bool(wrong)
    assert len(report.of("connections", "ok")) == len(ports)
    # The Internet of the tests has no IPv6.
    (ipv6,) = report.of("connections", "warning")
    assert ipv6.startswith("this perspective cannot fetch over IPv6: dialling 2001:db8::100, port")


def test_for_a_person_it_says_the_same_in_lines(deployment: Deployment) -> None:
    examine_healthy(deployment.agent_file("tokyo"))
    done = run("doctor", "--config", deployment.agent_file("tokyo"))
    assert done.returncode == 0, done.stdout
    assert "ok       tls: certificate, key and authority fit" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("0 errors, ")
    assert not done.stderr


def test_the_live_state_is_shown_as_a_table_and_as_json(deployment: Deployment) -> None:
    deployment.wait_ready()
    table, document = perspectives(deployment), perspectives(deployment, "--json")
    assert (table.returncode, document.returncode) == (0, 0)
    for word in ("frankfurt", "remote", "RIPE", "ready", "Unbound", "ago", "6 of 6 can be asked"):
        assert word in table.stdout
    listed = json_format.Parse(document.stdout, c.ListPerspectivesResponse())
    assert [one.ready for one in listed.perspectives] == [True] * 6


def test_a_file_that_cannot_be_used_is_an_error(deployment: Deployment, tmp_path: Path) -> None:
    wrong = changed(deployment.agent_file("tokyo"), tmp_path, ("lookup_timeout", "lokup_timeout"))
    report = examine(wrong)
    assert report.code == 1
    assert "Did you mean lookup_timeout?" in report.of("config", "error")[0]


def test_an_agent_with_anothers_certificate_and_port_is_told_so(
    deployment: Deployment, tmp_path: Path
) -> None:
    listen = agent_address(TOKYO)
    changes = (("perspective-tokyo", "perspective-ashburn"), (f'"{listen}"', f'"{COORDINATOR}"'))
    report = examine(changed(deployment.agent_file("tokyo"), tmp_path, *changes))
    assert report.code == 1
    assert "is for spiffe://mpic.test/perspective/ashburn" in report.of("tls", "error")[0]
    assert "coordinator/main listens on 127.0.0.1:7300" in report.of("port", "error")[0]


def test_a_coordinator_of_another_authority_is_told_who_closes(
    deployment: Deployment, tmp_path: Path
) -> None:
    other = create_authority(tmp_path / "other", "mpic.test")
    pair = issue_certificate(other, Subject("coordinator", "main"))
    here = str(deployment.pki / "coordinator-main")
    mine = str(pair.certificate.with_suffix(""))
    report = examine(changed(deployment.coordinator_file, tmp_path, (here, mine)))
    assert report.code == 1
    assert "is not signed by" in report.of("tls", "error")[0]
    refused = report.of("perspectives", "error")
    assert len(refused) == 6
    assert "shows its certificate and then closes" in refused[0]
    ca = str(deployment.pki / "ca.pem")
    strange = changed(deployment.coordinator_file, tmp_path, (ca, str(other.file)))
    refused = examine(strange).of("perspectives", "error")
    assert "something answers, but its certificate is refused" in refused[0]


def test_a_coordinator_that_no_agent_lets_in_is_told_so(
    deployment: Deployment, tmp_path: Path
) -> None:
    # A caller's certificate is valid, but on no agent's list.
    as_caller = ("coordinator-main", "caller-pipeline")
    report = examine(changed(deployment.coordinator_file, tmp_path, as_caller))
    refused = report.of("perspectives", "error")
    assert len(refused) == 6
    assert "it refuses this coordinator" in refused[0]
    assert "Add this coordinator's SPIFFE id to [callers] allowed of the agent" in refused[0]


def test_agents_that_are_swapped_are_both_named(deployment: Deployment, tmp_path: Path) -> None:
    one, other = agent_address(FRANKFURT), agent_address(ASHBURN)
    swap = ((one, "swap"), (other, one), ("swap", other))
    file = changed(deployment.coordinator_file, tmp_path, *swap)
    report = examine(file)
    assert report.code == 1
    frankfurt, ashburn = report.of("perspectives", "error")
    assert frankfurt.startswith("frankfurt: the agent of ashburn answers there")
    assert ashburn.startswith("ashburn: the agent of frankfurt answers there")
    assert "swapped?" in ashburn


def test_an_agent_that_is_down_is_named(deployment: Deployment) -> None:
    deployment.agents[ASHBURN.id].stop()
    wait_until(lambda: not deployment.perspective(ASHBURN.id).ready, 60, deployment.say_who)
    report = examine(deployment.coordinator_file)
    shown = perspectives(deployment)
    wait_serving(deployment.start_agent(ASHBURN.id))
    assert report.code == 1
    (error,) = report.of("perspectives", "error")
    assert error.startswith("ashburn: it cannot be reached: Connection refused -> Start its agent")
    assert "5 of 6 can be asked" in shown.stdout
    assert "UNAVAILABLE" in shown.stdout
    deployment.wait_ready()
    assert perspectives(deployment).returncode == 0


@contextmanager
def hanging_resolver(deployment: Deployment) -> Iterator[None]:
    """Let Ashburn's Unbound hang, from when its agent says so."""
    agent = deployment.agents[ASHBURN.id]
    pid = int(agent.events("unbound_started")[-1]["pid"])
    os.kill(pid, signal.SIGSTOP)
    try:
        wait_until(
            lambda: not deployment.perspective(ASHBURN.id).description.resolver.validates,
            60,
            agent.log_file.read_text,
        )
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_an_agent_whose_resolver_hangs_is_named(deployment: Deployment) -> None:
    with hanging_resolver(deployment):
        report = examine(deployment.coordinator_file)
        shown = perspectives(deployment, "--json")
    (listed,) = (
        one
        for one in json_format.Parse(shown.stdout, c.ListPerspectivesResponse()).perspectives
        if one.perspective_id == ASHBURN.id
    )
    assert not listed.description.resolver.validates
    assert report.code == 1
    (error,) = report.of("perspectives", "error")
    assert error.startswith("ashburn: its resolver is not shown to validate: ")


def test_a_resolver_that_does_not_validate_is_an_error(
    deployment: Deployment, internet: Internet, tmp_path: Path
) -> None:
    anchor = str(internet.trust_anchor_file)
    change = (f'"{anchor}"', '"/usr/share/dns/root.key"')
    report = examine(changed(deployment.agent_file("tokyo"), tmp_path, change))
    assert report.code == 1
    assert "it is not shown to validate" in report.of("resolver", "error")[0]
    missing = (('id = "tokyo"', 'id = "tokyo"\n'), ("[resolver]", '[resolver]\nexecutable = "no"'))
    report = examine(changed(deployment.agent_file("tokyo"), tmp_path, *missing))
    assert "no is not installed" in report.of("resolver", "error")[0]


def test_a_clock_that_is_outside_the_roots_signature_is_an_error(
    deployment: Deployment, internet: Internet
) -> None:
    (root,) = zones.ROOT_ZONES
    internet.replace(replace(root, signing=zones.Signing.EXPIRED))
    try:
        report = examine(deployment.agent_file("tokyo"))
    finally:
        internet.replace(root)
    assert report.code == 1
    assert "the clock is fast by 10 days" in report.of("clock", "error")[0]
    assert "See `clock`" in report.of("resolver", "error")[0]


def test_ways_that_are_shut_are_errors(deployment: Deployment) -> None:
    network.black_hole(network.perspective_address(0), network.ROOT)
    report = examine(deployment.agent_file("tokyo"))
    network.heal()
    assert report.code == 1
    udp, tcp = report.of("ways out", "error")
    assert udp.startswith("no root servers answers over UDP 53")
    assert tcp.startswith("no root servers answers over TCP 53")
    assert "Let UDP 53 and TCP 53 out" in tcp


_ROWS = f"""
[[policy.row]]
effective_from = {datetime(2026, 6, 15, tzinfo=UTC).isoformat()}
minimum_remotes = 5

[[policy.row]]
effective_from = 2099-01-01T00:00:00Z
minimum_remotes = 9
"""


def test_a_roster_that_breaks_at_the_next_date_is_warned_of(
    deployment: Deployment, tmp_path: Path
) -> None:
    # What the tests before did to the root, every agent has to have got over.
    wait_until(lambda: examine(deployment.coordinator_file).code == 0, 120, deployment.say_who)
    file = tmp_path / "dated.toml"
    file.write_text(deployment.coordinator_file.read_text() + _ROWS)
    report = examine(file)
    assert report.code == 0, report.findings
    (warning,) = report.of("roster", "warning")
    assert warning.startswith("from 2099-01-01T00:00Z on nothing will be approved")
    assert "Add 4 [[perspective]]" in warning


@pytest.mark.parametrize(
    ("more", "code", "says"),
    [
        (("--server", "127.0.0.1:7999"), 9, "Is the coordinator running there?"),
        (("--cert", "/nowhere.pem"), 2, "/nowhere.pem"),
    ],
)
def test_the_live_state_cannot_be_had(
    deployment: Deployment, more: tuple[str, ...], code: int, says: str
) -> None:
    done = perspectives(deployment, *more)
    assert done.returncode == code
    assert says in done.stderr


# What grpcio lacks, before it is used: mpic is loaded first, as it has to be.
_LACKING = "import mpic\nfrom grpc._cython import cygrpc\ndel cygrpc._ServicerContext\n"


def test_a_grpcio_that_lacks_a_part_is_found_and_seen_and_serves(
    deployment: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = ("mpic_calls_taken_up_together",)
    assert scrape(COORDINATOR_ADMIN)[shown] == 1
    assert examine(deployment.coordinator_file).of("grpcio", "ok")
    (tmp_path / "sitecustomize.py").write_text(_LACKING)
    try:
        with monkeypatch.context() as lacking:
            lacking.setenv("PYTHONPATH", str(tmp_path))
            deployment.restart_coordinator()
            (finding,) = examine(deployment.coordinator_file).of("grpcio", "warning")
        deployment.wait_ready()
        assert "_ServicerContext" in finding
        assert scrape(COORDINATOR_ADMIN)[shown] == 0
        assert deployment.ask("child.parent.example.co.jp").approved
    finally:
        deployment.restart_coordinator()
        deployment.wait_ready()


def test_an_address_the_host_lacks_is_absent() -> None:
    assert try_port("198.51.100.250:7310") == "absent"
    assert try_port("no-such-host.invalid:7310") == "absent"
