"""The table [limits]: no bound may keep a question out for ever."""

import pytest
from pydantic import ValidationError

from coordinator.overload.admission import Bounds
from coordinator.overload.retry_after import RetryAfter
from coordinator.overload.settings import LimitsTable
from mpic.bounds import MAX_NAMES


def test_it_is_what_the_file_says() -> None:
    table = LimitsTable(
        names_in_flight=300,
        caller_names_in_flight=200,
        caller={"bulk": 100},
        retry_after_least=2,
        retry_after_most=9,
    )
    assert table.bounds() == Bounds(300, 200, {"bulk": 100}, RetryAfter(2, 9))


@pytest.mark.parametrize("few", [0, 1, MAX_NAMES - 1])
def test_every_bound_leaves_room_for_a_whole_certificate(few: int) -> None:
    for wrong in (
        {"names_in_flight": few},
        {"caller_names_in_flight": few},
        {"caller": {"bulk": few}},
    ):
        with pytest.raises(ValidationError):
            LimitsTable(**wrong)


def test_those_who_are_turned_away_have_room_to_spread_out() -> None:
    with pytest.raises(ValidationError):
        LimitsTable(retry_after_least=5, retry_after_most=9.9)
    assert LimitsTable(retry_after_least=5, retry_after_most=10).bounds().retry_after.most == 10
