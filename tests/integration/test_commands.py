"""The commands as people type them: exit codes, words, refusals to start, a graceful end."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
from google.protobuf import json_format
from typer.testing import CliRunner, Result

from mpic.runtime.cli import build_app
from mpic.runtime.pki import Subject, issue_certificate, load_authority, name_pair
from mpic.v1 import corroboration_pb2 as c
from perspective_agent.unbound.configuration import UnboundOptions, unbound_config
from perspective_agent.unbound.trust_anchor import ROOT_KEYS
from tests.world import network
from tests.world.deployment import (
    COORDINATOR,
    COORDINATOR_ADMIN,
    MPIC,
    Deployment,
    wait_serving,
)
from tests.world.held import hold
from tests.world.internet import Internet
from tests.world.places import PLACES
from tests.world.process import Child, plain_environment, wait_until

CHILD = "child.parent.example.co.jp"
ENGLISH = {"LC_ALL": "", "LC_MESSAGES": "", "LANG": "C.UTF-8"}


def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [MPIC, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env=plain_environment() | {"COLUMNS": "160", **ENGLISH} | environment,
    )


def check(file: Path) -> Result:
    """Do what `mpic check-config` does, without starting a program for it."""
    return CliRunner().invoke(build_app("check-config"), ["check-config", str(file)])


def ask(
    deployment: Deployment, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    asking = ("--linger", "10", "--timeout", "60")
    return run("ask", *reach(deployment), *asking, *arguments, **environment)


def reach(deployment: Deployment) -> tuple[str, ...]:
    tls = deployment.caller_tls()
    files = ("--cert", tls.certificate, "--key", tls.private_key, "--ca", tls.authority)
    return ("--server-name", "localhost", "--server", COORDINATOR, *map(str, files))


def test_ask_exits_with_0_and_shows_who_saw_what(deployment: Deployment) -> None:
    done = ask(deployment, CHILD, "--wide")
    assert done.returncode == 0, done.stderr
    for place in PLACES[:6]:
        assert place.id in done.stdout
    for word in ("203.0.113.100", "secure", "Unbound", "tcp", "5/5", "APPROVED", "none up to jp"):
        assert word in done.stdout


def test_ask_exits_with_1_and_names_the_error(deployment: Deployment, tmp_path: Path) -> None:
    for number in (1, 2):
        source = network.perspective_address(number)
        network.divert(source, network.AUTHORITATIVE, network.LIAR)
    names = ("refused.plain.example.co.jp", "child.plain.example.co.jp")
    done = ask(deployment, *names, XDG_STATE_HOME=str(tmp_path))
    network.restore_all()
    assert done.returncode == 1
    for word in ("REFUSED, error 338", "3/5", "DIFFERS addresses", "203.0.113.66"):
        assert word in done.stdout
    explained = run("explain", "--last", *reach(deployment), XDG_STATE_HOME=str(tmp_path))
    assert explained.returncode == 1, explained.stderr
    for word in (
        "The certificate is not issued",
        "1. dissent.DIFFERS.addresses",
        "dig +trace A child.plain.example.co.jp",
        "child.plain.example.co.jp. 3600 IN A 203.0.113.100",
    ):
        assert word in explained.stdout
    # Both rest on one record: its id is told to the officer, and found there.
    (record_id,) = re.findall(r"record ([0-9a-f-]{36})", done.stdout)
    assert f"Record id: {record_id}" in explained.stdout


def test_ask_in_japanese_says_that_some_places_get_no_answer(deployment: Deployment) -> None:
    """Servers that do not answer two of the remotes, as a firewall by country does."""
    for number in (1, 2):
        network.black_hole(network.perspective_address(number), network.AUTHORITATIVE)
    name = "by-place.plain.example.co.jp"
    done = ask(deployment, name, LANG="ja_JP.UTF-8")
    network.heal()
    assert done.returncode == 1, done.stderr
    # Each waits as long as its resolver learned to wait for that server: to the end, or less.
    silent = f"plain.example.co.jpの権威DNSサーバから、{name}の問い合わせに対する応答がありません。"
    no_time = f"{name}の問い合わせに対し、制限時間内に応答がありませんでした。"
    assert silent in done.stdout or no_time in done.stdout
    lines = [line for line in done.stdout.splitlines() if "取得失敗(FAILED caa)" in line]
    assert {place.id for place in PLACES[:6] if place.id in "".join(lines)} == {
        PLACES[1].id,
        PLACES[2].id,
    }
    assert "一部の地域からの問い合わせには正しく応答していません。" in done.stdout
    assert done.stdout.splitlines()[-1] == f"発行不可の名前(1件中1件): {name}"


def test_ask_as_json_is_the_agreements_message(deployment: Deployment) -> None:
    done = ask(deployment, CHILD, "--json", "--dry-run")
    response = json_format.Parse(done.stdout, c.CorroborateResponse())
    assert done.returncode == 0
    assert response.dry_run
    assert response.names[0].quorum == "5/5"


def test_octets_from_dns_never_reach_the_terminal_raw(deployment: Deployment) -> None:
    done = ask(deployment, "octets.caa.example.co.jp")
    assert done.returncode == 1
    assert r"\255\000\254" in done.stdout
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", done.stdout)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "Missing argument"),
        (("*.co.jp",), "names[0].name: is a wildcard directly below the public suffix"),
        ((CHILD, "--min-corroborating", "2"), "a request may only tighten"),
        ((CHILD, "--addresses", "same"), "exact, overlap or resolves"),
        ((CHILD, "--cert", "/nowhere.pem"), "/nowhere.pem: No such file"),
    ],
)
def test_ask_exits_with_2_on_wrong_usage(
    deployment: Deployment, arguments: tuple[str, ...], says: str
) -> None:
    done = ask(deployment, *arguments)
    assert done.returncode == 2
    assert says in " ".join(done.stderr.replace("│", " ").split())


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--server", "127.0.0.1:7999"), "Is the coordinator running there?"),
        (("--server-name", "other.example"), "--server-name"),
    ],
)
def test_ask_exits_with_9_without_a_reply(
    deployment: Deployment, arguments: tuple[str, ...], says: str
) -> None:
    done = ask(deployment, CHILD, *arguments)
    assert done.returncode == 9
    assert says in done.stderr


def test_ask_exits_with_11_when_nothing_could_be_determined(deployment: Deployment) -> None:
    deployment.agents["tokyo"].stop()
    done = ask(deployment, CHILD)
    wait_serving(deployment.start_agent("tokyo"))
    deployment.wait_ready()
    assert done.returncode == 11
    assert "PRIMARY_UNAVAILABLE" in done.stdout


def test_check_config_finds_the_shipped_deployment_in_order(deployment: Deployment) -> None:
    done = run("check-config", deployment.coordinator_file, deployment.agent_file("tokyo"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(": ok") == 2
    assert "root key" not in done.stderr  # the root of a lab is its own


def test_check_config_names_the_roots_key_that_is_missing(
    deployment: Deployment, internet: Internet, tmp_path: Path
) -> None:
    """The file of a host that was set up before 2024."""
    old = tmp_path / "old.key"
    old.write_text(f". IN DS 20326 8 2 {ROOT_KEYS[1].anchor.digest}\n")
    anchor = (str(internet.trust_anchor_file), str(old))
    done = check(agent_config(deployment, tmp_path, anchor))
    assert done.exit_code == 0
    assert f"trust_anchor_file: {old}: the root key KSK-2024 (key tag 38696) is" in done.stderr


NEAR_FRANKFURT = "{ latitude = 51.22, longitude = 6.77 }"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("lookup_timeout", "lokup_timeout", r"coordinator\.lokup_timeout: .*lookup_timeout"),
        (
            "egress = { latitude = 39.04, longitude = -77.49 }",
            f"egress = {NEAR_FRANKFURT}",
            r"3\.2\.2\.9, distance: frankfurt and ashburn are 183 km apart \(network egress\).*500",
        ),
        (
            "resolver = { latitude = 39.04, longitude = -77.49 }",
            f"resolver = {NEAR_FRANKFURT}",
            r"frankfurt and ashburn are 183 km apart \(resolver\)",
        ),
        ('role = "primary"', 'role = "remote"', r"0 have role primary"),
        ('id = "ashburn"', 'id = "frankfurt"', r"'frankfurt' stands twice"),
        ("coordinator-main.pem", "nowhere.pem", r"nowhere\.pem: there is no such file"),
        ("coordinator-main.key", "perspective-tokyo.key", r"key"),
        ('"ca.example.test"', '""', r"issuer"),
        (
            "egress = { latitude = 50.11, longitude = 8.68 }",
            "egress = { latitude = 8.68, longitude = 50.11 }",
            r"egress of frankfurt \(8\.68, 50\.11\) lies in SO \(AFRINIC\), not in .*\. With lat",
        ),
        (
            "resolver = { latitude = -23.55, longitude = -46.63 }",
            "resolver = { latitude = -23.55, longitude = 46.63 }",
            r"resolver of sao-paulo .* lies in MG \(AFRINIC\), .* With the other sign of its long",
        ),
        (
            "resolver = { latitude = 1.35, longitude = 103.82 }",
            "resolver = { latitude = 0, longitude = 0 }",
            r"resolver of singapore \(0, 0\) lies at sea",
        ),
        (
            "resolver = { latitude = 1.35, longitude = 103.82 }",
            'resolver = { latitude = 1.35, longitude = 103.82, country = "JP" }',
            r"resolver of singapore .* not in JP",
        ),
        ("latitude = 35.68", "latitude = 95.68", r"perspective\[0\]\.egress\.latitude"),
    ],
)
def test_check_config_says_place_fact_and_mend(
    deployment: Deployment, tmp_path: Path, old: str, new: str, says: str
) -> None:
    file = tmp_path / "coordinator.toml"
    text = deployment.coordinator_file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1) if "latitude" in old else text.replace(old, new))
    done = check(file)
    assert done.exit_code == 1
    assert str(file) in done.stderr + done.stdout
    assert re.search(says, done.stderr + done.stdout, re.DOTALL), done.stderr + done.stdout


def with_remotes(text: str, count: int) -> str:
    """Keep the primary and so many remotes of a configuration."""
    head, *perspectives = text.split("[[perspective]]")
    return "[[perspective]]".join([head, *perspectives[: count + 1]])


def test_the_coordinator_does_not_start_on_a_roster_with_a_wrong_region(
    deployment: Deployment, tmp_path: Path
) -> None:
    file = tmp_path / "coordinator.toml"
    text = deployment.coordinator_file.read_text()
    assert text.count('rir = "RIPE"') == 1
    file.write_text(text.replace('rir = "RIPE"', 'rir = "LACNIC"'))
    checked = check(file)
    assert checked.exit_code == 1
    assert "lies in DE (RIPE), not in the region of LACNIC" in checked.stderr
    started = run("coordinator", "--config", file)
    assert started.returncode == 1
    assert started.stderr == checked.stderr


def test_the_coordinator_does_not_start_on_a_roster_that_breaks_the_policy(
    deployment: Deployment, tmp_path: Path
) -> None:
    file = tmp_path / "coordinator.toml"
    file.write_text(with_remotes(deployment.coordinator_file.read_text(), 3))
    done = run("coordinator", "--config", file)
    assert done.returncode == 1
    assert "the roster has 3, the row demands" in done.stderr
    assert '[[perspective]] with role = "remote"' in done.stderr


ROWS = """
[[policy.row]]
effective_from = 2026-01-01T00:00:00Z
minimum_remotes = 5

