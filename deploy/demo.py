"""The demo: a signed DNS tree, web servers, a primary and five agents, a coordinator, and scenes.

Run by demo.sh. Exits with 1 when any scene does not end as it must.
"""

import base64
import hashlib
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from google.protobuf import json_format
from rich.console import Console

from mpic.ask.answer import print_answer
from mpic.v1 import corroboration_pb2 as c
from tests.world import network, zones
from tests.world.deployment import COORDINATOR, MPIC, Deployment, Plan
from tests.world.domain_control import KEY_AUTHORIZATION, TOKEN
from tests.world.http_caller import CORROBORATIONS, PORT, HttpCaller, http_table
from tests.world.http_caller import TOKEN as BEARER
from tests.world.internet import Internet
from tests.world.places import PLACES
from tests.world.tls_alpn_server import TlsAlpnServer
from tests.world.web_servers import WebServer

NAME = "child.parent.example.co.jp"
PLAIN = f"child.{zones.PLAIN.name}"
"""In a zone without DNSSEC, like most: whoever diverts it is believed."""
ATTACKERS = f"{TOKEN}.{'A' * 43}"
"""The key authorization of whoever attacks: another account has another key."""
HTTP_URL = f"https://localhost:{PORT}{CORROBORATIONS}"
_TRIES = 5
FORBIDDEN = zones.Zone(
    zones.UPKI.name, zones.UPKI.text + 'child IN CAA 0 issue "other-ca.example.test"\n'
)

console = Console(width=shutil.get_terminal_size((140, 40)).columns)


@dataclass(frozen=True, slots=True)
class Expected:
    """How a scene must end."""

    exit_code: int
    reason: c.Reason.ValueType
    quorum: str
    error: int = 0
    control: str = ""
    """Of domain control alone; empty: it was not asked."""


APPROVED_BY_ALL = Expected(0, c.REASON_CORROBORATED, "5/5")
APPROVED_BY_FOUR = Expected(0, c.REASON_CORROBORATED, "4/5")
VALIDATED = Expected(0, c.REASON_CORROBORATED, "5/5", control="5/5")
NOT_CORROBORATED = Expected(1, c.REASON_QUORUM_NOT_MET, "0/5", error=338, control="0/5")
SUPPRESSED = Expected(1, c.REASON_QUORUM_NOT_MET, "3/5", error=338)
FORBIDDEN_BY_CAA = Expected(1, c.REASON_PRIMARY_FORBIDS, "0/5")


class SceneError(Exception):
    """A scene did not end as it must."""


def main(arguments: Sequence[str]) -> int:
    """Run the scenes, or ask the Internet; return the exit code."""
    # SIGINT too: whoever is started in the background by a shell without job control ignores it.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _interrupt)
    directory = Path(tempfile.mkdtemp(prefix="mpic-demo-"))
    try:
        with ExitStack() as stack:
            if arguments[:1] == ["--internet"]:
                return _ask_internet(directory, arguments[1:], stack)
            _run_scenes(directory, stack, keep="--keep" in arguments)
    except KeyboardInterrupt:
        console.print("\nInterrupted; everything is stopped.")
        return 130
    except SceneError as error:
        console.print(f"[bold red]Not as it must be:[/] {error}")
        return 1
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return 0


def _interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - a signal handler
    raise KeyboardInterrupt


def _run_scenes(directory: Path, stack: ExitStack, *, keep: bool) -> None:
    console.rule("Starting")
    console.print("A signed DNS tree on real BIND: the root, jp, co.jp, parent.example.co.jp.")
    internet = stack.enter_context(Internet(directory / "internet"))
    console.print("A primary and five remote agents, each with its own Unbound; a coordinator.")
    plan = Plan(coordinator_extra=http_table("accepted", BEARER))
    deployment = stack.enter_context(Deployment(directory, internet, plan))

    _scene(deployment, "The name as it is: everybody sees the same", APPROVED_BY_ALL)

    internet.replace(zones.UPKI_WITHOUT_CHILD)
    _scene(deployment, "Without an A record (NXDOMAIN): an absence is in order", APPROVED_BY_ALL)
    internet.replace(zones.UPKI)

    _divert(1)
    _scene(deployment, f"The DNS of {PLACES[1].id} is led to a lying server", APPROVED_BY_FOUR)

    _divert(2)
    _scene(deployment, f"The DNS of {PLACES[2].id} too", SUPPRESSED)
    network.restore_all()

    internet.replace(FORBIDDEN)
    _scene(deployment, "A CAA record that names another CA: the primary refuses", FORBIDDEN_BY_CAA)
    _ask_in_japanese(deployment)
    internet.replace(zones.UPKI)

    _ask_over_http(deployment)
    _show_control(directory, internet, deployment, stack)

    console.rule("All scenes ended as they must")
    if keep:
        _keep(deployment)


