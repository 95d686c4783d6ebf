"""SIGKILL at any moment loses no approval that was heard; `tests/bench/kill.sh` for long."""

from tests.bench.kill import compare, kill_and_listen
from tests.world.deployment import Deployment


def test_sigkill_under_load_loses_no_approval(deployment: Deployment) -> None:
    heard = kill_and_listen(deployment, 5)
    assert heard
    assert compare(deployment.open_record(), heard) == (0, 0)