[[policy.row]]
effective_from = {soon}
minimum_remotes = 6
"""


@pytest.mark.parametrize(("days", "warned"), [(29, True), (31, False)])
def test_a_dated_row_that_the_roster_will_break_is_a_loud_warning(
    deployment: Deployment, tmp_path: Path, days: int, warned: bool
) -> None:
    soon = (datetime.now(UTC) + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
    file, text = tmp_path / "coordinator.toml", deployment.coordinator_file.read_text()
    head, roster = text.split("[[perspective]]", maxsplit=1)
    text = head + ROWS.format(soon=soon) + "\n[[perspective]]" + roster
    text = text.replace(COORDINATOR, "127.0.0.1:7399").replace(COORDINATOR_ADMIN, "127.0.0.1:8399")
    file.write_text(text)
    log = tmp_path / "log"
    child = Child((MPIC, "coordinator", "--config", str(file)), log)
    try:
        wait_serving(child)
    finally:
        child.stop()
    assert ("roster_will_break_policy" in log.read_text()) == warned
    done = check(file)
    assert done.exit_code == 0
    assert ("the row demands 6" in done.stderr) == warned


def agent_config(deployment: Deployment, tmp_path: Path, *changes: tuple[str, str]) -> Path:
    text = deployment.agent_file("tokyo").read_text().replace("127.0.0.1:7310", "127.0.0.1:7398")
    text = text.replace("127.0.0.1:8310", "127.0.0.1:8398")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    file = tmp_path / "agent.toml"
    file.write_text(text)
    return file


BESIDE = """
[resolver]
mode = "beside"
port = 5399
control_socket = "{directory}/control"
start_timeout = 1
probe_timeout = 1
"""

QUICK = ("probe_interval = 1", "probe_interval = 1\nstart_timeout = 1")


def test_an_agent_does_not_serve_under_another_roots_keys(
    deployment: Deployment, internet: Internet, tmp_path: Path
) -> None:
    anchor = (str(internet.trust_anchor_file), "/usr/share/dns/root.key")
    done = run("agent", "--config", agent_config(deployment, tmp_path, QUICK, anchor))
    assert done.returncode == 1
    assert "was not shown to validate" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_agent_that_is_ended_before_its_first_proof_leaves_nothing(
    deployment: Deployment, tmp_path: Path, number: signal.Signals
) -> None:
    place = tmp_path / "files"
    place.mkdir()
    file = agent_config(deployment, tmp_path)
    environment = {**plain_environment(), "TMPDIR": str(place)}
    network.black_hole(network.perspective_address(0), network.ROOT)
    agent = Child((MPIC, "agent", "--config", str(file)), tmp_path / "log", None, environment)
    try:
        agent.wait_ready(lambda: bool(agent.events("unbound_started")))
        assert list(place.iterdir())
        os.kill(agent.pid, number)
        wait_until(lambda: not agent.is_running(), 60, agent.log_file.read_text)
    finally:
        agent.stop()
        network.heal()
    assert agent.code == 0
    assert not list(place.iterdir())
    assert agent.events("stopped_before_serving")


@pytest.fixture
def lax_resolver(internet: Internet, tmp_path: Path) -> Path:
    """An operator's Unbound; the test says how lax, in the file this gives, before it starts."""
    options = UnboundOptions(
        internet.trust_anchor_file,
        internet.root_hints_file,
        outgoing_address=network.perspective_address(7),
        ipv6=False,
        allow_special_purpose_servers=True,
    )
    file = tmp_path / "unbound.conf"
    file.write_text(unbound_config(options, 5399, tmp_path))
    return file


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("validator iterator", "iterator", "module-config"),
        ("val-permissive-mode: no", "val-permissive-mode: yes", "val-permissive-mode"),
        ("server:", 'server:\n  domain-insecure: "jp."', "negative trust anchor"),
        ("harden-dnssec-stripped: yes", "harden-dnssec-stripped: no", "harden-dnssec-stripped"),
        (
            "remote-control:",
            'forward-zone:\n  name: "."\n  forward-addr: 203.0.113.1\nremote-control:',
            "no forward-zone",
        ),
        (
            "remote-control:",
            'stub-zone:\n  name: "jp."\n  stub-addr: 203.0.113.1\nremote-control:',
            "no stub-zone",
        ),
        ("serve-expired: no", "serve-expired: yes", "serve-expired"),
        ("use-caps-for-id: no", "use-caps-for-id: yes", "a server may hide a CAA record"),
        ("ede: yes", "ede: no", "looks like any other failure"),
        ("server:", "server:\n  val-override-date: -1", "val-override-date"),
        ("server:", "server:\n  local-data: 'jp. CAA 0 issue \";\"'", "no local-data"),
        ("validator iterator", "respip validator iterator", "module-config"),
        (
            "remote-control:",
            'auth-zone:\n  name: "jp."\n  primary: 203.0.113.1\nremote-control:',
            "no auth-zone",
        ),
        ("cache-max-ttl: 60", "cache-max-ttl: 86400", "3600 at most"),
        ("control-enable: yes", "control-enable: no", "cannot be read over the control socket"),
        ('  trust-anchor: "arpa.', '  trust-anchor: "other.', "arpa must be bogus"),
        ("\n  trust-anchor-file:", "\n  # trust-anchor-file:", "without AD"),
    ],
)
def test_an_agent_does_not_serve_through_a_resolver_that_may_not_validate(
    lax_agent: Callable[[str, str], Path], old: str, new: str, says: str
) -> None:
    file = lax_agent(old, new)
    done = run("agent", "--config", file)
    assert done.returncode == 1
    assert "was not shown to validate" in done.stderr
    assert says in done.stderr


