"""SIGKILL at any moment loses no approval that was heard; `tests/bench/kill.sh` for long."""

from tests.bench.kill import Heard, compare, count_remembered, kill_and_listen
from tests.world.deployment import Deployment, Plan

PLAN = Plan(repeat_window=600)


def test_sigkill_under_load_loses_no_approval(deployment: Deployment) -> None:
    """What was in flight is asked again, and has one verdict at most."""
    heard = Heard()
    kill_and_listen(deployment, 5, heard)
    assert heard.records
    assert heard.asked_again
    assert not heard.told_otherwise
    store = deployment.open_record()
    assert count_remembered(store) == 1
    assert compare(store, heard.records) == (0, 0)
