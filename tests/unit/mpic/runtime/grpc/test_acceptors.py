"""What is used of grpcio beside its public face is looked for, whatever the release; no socket."""

from types import SimpleNamespace
from typing import cast

import grpc
import pytest
from grpc import aio
from grpc._cython import cygrpc  # type: ignore[attr-defined, unused-ignore]

from mpic.runtime.doctor.grpcio import examine_grpcio, judge_grpcio
from mpic.runtime.grpc import acceptors
from mpic.runtime.grpc.acceptors import find_lacking

PARTS = (
    "RPCState",
    "ExecuteBatchError",
    "_RequestCallError",
    "_ServicerContext",
    "_handle_unary_unary_rpc",
    "_schedule_rpc_coro",
)


async def request_call(method: bytes, loop: object) -> None:
    """Stand for a part that wants more than it is given."""
    del method, loop


async def look() -> str:
    """Say what this grpcio lacks."""
    server = aio.server()
    lacking = find_lacking(server)
    await server.stop(None)
    return lacking


@pytest.mark.parametrize("release", ["1.85.3", "9.0.0.dev0"])
async def test_where_all_is_there_the_release_does_not_matter(
    release: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grpc, "__version__", release)
    assert not await look()


@pytest.mark.parametrize("part", PARTS)
async def test_a_part_that_is_lacking_is_named(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(cygrpc, part)
    assert part in await look()


@pytest.mark.parametrize(
    ("part", "other"),
    [
        ("_handle_unary_unary_rpc", lambda method_handler, rpc_state: (method_handler, rpc_state)),
        ("_schedule_rpc_coro", lambda rpc_coro, loop, rpc_state, method_name: None),  # noqa: ARG005
        ("_ServicerContext", lambda rpc_state: rpc_state),
        ("_RequestCallError", int),
    ],
)
async def test_a_part_that_wants_to_be_used_otherwise_is_lacking(
    part: str, other: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cygrpc, part, other)
    assert await look()


@pytest.mark.parametrize(
    "server",
    [
        SimpleNamespace(),
        SimpleNamespace(_server=SimpleNamespace()),
        # As grpcio 1.78.0 has it.
        SimpleNamespace(_server=SimpleNamespace(is_running=lambda: True)),
        SimpleNamespace(
            _server=SimpleNamespace(is_running=lambda: True, _request_registered_call=request_call)
        ),
    ],
)
async def test_a_server_that_is_made_otherwise_lacks_something(server: SimpleNamespace) -> None:
    assert find_lacking(cast("aio.Server", server))


async def test_where_the_module_itself_is_gone_all_of_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(acceptors, "cygrpc", None)
    assert await look()


async def test_the_doctor_looks_too(monkeypatch: pytest.MonkeyPatch) -> None:
    (finding,) = await examine_grpcio()
    assert finding.outcome == "ok"
    monkeypatch.delattr(cygrpc, "_ServicerContext")
    (finding,) = await examine_grpcio()
    assert finding.outcome == "warning"
    assert "_ServicerContext" in finding.what


def test_the_doctor_says_what_to_do() -> None:
    finding = judge_grpcio("this")
    assert (finding.outcome, finding.facts["lacking"]) == ("warning", "this")
    assert "requirements-run.txt" in finding.mend
