"""Few handshakes at a time, and few of one address."""

import pytest

from coordinator.api.http.arrivals import Arrivals

HOST, OTHER = "192.0.2.1", "192.0.2.2"


class Clock:
    """Time that is set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def enter(arrivals: Arrivals, address: str, number: int) -> int:
    """How many of so many connections may begin."""
    return sum(arrivals.enter(address) for _ in range(number))


def test_an_address_has_so_many_connections_at_a_time(clock: Clock) -> None:
    arrivals = Arrivals(8, clock)
    assert enter(arrivals, HOST, 20) == 8
    assert enter(arrivals, OTHER, 20) == 8
    clock.now += 1000
    assert enter(arrivals, HOST, 1) == 0
    arrivals.leave(HOST)
    assert enter(arrivals, HOST, 5) == 1


def test_an_address_begins_a_quarter_of_them_in_a_second(clock: Clock) -> None:
    arrivals = Arrivals(8, clock)
    begun = 0
    for _ in range(100):
        while arrivals.enter(HOST):
            begun += 1
            arrivals.leave(HOST)
        clock.now += 0.1
    assert 8 + 19 <= begun <= 8 + 21
    assert enter(arrivals, OTHER, 20) == 8


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("2001:db8::1", "2001:db8::2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
    ],
)
def test_what_counts_as_one_address(clock: Clock, one: str, other: str, *, is_same: bool) -> None:
    arrivals = Arrivals(1, clock)
    assert arrivals.enter(one)
    assert arrivals.enter(other) is not is_same


def test_handshakes_of_all_keep_a_pace(clock: Clock) -> None:
    arrivals = Arrivals(256, clock)
    began = clock.now
    for _ in range(1032):
        clock.now += arrivals.find_pause()
    assert clock.now - began == pytest.approx(1000 / 200)
    clock.now += 60
    assert sum(arrivals.find_pause() for _ in range(32)) < 1e-9
    assert arrivals.find_pause() == pytest.approx(1 / 200)


def test_what_is_remembered_has_a_bound(clock: Clock) -> None:
    arrivals = Arrivals(1, clock)
    for number in range(10_000):
        address = f"198.{number >> 8 & 255}.{number & 255}.1"
        assert arrivals.enter(address)
        arrivals.leave(address)
        assert not arrivals.enter(address)
    assert len(arrivals._due) == 4096
    assert not arrivals._open
