"""Who is turned away unread is counted and in the log, by caller and reason, and nobody else is."""

from collections.abc import Sequence
from typing import Any

import pytest
from structlog.testing import capture_logs

from coordinator.admission import Admission, Bounds
from coordinator.doorkeeper import Doorkeeper
from coordinator.metrics import Watch
from coordinator.overload import Gate
from mpic.metrics import ProgramMetrics

LISTED = ("bulk", "pipeline")


class House:
    """A gate with room for 100 names, and who stands at it."""

    def __init__(self) -> None:
        self.gate = Gate(Admission(Bounds(100, 100, {"bulk": 50})), 11.0)
        self._program = ProgramMetrics("coordinator")
        self.watch = Watch(self._program)
        self._keeper = Doorkeeper(self.gate, self.watch, self._identify)

    @staticmethod
    def _identify(caller: Any) -> Sequence[str]:  # noqa: ANN401 - a call's context
        return [caller] if caller in LISTED else []

    def reason(self, name: str) -> str:
        """Why one is turned away."""
        caller: Any = name
        error = self._keeper.find_no_room(caller)
        return error.reason if error else ""

    def shed(self) -> float | None:
        return self._program.registry.get_sample_value("mpic_questions_total", {"outcome": "shed"})

    def told(self) -> list[tuple[str, str, int]]:
        with capture_logs() as lines:
            self._keeper.write()
        return [(one["caller"], one["reason"], one["calls"]) for one in lines]


@pytest.fixture
async def house() -> House:
    """Make it where there is a loop that would write the lines."""
    return House()


async def test_where_there_is_room_nobody_is_turned_away(house: House) -> None:
    assert not house.reason("pipeline")
    with house.gate.enter("pipeline", 99):
        assert not house.reason("pipeline")
    assert not house.shed()
    assert not house.told()


async def test_each_caller_and_reason_has_a_line_with_how_many(house: House) -> None:
    with house.gate.enter("bulk", 50):
        assert [house.reason("bulk") for _ in range(3)] == ["CALLER_LIMIT"] * 3
        assert not house.reason("pipeline")
        with house.gate.enter("pipeline", 50):
            assert house.reason("pipeline") == "OVERLOADED"
    lines = house.told()
    assert ("bulk", "CALLER_LIMIT", 3) in lines
    assert {caller for caller, _, _ in lines} == {"bulk", "pipeline"}
    assert house.shed() == sum(calls for _, _, calls in lines)
    assert not house.told()


async def test_one_who_is_not_on_the_list_is_left_to_hear_that(house: House) -> None:
    """And a flood of them makes nobody else wait."""
    with house.gate.enter("pipeline", 100):
        assert not any(house.reason("stranger") for _ in range(3000))
    assert not house.shed()
    assert not house.told()
    assert house.gate.limit == 100