def _show_control(
    directory: Path, internet: Internet, deployment: Deployment, stack: ExitStack
) -> None:
    """Show who controls a name: its owner, and an attacker near the primary."""
    console.rule("Who controls the name")
    console.print("The owner's web server (nginx) and TLS server, and an attacker's web server.")
    web = stack.enter_context(WebServer(directory / "web", (network.WEB, network.WEB6)))
    tls = stack.enter_context(TlsAlpnServer(directory / "tls", (network.WEB, network.WEB6)))
    liar = stack.enter_context(WebServer(directory / "liar", (network.LIARS_WEB,)))
    path = f"/.well-known/acme-challenge/{TOKEN}"
    web.put(PLAIN, path, KEY_AUTHORIZATION)
    tls.put(PLAIN, KEY_AUTHORIZATION)
    liar.put(PLAIN, path, ATTACKERS)
    internet.replace(zones.plain(_challenge(KEY_AUTHORIZATION)))

    def scene(title: str, expected: Expected, *options: str) -> None:
        _scene(deployment, title, expected, PLAIN, *options)

    http, own = ("--http-01", TOKEN, "--key-authorization"), KEY_AUTHORIZATION
    pending = ("--validation", "--check", "caa")
    scene("The owner's challenge is pending: a web page (http-01)", VALIDATED, *pending, *http, own)
    scene("A TXT record (dns-01)", VALIDATED, *pending, "--dns-01", own)
    scene("A certificate (tls-alpn-01)", VALIDATED, *pending, "--tls-alpn-01", own)

    internet.tell_lie(zones.plain(_challenge(ATTACKERS)))
    _divert(0)
    title = "The primary alone is led to a lying server: the same address, no CAA, another token"
    scene(title, NOT_CORROBORATED, "--dns-01", ATTACKERS)
    network.restore_all()

    primary = network.perspective_address(0)
    network.divert_web(primary, network.WEB, network.LIARS_WEB)
    title = "The primary's route to the web server is diverted: all of the DNS is right"
    scene(title, NOT_CORROBORATED, *http, ATTACKERS)
    network.restore_all()
    scene("The owner again, for issuance: every check at once", VALIDATED, *http, own)


