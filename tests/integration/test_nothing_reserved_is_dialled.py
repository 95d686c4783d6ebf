"""Over any URL, redirect or address record: no special-purpose address is ever dialled.

It is watched at the socket. Whatever asks the system to connect is seen, and is led to a server of
our own. What is special-purpose is said here in another way than in `perspective_agent.egress`.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from mpic.v1 import observation_pb2 as o
from perspective_agent.connect.dialer import Destination, Dialer, Reach
from perspective_agent.connect.shared_looks import Seen, SharedLooks
from perspective_agent.dns.shared_lookups import SharedLookups
from perspective_agent.http.get import Get
from perspective_agent.http.redirects import RedirectLimits
from perspective_agent.http.target import HttpTarget
from perspective_agent.tls.handshake import Handshake, TlsTarget
from tests.world import web
from tests.world.answers import TableLink

HERE = "127.0.0.1"
HOSTS = ["a.example.test", "b.example.test", "c.example.test"]
RULES = RedirectLimits(10, frozenset({301, 302, 307, 308}), frozenset({80, 443}))
V4 = [
    "0.0.0.1", "10.0.0.1", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1", "192.0.0.8",
    "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "203.0.113.1", "224.0.0.1",
    "240.0.0.1", "255.255.255.255", "8.8.8.8", "1.1.1.1", "93.184.215.14",
]  # fmt: skip
V6 = [
    "::", "::1", "::7f00:1", "::ffff:7f00:1", "::ffff:808:808", "::ffff:0:7f00:1", "3fff::1",
    "64:ff9b::7f00:1", "64:ff9b:1::1", "100::1", "100:0:0:1::1", "2001::1", "2001:db8::1",
    "2002:7f00:1::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1",
    "2606:4700::1111", "2a00:1450::1",
]  # fmt: skip
SPELLINGS = ["127.1", "2130706433", "0x7f.1", "0177.0.0.1", "[::1]", "[fe80::1%25lo]", "localhost"]

addresses = st.one_of(
    st.sampled_from(V4 + V6),
    st.ip_addresses().map(str),
    st.ip_addresses(v=4).map(lambda v4: str(ipaddress.IPv6Address(int(v4)))),
    st.ip_addresses(v=4).map(lambda v4: str(ipaddress.IPv6Address(0xFFFF << 32 | int(v4)))),
)
hosts = st.one_of(st.sampled_from(HOSTS), st.sampled_from(SPELLINGS), addresses)
locations = st.builds(
    "{}{}{}{}{}".format,
    st.sampled_from(
        ["", "//", "http://", "https://", "HTTP:", "http:/", "///", "http://a@", "\\\\"]
    ),
    hosts,
    st.sampled_from(["", ":80", ":443", ":22", ":0", ":", "%00", "#", "."]),
    st.sampled_from(["/", "/x", "?y", "/../..", "//z", "\\@", ""]),
    st.sampled_from(["", "a", "b", "@127.0.0.1", "#127.0.0.1"]),
)


# Blocks of IANA's registries that Python calls global: they mean another host in each place.
ANYCAST = [
    "192.0.0.0/24",
    "192.31.196.0/24",
    "192.52.193.0/24",
    "192.88.99.0/24",
    "192.175.48.0/24",
]
TUNNELS = ["2001::/23", "2002::/16", "2620:4f:8000::/48", "3fff::/20"]


def is_public(address: str) -> bool:
    """Whether one certain host in the world is at an address."""
    one = ipaddress.ip_address(address)
    is_odd = any(one in ipaddress.ip_network(block) for block in ANYCAST + TUNNELS)
    is_unicast = one.version == 4 or one in ipaddress.ip_network("2000::/3")
    return one.is_global and not one.is_multicast and is_unicast and not is_odd


@contextmanager
def watched() -> Iterator[list[str]]:
    """Note whatever is dialled but ourselves, and lead it to ourselves."""
    dialled: list[str] = []
    connect = socket.socket.connect

    def lead(sock: socket.socket, address: Any) -> None:  # noqa: ANN401 - as in the class
        dialled.append(address[0])
        here = "::1" if sock.family == socket.AF_INET6 else HERE
        connect(sock, (here, *address[1:]))

    with patch.object(socket.socket, "connect", lead):
        yield dialled


def dialer_for(records: dict[str, Sequence[str]]) -> Dialer:
    link = TableLink(records)
    return Dialer(SharedLookups(link, lambda: True), Reach(), link.overload_history)


async def look(begin: Callable[[Any], Any], target: object) -> object:
    done: asyncio.Future[Seen[object]] = asyncio.get_running_loop().create_future()
    SharedLooks(begin).start(target, done.set_result)
    return (await done).finding


@settings(max_examples=70)
@given(st.lists(addresses, max_size=5), st.booleans())
def test_of_any_record_no_special_purpose_address_is_dialled(
    records: list[str], either: bool
) -> None:
    async def run() -> Any:  # noqa: ANN401 - a finding
        dialer = dialer_for({HOSTS[0]: records})
        to = Destination(HOSTS[0], 443, ipv4_after_any_failure=either)
        return await look(partial(Handshake, dialer=dialer), TlsTarget(to, HOSTS[0], ()))

    with watched() as dialled:
        finding = asyncio.run(run())
    assert all(is_public(one) for one in dialled)
    assert {str(ipaddress.ip_address(one.address)) for one in finding.connection.dialed} == {
        *dialled
    }
    # And what is public is dialled: the first of IPv6, or else of IPv4.
    public = [str(ipaddress.ip_address(one)) for one in records if is_public(one)]
    public.sort(key=lambda one: ":" not in one)
    assert dialled[:1] == public[:1]


@settings(max_examples=70)
@given(
    st.sampled_from(HOSTS),
    st.lists(locations, max_size=4),
    st.fixed_dictionaries({host: st.lists(addresses, min_size=1, max_size=3) for host in HOSTS}),
)
def test_over_any_redirects_no_special_purpose_address_is_dialled(
    host: str, redirects: list[str], records: dict[str, Sequence[str]]
) -> None:
    answers = iter([*map(web.redirect, map(str.encode, redirects))])

    async def serve(_: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(next(answers, web.ok(b"end")))
        await writer.drain()

    async def run() -> Any:  # noqa: ANN401 - a finding
        begin = partial(Get, dialer=dialer_for(records), user_agent="test")
        async with web.serving(serve, HERE, "::1"):
            return await look(begin, HttpTarget(f"http://{host}/", 16, RULES))

    with watched() as dialled:
        finding: o.HttpFinding = asyncio.run(run())
    assert all(is_public(one) for one in dialled)
    told = [
        str(ipaddress.ip_address(one.address))
        for hop in finding.hops
        for one in hop.connection.dialed
    ]
    assert set(told) == set(dialled)