def _listens() -> bool:
    with socket.socket() as tcp:
        return tcp.connect_ex(("127.0.0.1", 5399)) == 0


@pytest.fixture
def lax_agent(
    deployment: Deployment, lax_resolver: Path, tmp_path: Path
) -> Iterator[Callable[[str, str], Path]]:
    """Start the operator's Unbound with a change; give the file of an agent that uses it."""
    running: list[Child] = []

    def start(old: str, new: str) -> Path:
        text = lax_resolver.read_text()
        assert old in text
        lax_resolver.write_text(text.replace(old, new))
        command = ("unbound", "-d", "-p", "-c", str(lax_resolver))
        running.append(Child(command, tmp_path / "unbound.log"))
        running[-1].wait_ready(_listens)
        head = agent_config(deployment, tmp_path, QUICK).read_text().split("[resolver]")[0]
        file = tmp_path / "agent.toml"
        file.write_text(head + BESIDE.format(directory=tmp_path))
        return file

    yield start
    for child in running:
        child.stop()


def test_check_config_looks_at_the_running_resolver(lax_agent: Callable[[str, str], Path]) -> None:
    done = check(lax_agent("val-permissive-mode: no", "val-permissive-mode: yes"))
    assert done.exit_code == 1
    assert "resolver: `unbound-control get_option val-permissive-mode` says 'yes'" in done.stderr


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ((QUICK[0], 'executable = "no-unbound"'), "no-unbound is not installed"),
        (("127.0.0.1:7398", "127.0.0.1:7311"), "cannot listen on 127.0.0.1:7311"),
        (("127.0.0.1:7398", "198.51.100.250:7398"), "cannot listen on 198.51.100.250:7398"),
        (("127.0.0.1:8398", "127.0.0.1:8311"), "agent.toml: admin.listen: cannot listen on"),
        (("perspective-tokyo.key", "nowhere.key"), "nowhere.key"),
    ],
)
def test_an_agent_that_cannot_start_says_why(
    deployment: Deployment, tmp_path: Path, change: tuple[str, str], says: str
) -> None:
    done = run("agent", "--config", agent_config(deployment, tmp_path, change))
    assert done.returncode == 1
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def expired_pair(deployment: Deployment) -> None:
    """Lay beside the others what an agent and a coordinator had until an hour ago."""
    then = datetime.now(UTC) - timedelta(days=90, hours=1)
    authority = load_authority(deployment.pki)
    for subject in (Subject("perspective", "late"), Subject("coordinator", "late")):
        if not name_pair(authority.directory, authority.trust_domain, subject).exists():
            issue_certificate(authority, subject, now=then)


