"""How often a page may be asked to check again."""

import pytest

from coordinator.api.explain import bounds
from coordinator.api.explain.bounds import (
    AT_A_TIME,
    MOST_OF_ADDRESS,
    MOST_OF_RECORD,
    PAUSE,
    VIEW_WINDOW,
    VIEWS,
    WINDOW,
    CheckBounds,
    TooOftenError,
    ViewBounds,
)

HERE, THERE = "192.0.2.1", "192.0.2.2"


class Checks:
    def __init__(self) -> None:
        self.now = 1000.0
        self.bounds = CheckBounds(lambda: self.now)

    def check(self, record: str = "a", address: str = HERE) -> None:
        with self.bounds.enter(record, address):
            pass

    def wait_after(self, record: str = "a", address: str = HERE) -> float:
        with pytest.raises(TooOftenError) as raised:
            self.check(record, address)
        return raised.value.wait


@pytest.fixture
def checks() -> Checks:
    return Checks()


def test_between_two_checks_of_a_record_there_is_a_pause(checks: Checks) -> None:
    checks.check()
    assert checks.wait_after(address=THERE) == PAUSE
    checks.check("b")
    checks.now += PAUSE - 1
    assert checks.wait_after() == 1
    checks.now += 1
    checks.check()


def test_one_record_has_few_checks_in_a_window_from_wherever(checks: Checks) -> None:
    for number in range(MOST_OF_RECORD):
        checks.check(address=f"192.0.2.{number}")
        checks.now += PAUSE
    assert checks.wait_after(address=THERE) == WINDOW - MOST_OF_RECORD * PAUSE
    checks.now = 1000.0 + 2 * WINDOW
    for number in range(MOST_OF_RECORD):
        checks.check(address=f"192.0.2.{number}")
        checks.now += PAUSE
    assert checks.wait_after(address=THERE) == WINDOW - MOST_OF_RECORD * PAUSE


def test_one_address_has_few_checks_in_a_window_of_whatever(checks: Checks) -> None:
    for number in range(MOST_OF_ADDRESS):
        checks.check(f"r{number}")
    assert checks.wait_after("other") == WINDOW
    checks.check("other", THERE)
    checks.now += WINDOW
    checks.check("new")


def test_one_network_of_ipv6_is_one_address(checks: Checks) -> None:
    for number in range(MOST_OF_ADDRESS):
        checks.check(f"r{number}", f"2001:db8::{number:x}")
    assert checks.wait_after("other", "2001:db8::ffff")


def test_at_a_time_there_is_one_of_a_record_and_few_of_an_address(checks: Checks) -> None:
    with checks.bounds.enter("a", HERE):
        checks.now += PAUSE
        assert checks.wait_after(address=THERE) == PAUSE
        with checks.bounds.enter("b", HERE):
            assert AT_A_TIME == 2
            assert checks.wait_after("c") == PAUSE
            checks.check("c", THERE)
    checks.check("d")


def test_a_check_that_fails_makes_room_again(checks: Checks) -> None:
    for record in ("a", "b", "c"):
        with pytest.raises(ZeroDivisionError), checks.bounds.enter(record, HERE):
            raise ZeroDivisionError
    assert not checks.bounds._running


def test_few_are_remembered(checks: Checks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "_REMEMBERED", 4)
    for number in range(20):
        checks.check(f"r{number}", f"192.0.2.{number}")
    assert len(checks.bounds._begun._moments) == 4


def test_whoever_has_a_link_sees_few_pages_a_minute() -> None:
    now = 1000.0
    views = ViewBounds(lambda: now)
    for _ in range(VIEWS):
        views.count("a")
    with pytest.raises(TooOftenError) as raised:
        views.count("a")
    assert raised.value.wait == VIEW_WINDOW
    views.count("b")
    now += VIEW_WINDOW
    views.count("a")
