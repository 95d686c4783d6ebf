"""Who calls: by which names of a certificate, on which list, and for how long."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from structlog.testing import capture_logs

from mpic.runtime.grpc.errors import RequestError
from mpic.runtime.grpc.handlers import Handler
from mpic.runtime.grpc.identity import AllowList, describe_names, peer_identities

SERVICE, OTHER = "mpic.test.Service", "mpic.test.Other"
PIPELINE = "spiffe://mpic.test/caller/pipeline"
BULK = "spiffe://mpic.test/caller/bulk"
URI, EMAIL, DNS = 0x86, 0x81, 0x82
KINDS = {URI: "peer_uri", EMAIL: "peer_email", DNS: "peer_dns"}


def encode(tag: int, name: bytes) -> bytes:
    """Return a GeneralName in DER (X.690 8.1.3)."""
    size = len(name)
    if size < 0x80:
        return bytes((tag, size)) + name
    octets = (size.bit_length() + 7) // 8
    return bytes((tag, 0x80 | octets)) + size.to_bytes(octets) + name


class Context:
    """A call by who has a certificate with these names, as gRPC shows it: up to a NUL."""

    def __init__(self, *names: tuple[int, str]) -> None:
        der = b"before" + b"".join(encode(tag, name.encode()) for tag, name in names) + b"after"
        self._auth: dict[str, list[bytes]] = {
            "x509_pem_cert": [ssl.DER_cert_to_PEM_cert(der).encode()]
        }
        for tag, name in names:
            self._auth.setdefault(KINDS[tag], []).append(name.encode().split(b"\0")[0])

    def auth_context(self) -> dict[str, list[bytes]]:
        return self._auth

    def peer(self) -> str:
        return "ipv4:192.0.2.1:40000"


def identities(*names: tuple[int, str]) -> list[str]:
    context: Any = Context(*names)
    return peer_identities(context)


def test_uris_come_first_and_each_name_once() -> None:
    found = identities((DNS, "a.test"), (URI, BULK), (URI, PIPELINE), (DNS, "a.test"))
    assert found == [BULK, PIPELINE, "a.test"]


@pytest.mark.parametrize(
    "name",
    [(EMAIL, PIPELINE), (DNS, PIPELINE), (EMAIL, "a.test"), (URI, "a.test")],
)
def test_the_same_text_as_another_kind_of_name_is_no_identity(name: tuple[int, str]) -> None:
    assert identities(name) == []


@pytest.mark.parametrize("tag", [URI, DNS])
def test_a_name_that_goes_on_behind_a_nul_is_not_its_beginning(tag: int) -> None:
    name = PIPELINE if tag == URI else "a.test"
    assert identities((tag, name)) == [name]
    assert identities((tag, f"{name}\0.example.com")) == []


@pytest.mark.parametrize("size", [0x7F, 0x80, 0xFF, 0x100, 1000])
def test_a_name_of_any_length_is_known(size: int) -> None:
    uri = f"spiffe://{'a' * (size - 9)}"
    assert identities((URI, uri)) == [uri]


def test_a_person_is_told_each_name_with_its_kind_and_not_too_many() -> None:
    context: Any = Context((EMAIL, "x@a.test"), (URI, PIPELINE), (DNS, "a.test"))
    told = describe_names(context)
    assert sorted(told) == sorted(["email:x@a.test", f"URI:{PIPELINE}", "DNS:a.test"])
    many: Any = Context(*((DNS, f"h{n}.test") for n in range(100)))
    assert len(describe_names(many)) < 20


class Door:
    """A gate before a call and a stream, and what got through."""

    def __init__(self, *allowed: str) -> None:
        self.gate = AllowList({SERVICE: frozenset(allowed), OTHER: frozenset({"other.test"})})
        self.reached: list[str] = []
        self.read = 0
        self.more = asyncio.Event()

    async def call(self, context: Any, service: str = SERVICE) -> str:  # noqa: ANN401
        handler: Handler = grpc.unary_unary_rpc_method_handler(self._answer)
        (answer,) = [one async for one in self._enter(service, handler, context)]
        return answer

    def stream(self, context: Any) -> AsyncIterator[str]:  # noqa: ANN401
        handler: Handler = grpc.unary_stream_rpc_method_handler(self._go_on)
        return self._enter(SERVICE, handler, context)

    def _enter(self, service: str, handler: Handler, context: Any) -> AsyncIterator[str]:  # noqa: ANN401
        behaviour: Any = self.gate.wrap(service, handler).stream_stream
        messages: AsyncIterator[str] = behaviour(self._ask(), context)
        return messages

    async def _ask(self) -> AsyncIterator[str]:
        self.read += 1
        yield "question"

    async def _answer(self, request: str, context: object) -> str:
        del context
        self.reached.append(request)
        return "answer"

    async def _go_on(self, request: str, context: object) -> AsyncIterator[str]:
        del context
        self.reached.append(request)
        yield "first"
        await self.more.wait()
        yield "second"


async def read(door: Door, context: Context) -> list[str]:
    async with asyncio.timeout(10):
        return [one async for one in door.stream(context)]


async def test_who_is_on_the_list_is_let_in_as_who_it_is_there() -> None:
    door = Door(BULK, "a.test")
    context: Any = Context((URI, PIPELINE), (URI, BULK), (DNS, "a.test"), (DNS, "b.test"))
    assert await door.call(context) == "answer"
    assert door.gate.identify(SERVICE, context) == [BULK, "a.test"]
    door.more.set()
    assert await read(door, context) == ["first", "second"]


@pytest.mark.parametrize("name", [(URI, BULK), (DNS, "other.test"), (EMAIL, PIPELINE)])
async def test_a_stranger_is_not_whichever_way_it_calls(name: tuple[int, str]) -> None:
    door = Door(PIPELINE)
    for way in (door.call, lambda context: read(door, context)):
        context: Any = Context(name)
        with capture_logs() as lines:
            with pytest.raises(RequestError) as refused:
                await way(context)
            door.gate.write()
        assert refused.value.status is grpc.StatusCode.PERMISSION_DENIED
        assert [line["event"] for line in lines] == ["caller_refused"]
        assert door.gate.identify(SERVICE, context) == []
    assert not door.reached
    assert not door.read


async def test_a_service_without_a_list_lets_nobody_in() -> None:
    door = Door(PIPELINE)
    context: Any = Context((URI, PIPELINE))
    with pytest.raises(RequestError):
        await door.call(context, "grpc.health.v1.Health")


async def begin(door: Door, context: Context) -> "asyncio.Task[list[str]]":
    """Open a stream and let it go on until it waits for more."""
    reading = asyncio.create_task(read(door, context))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not reading.done()
    return reading


async def test_who_leaves_the_list_leaves_its_stream_and_hears_why() -> None:
    door = Door(PIPELINE, BULK)
    leaving, staying = Context((URI, PIPELINE)), Context((URI, BULK))
    readings = [await begin(door, one) for one in (leaving, staying)]
    door.gate.adopt({SERVICE: frozenset({BULK})})
    with pytest.raises(RequestError) as refused:
        await readings[0]
    assert refused.value.status is grpc.StatusCode.PERMISSION_DENIED
    door.more.set()
    assert await readings[1] == ["first", "second"]
    assert not door.gate._streams
    with pytest.raises(RequestError):
        await door.call(leaving)
    assert await door.call(staying) == "answer"


async def test_who_was_let_in_by_several_names_needs_them_all() -> None:
    """It may be counted and recorded under any of them."""
    door = Door(PIPELINE, BULK)
    context = Context((URI, PIPELINE), (URI, BULK))
    reading = await begin(door, context)
    door.gate.adopt({SERVICE: frozenset({BULK})})
    with pytest.raises(RequestError):
        await reading


async def test_who_goes_by_himself_was_not_refused() -> None:
    door = Door(PIPELINE)
    context = Context((URI, PIPELINE))
    reading = await begin(door, context)
    reading.cancel()
    with capture_logs() as lines, pytest.raises(asyncio.CancelledError):
        await reading
    assert not lines
    assert not door.gate._streams