@pytest.mark.parametrize(
    ("program", "pair", "says"),
    [
        ("agent", "perspective-ashburn", "is for spiffe://mpic.test/perspective/ashburn, but this"),
        ("agent", "coordinator-main", "is for spiffe://mpic.test/coordinator/main, but this is"),
        ("agent", "perspective-late", "expired on"),
        ("coordinator", "perspective-ashburn", "but this is the coordinator"),
        ("coordinator", "caller-pipeline", "may not be used by a TLS server"),
        ("coordinator", "coordinator-late", "expired on"),
    ],
)
def test_what_check_config_refuses_of_a_certificate_the_start_refuses_too(
    deployment: Deployment, tmp_path: Path, program: str, pair: str, says: str
) -> None:
    expired_pair(deployment)
    file = agent_config(deployment, tmp_path, ("perspective-tokyo", pair))
    if program == "coordinator":
        text = deployment.coordinator_file.read_text()
        assert "coordinator-main" in text
        file.write_text(text.replace("coordinator-main", pair))
    checked = check(file)
    assert checked.exit_code == 1
    assert says in checked.stderr
    started = run(program, "--config", file)
    assert started.returncode == 1
    assert started.stderr == checked.stderr


def test_a_running_question_is_answered_when_the_coordinator_ends(deployment: Deployment) -> None:
    coordinator = deployment.coordinator
    with ThreadPoolExecutor(1) as pool, hold() as held:
        slow = pool.submit(deployment.ask, *held.names(1), linger=0.0)
        deployment.wait_looking(1)
        coordinator.signal(signal.SIGTERM)
        wait_until(lambda: bool(coordinator.events("stopping")), 60, coordinator.log_file.read_text)
        with pytest.raises(grpc.RpcError) as raised:
            deployment.ask(CHILD)
        held.release()
        assert slow.result().names[0].reason != c.REASON_UNSPECIFIED
    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE
    wait_until(lambda: not coordinator.is_running(), 60, coordinator.log_file.read_text)
    assert coordinator.events("stopped")
    deployment.start_coordinator()


def test_the_programs_need_no_other_words() -> None:
    for command in ("ask", "coordinator", "agent", "check-config", "pki"):
        done = run(command, "--help")
        assert done.returncode == 0
        assert len(done.stdout.splitlines()) > 8
    assert sys.version_info >= (3, 11)
