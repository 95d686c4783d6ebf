"""Connections that end without a call are told, and no others."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from mpic.runtime.grpc.quiet_connections import QuietConnections, find_peers, write_peer

ONE, OTHER = "ipv4:192.0.2.1:4001", "ipv4:192.0.2.1:4002"
THIRD = "ipv6:%5B2001:db8::1%5D:4003"


def tell(quiet: QuietConnections) -> list[Any]:
    with capture_logs() as lines:
        quiet.end()
    return sorted((one["address"], one["calls"]) for one in lines)


async def test_who_ends_without_a_call_is_told_by_the_address() -> None:
    quiet = QuietConnections()
    quiet.see(1, frozenset({ONE, OTHER, THIRD}))
    quiet.see(2, frozenset({ONE, OTHER, THIRD}))
    assert tell(quiet) == []
    quiet.see(3, frozenset())
    assert tell(quiet) == [("ipv4:192.0.2.1", 2), ("ipv6:%5B2001:db8::1%5D", 1)]


async def test_who_has_called_is_not_told_whenever_it_called() -> None:
    quiet = QuietConnections()
    quiet.note_call(ONE)  # it was not seen before it called
    quiet.see(1, frozenset({ONE, OTHER}))
    quiet.note_call(OTHER)
    quiet.see(2, frozenset())
    assert tell(quiet) == []


async def test_a_look_that_comes_late_changes_nothing() -> None:
    quiet = QuietConnections()
    quiet.see(2, frozenset({ONE}))
    quiet.see(1, frozenset())
    assert tell(quiet) == []
    quiet.see(3, frozenset())
    assert tell(quiet) == [("ipv4:192.0.2.1", 1)]


async def test_the_callers_that_are_remembered_have_a_bound() -> None:
    quiet = QuietConnections()
    for port in range(10_000):
        quiet.note_call(f"ipv4:192.0.2.1:{port}")
    assert len(quiet._called) == 8192
    assert "ipv4:192.0.2.1:9999" in quiet._called


async def test_nothing_is_looked_for_before_it_begins_nor_after_the_end() -> None:
    quiet = QuietConnections()
    quiet.look()
    quiet.begin(7300)
    quiet.end()
    quiet.look()
    assert next(quiet._numbers) == 1


async def test_looking_takes_a_small_share_of_the_time() -> None:
    quiet = QuietConnections()
    quiet.begin(7300)
    for _ in range(1000):
        quiet.look()
    assert next(quiet._numbers) < 900
    quiet.end()


@pytest.mark.parametrize(
    ("host", "written"),
    [
        ("192.0.2.1", "ipv4:192.0.2.1:7"),
        ("::ffff:192.0.2.1", "ipv4:192.0.2.1:7"),
        ("2001:db8::1", "ipv6:%5B2001:db8::1%5D:7"),
    ],
)
def test_peers_are_written_as_grpc_does(host: str, written: str) -> None:
    assert write_peer(host, 7) == written


def test_files_that_are_no_connections_are_passed_over() -> None:
    assert find_peers(1) == frozenset()
