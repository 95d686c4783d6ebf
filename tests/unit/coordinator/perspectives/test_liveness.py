"""The breaker: silence is hung, traffic is life, and a sign of life is asked for once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.perspectives.liveness import PATIENCE, Liveness, State


def state(breaker: Liveness) -> State:
    return breaker.state


def test_a_new_connection_is_asked_for_a_sign_before_it_is_trusted() -> None:
    breaker = Liveness()
    assert state(breaker) is State.TRYING
    assert breaker.beat()
    assert state(breaker) is State.TRYING
    breaker.hear()
    assert state(breaker) is State.LIVE


def test_a_busy_link_is_never_asked() -> None:
    breaker = Liveness()
    for _ in range(100):
        breaker.hear()
        assert not breaker.beat()
    assert state(breaker) is State.LIVE


def test_a_quiet_link_is_asked_every_other_beat() -> None:
    breaker = Liveness()
    asked = []
    for _ in range(10):
        asked.append(breaker.beat())
        if asked[-1]:
            breaker.hear()
    assert asked == [True, False] * 5


@pytest.mark.parametrize("lived", [False, True])
def test_silence_is_hung_after_so_many_beats_and_not_before(lived: bool) -> None:
    breaker = Liveness()
    if lived:
        breaker.hear()
        assert not breaker.beat()
    asked = [breaker.beat() for _ in range(PATIENCE)]
    assert asked == [True] + [False] * (PATIENCE - 1)
    assert state(breaker) is not State.HUNG
    breaker.beat()
    assert state(breaker) is State.HUNG


def test_a_sign_at_the_last_moment_is_early_enough() -> None:
    breaker = Liveness()
    for _ in range(3):
        for _ in range(PATIENCE):
            breaker.beat()
        breaker.hear()
        assert not breaker.beat()
    assert state(breaker) is State.LIVE


def test_what_is_hung_stays_so_for_this_connection() -> None:
    """Its questions have been answered for it; what it says now comes too late."""
    breaker = Liveness()
    for _ in range(PATIENCE + 1):
        breaker.beat()
    breaker.hear()
    breaker.beat()
    assert state(breaker) is State.HUNG


def test_silence_at_rest_is_not_counted_and_begins_anew_after_it() -> None:
    breaker = Liveness()
    breaker.hear()
    for _ in range(3):
        for _ in range(PATIENCE):
            breaker.beat()
        for _ in range(10 * PATIENCE):
            breaker.rest()
    assert [breaker.beat() for _ in range(PATIENCE)] == [True] + [False] * (PATIENCE - 1)
    assert state(breaker) is State.LIVE
    breaker.beat()
    assert state(breaker) is State.HUNG


def test_what_was_heard_at_rest_is_no_sign_of_life_after_it() -> None:
    breaker = Liveness()
    breaker.hear()
    breaker.rest()
    assert breaker.beat()


@given(st.lists(st.booleans(), max_size=60))
def test_hung_is_whoever_was_silent_for_longer_than_patience(heard: list[bool]) -> None:
    """Whatever comes between which beats."""
    breaker = Liveness()
    silence = longest = 0
    for one in heard:
        if one:
            breaker.hear()
        breaker.beat()
        silence = 0 if one else silence + 1
        longest = max(longest, silence)
    assert (state(breaker) is State.HUNG) == (longest > PATIENCE)
