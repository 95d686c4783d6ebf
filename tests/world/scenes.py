"""What administrators meet, played on the test Internet: each scene is one answer and its link."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from mpic.v1 import corroboration_pb2 as c
from tests.world import network, zones
from tests.world.deployment import Deployment
from tests.world.domain_control import KEY_AUTHORIZATION, TOKEN
from tests.world.http_caller import PORT, http_table
from tests.world.http_caller import TOKEN as BEARER
from tests.world.internet import Internet
from tests.world.web_servers import WebServer

PUBLIC_URL = f"https://localhost:{PORT}"
KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
PLAIN = f"child.{zones.PLAIN.name}"
HOSTILE = f"hostile.{zones.TABLES.name}"

_ACME_PATH = f"/.well-known/acme-challenge/{TOKEN}"
_SCRIPT = "<script>document.title='run'</script><img src=x onerror=\"document.title='run'\">"
_TURNED = "\u202emoc.elgoog\u202c \u200b\u3164"
_CONTROLS = "\r\nSet-Cookie: a=b\r\n\x1b[2J\x1b[31mred\x07\x00"
_LONG = "x" * 60_000


@dataclass(frozen=True, slots=True)
class Scene:
    """One answer, as an administrator is told of it."""

    id: str
    answer: c.CorroborateResponse

    @property
    def url(self) -> str:
        """The link to its page."""
        return self.answer.explanation_url


def http_with_links(key_file: str = "link.key") -> str:
    """Return the table [http] with signed links, for callers with a token or a certificate."""
    head, token, rest = http_table("accepted", BEARER).partition("[[http.token]]")
    links = f'public_url = "{PUBLIC_URL}"\nlink_key_file = "{key_file}"\npreflight = true\n'
    return head + links + token + rest


def write_key(directory: Path, text: str = KEY) -> None:
    """Write what links are signed with."""
    file = directory / "link.key"
    file.write_text(text)
    file.chmod(0o600)


def play_all(deployment: Deployment, internet: Internet, directory: Path) -> Mapping[str, Scene]:
    """Ask about each scene, and return what was answered."""
    deployment.wait_ready()
    plain = {
        "approved": "child.parent.example.co.jp",
        "caa-other": f"other.{zones.CAA.name}",
        "caa-silent": f"www.dropcaa.{zones.HOSTILE_ZONE}",
        "bogus": f"child.{zones.BOGUS.name}",
    }
    answers = {scene: deployment.ask(name) for scene, name in plain.items()}
    with led_astray(1, 2):
        answers["astray"] = deployment.ask(PLAIN)
    answers["http-01"] = _ask_http_01(deployment, directory)
    internet.replace(zones.fill_tables(hostile_records()))
    answers["hostile"] = deployment.ask(HOSTILE)
    return {scene: Scene(scene, answer) for scene, answer in answers.items()}


@contextmanager
def led_astray(*numbers: int) -> Iterator[None]:
    """Let another server answer these perspectives."""
    for number in numbers:
        source = network.perspective_address(number)
        network.divert(source, network.AUTHORITATIVE, network.LIAR)
    try:
        yield
    finally:
        network.restore_all()


def hostile_records() -> str:
    """Return records of a name whose owner writes whatever he likes."""
    texts = (_SCRIPT, _TURNED, _CONTROLS, _LONG)
    sets = [b"\x00\x05issue" + text.encode() for text in texts]
    lines = [f"hostile IN TYPE257 \\# {len(one)} {one.hex()}\n" for one in sets]
    return "".join(lines) + f"hostile IN A {network.WEB}\n"


def _ask_http_01(deployment: Deployment, directory: Path) -> c.CorroborateResponse:
    """Ask about a page that two remotes do not find: their routes lead to another server."""
    with (
        WebServer(directory / "owner", (network.WEB, network.WEB6)) as web,
        WebServer(directory / "other", (network.LIARS_WEB, network.LIARS_WEB6)),
    ):
        web.put(PLAIN, _ACME_PATH, KEY_AUTHORIZATION)
        for number in (3, 4):
            source = network.perspective_address(number)
            network.divert_web(source, network.WEB, network.LIARS_WEB)
        method = c.AcmeHttp01(token=TOKEN, key_authorization=KEY_AUTHORIZATION)
        control = c.DomainControl(acme_http_01=method)
        control.challenge_created_at.FromDatetime(datetime.now(UTC))
        name = c.RequestedName(name=PLAIN, domain_control=control)
        try:
            return deployment.ask_request(c.CorroborateRequest(names=[name]))
        finally:
            network.restore_all()