def _challenge(key_authorization: str) -> str:
    """Return the TXT record of a dns-01 challenge."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(key_authorization.encode()).digest())
    return f'_acme-challenge.child IN TXT "{digest.rstrip(b"=").decode()}"\n'


def _divert(number: int) -> None:
    """Lead what one perspective asks the authoritative server to the liar."""
    network.divert(network.perspective_address(number), network.AUTHORITATIVE, network.LIAR)


def _scene(
    deployment: Deployment, title: str, expected: Expected, name: str = NAME, *options: str
) -> None:
    """Ask, show, and hold against what must come out."""
    console.rule(title)
    for _ in range(_TRIES):
        exit_code, response = _ask(deployment, [name, *options])
        (verdict,) = response.names
        of_check = {one.check: one.quorum for one in verdict.corroborations}
        control = of_check.get("domain_control", "")
        seen = Expected(exit_code, verdict.reason, verdict.quorum, response.error.code, control)
        if seen == expected:
            break
        # To a resolver, what may not be kept is good until the second is over.
        time.sleep(1.1)
    print_answer(response, console)
    if seen != expected:
        raise SceneError(f"{title}: {seen} instead of {expected}")


def _ask(deployment: Deployment, what: Sequence[str]) -> tuple[int, c.CorroborateResponse]:
    """Ask by the command an operator would type."""
    command = [*_ask_command(deployment), "--json", *what]
    console.print(f"$ mpic ask {' '.join(what)}", style="dim")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if not done.stdout:
        raise SceneError(f"mpic ask exited with {done.returncode}: {done.stderr}")
    return done.returncode, json_format.Parse(done.stdout, c.CorroborateResponse())


def _ask_in_japanese(deployment: Deployment) -> None:
    """Show the same refusal to a person who reads Japanese."""
    console.rule("The same in Japanese")
    console.print(f"$ mpic ask {NAME} --lang ja", style="dim")
    command = [*_ask_command(deployment), NAME, "--lang", "ja"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    console.print(done.stdout, highlight=False, markup=False)
    if done.returncode != FORBIDDEN_BY_CAA.exit_code:
        raise SceneError(f"mpic ask exited with {done.returncode}: {done.stderr}")


def _ask_over_http(deployment: Deployment) -> None:
    """Ask over HTTP/JSON with a bearer token."""
    console.rule("Over HTTP/JSON, with a token")
    body = json.dumps({"requestId": "demo-http", "names": [{"name": NAME}]})
    console.print(f"$ curl {HTTP_URL} -H 'Authorization: Bearer TOKEN' -d '{body}'", style="dim")
    answer = HttpCaller(deployment.caller_tls(), token=BEARER).ask("demo-http", NAME)
    shown = ("requestId", "approved", "recordId")
    told = {one: answer.json.get(one) for one in shown}
    console.print(f"{answer.status} {json.dumps(told)}", highlight=False)
    if not told["approved"]:
        raise SceneError(f"HTTP: {answer.status} {told} instead of an approval")


def _ask_command(deployment: Deployment) -> list[str]:
    tls = deployment.caller_tls()
    files = ["--cert", str(tls.certificate), "--key", str(tls.private_key)]
    return [
        MPIC, "ask", "--server", COORDINATOR, "--server-name", "localhost", "--linger", "10",
        *files, "--ca", str(tls.authority),
    ]  # fmt: skip


def _keep(deployment: Deployment) -> None:
    inside = "sudo ip netns exec mpic-demo"
    command = " ".join(_ask_command(deployment))
    console.print("Running on. In another terminal, ask what you like:\n", style="bold")
    for names in (NAME, "child.plain.example.co.jp", "'*.wild.caa.example.co.jp'"):
        console.print(f"  {inside} {command} {names}", soft_wrap=True)
    console.print(f"  {inside} {command} {NAME} --lang ja", soft_wrap=True)
    console.print("\nAsk over HTTP/JSON:\n", style="bold")
    body = json.dumps({"requestId": "mine", "names": [{"name": NAME}]})
    curl = f"curl --cacert {deployment.caller_tls().authority} {HTTP_URL}"
    headers = f"-H 'Authorization: Bearer {BEARER}' -H 'Content-Type: application/json'"
    console.print(f"  {inside} {curl} {headers} -d '{body}'", soft_wrap=True)
    console.print(
        "\nAsk who controls a name; change the token and see what is said:\n", style="bold"
    )
    pending = f"{PLAIN} --validation --http-01 {TOKEN} --key-authorization {KEY_AUTHORIZATION}"
    console.print(f"  {inside} {command} {pending}", soft_wrap=True)
    console.print("\nStop and continue an agent, and ask again:\n", style="bold")
    console.print(
        "  sudo pkill -STOP -f agent-frankfurt.toml; sudo pkill -CONT -f agent-frankfurt.toml"
    )
    where = f"\nConfigurations and logs are in {deployment.directory}. Ctrl-C ends it all."
    console.print(where, soft_wrap=True)
    signal.pause()


def _ask_internet(directory: Path, names: Sequence[str], stack: ExitStack) -> int:
    """Ask about real names, from this one network: it shows the programs, not the world."""
    console.print("All agents run on this machine: they show the same network six times.")
    deployment = stack.enter_context(Deployment(directory, None))
    exit_code, response = _ask(deployment, names)
    print_answer(response, console)
    return exit_code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
