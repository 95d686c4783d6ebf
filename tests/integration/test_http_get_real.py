"""One HTTP GET as an agent makes it in the test Internet: BIND, its own Unbound, nginx."""

import asyncio
from collections.abc import Iterator
from functools import partial

import pytest

from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p
from perspective_agent.connect import dialer
from perspective_agent.connect.dialer import Dialer, Reach
from perspective_agent.connect.shared_looks import SharedLooks
from perspective_agent.dns.resolver import ResolverLink
from perspective_agent.dns.shared_lookups import SharedLookups
from perspective_agent.egress import Egress
from perspective_agent.examine import Examination
from perspective_agent.http.get import Get
from perspective_agent.http.target import HttpTarget
from perspective_agent.unbound.configuration import UnboundOptions, unbound_config
from tests.world import network
from tests.world.internet import Internet
from tests.world.process import Child
from tests.world.web_servers import WebServer

PORT = 5397
HOST = "child.parent.example.co.jp"
PATH = "/.well-known/acme-challenge/token"
SOURCE = network.perspective_address(9)
RULES = p.RedirectRules(most=10, statuses=[301, 302, 307, 308], ports=[80, 443])
NGINX = f"""
    location /moved/ {{ return 301 $scheme://$host{PATH}?$args; }}
    location /far/ {{ return 302 http://nowhere.parent.example.co.jp/; }}
    location /inside/ {{ return 307 http://169.254.169.254/latest/meta-data/; }}
"""


@pytest.fixture(scope="module", autouse=True)
def web(internet: Internet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    """An agent's own Unbound, and a web server."""
    directory = tmp_path_factory.mktemp("unbound")
    options = UnboundOptions(
        internet.trust_anchor_file,
        internet.root_hints_file,
        outgoing_address=SOURCE,
        ipv6=False,
        allow_special_purpose_servers=True,
    )
    file = directory / "unbound.conf"
    file.write_text(unbound_config(options, PORT, directory))
    child = Child(("unbound", "-d", "-p", "-c", str(file)), directory / "log")
    with WebServer(tmp_path_factory.mktemp("web"), (network.WEB,), NGINX) as server:
        server.put(HOST, PATH, "token.thumbprint\n")
        child.wait_ready(lambda: get(PATH)[-1].HasField("response"))
        yield server
    child.stop()


def get(path: str, host: str = HOST) -> list[o.HttpHop]:
    """Ask one question for a GET."""
    url = f"http://{host}{path}"
    check = p.Check(http_get=p.HttpGet(url=url, body_octets=128, redirects=RULES))
    question = p.Question(id=1, name=HOST, timeout_ms=20_000, checks=[check])

    async def ask() -> p.EncodedObservation:
        link = ResolverLink(("127.0.0.1", PORT))
        egress = Egress((SOURCE,), allow_special_purpose=True)
        lookups = SharedLookups(link, lambda: True)
        dials = Dialer(lookups, Reach(egress), link.overload_history)
        gets = SharedLooks(partial(Get, dialer=dials, user_agent="mpic/test"))
        reported: asyncio.Future[p.EncodedObservation] = asyncio.get_running_loop().create_future()
        Examination(question, {HttpTarget: gets.start}, 20, reported.set_result).start()
        try:
            return await reported
        finally:
            link.close()

    observation = o.Observation.FromString(asyncio.run(ask()).observation)
    return list(observation.findings[0].http_get.hops)


def test_a_file_of_a_validated_name_is_fetched() -> None:
    (hop,) = get(PATH)
    assert (hop.response.status, hop.response.body) == (200, b"token.thumbprint\n")
    aaaa, a = hop.connection.lookups
    assert (aaaa.absence, aaaa.dnssec) == (o.ABSENCE_NO_DATA, o.DNSSEC_SECURE)
    assert (list(a.records.rdata), a.dnssec) == ([b"\xcb\x00\x71\x64"], o.DNSSEC_SECURE)
    assert [(one.address, one.port) for one in hop.connection.dialed] == [(b"\xcb\x00\x71\x64", 80)]


def test_it_leaves_from_the_agents_own_address_and_says_who_asks(web: WebServer) -> None:
    get(f"{PATH}?who")
    (line,) = [one for one in web.requests() if f"{PATH}?who" in one]
    assert line.startswith(f"{SOURCE} ")
    assert '"mpic/test"' in line


def test_a_redirect_of_nginx_is_followed() -> None:
    first, last = get("/moved/?a=b")
    assert first.response.status == 301
    assert first.response.location == f"http://{HOST}{PATH}?a=b".encode()
    assert (last.url, last.response.body) == (f"http://{HOST}{PATH}?a=b", b"token.thumbprint\n")


def test_a_redirect_to_a_host_that_there_is_not_ends_there() -> None:
    _, last = get("/far/")
    assert last.failure.kind == o.FAILURE_KIND_NO_ADDRESS
    assert [one.absence for one in last.connection.lookups] == [o.ABSENCE_NAME_ERROR] * 2
    assert not last.connection.dialed


def test_a_redirect_to_the_metadata_service_is_not_followed() -> None:
    _, last = get("/inside/")
    assert last.url == "http://169.254.169.254/latest/meta-data/"
    assert last.failure.kind == o.FAILURE_KIND_REDIRECT_NOT_ALLOWED


def test_a_route_that_is_black_is_late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialer, "IPV4_SECONDS", 0.5)
    network.black_hole(SOURCE, network.WEB)
    (hop,) = get(PATH)
    assert hop.failure.kind == o.FAILURE_KIND_TIMEOUT
    assert hop.connection.dialed[0].failure.kind == o.FAILURE_KIND_TIMEOUT
