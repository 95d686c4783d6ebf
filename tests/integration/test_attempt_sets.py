"""Seven remotes, of which each attempt asks five: those that live, otherwise by lot."""

import grpc
import pytest

from mpic.v1 import corroboration_pb2 as c
from tests.integration.test_agents_that_fail import stopped, wait_for
from tests.world.deployment import Deployment, Plan
from tests.world.places import PLACES
from tests.world.requests import named

CHILD = "child.parent.example.co.jp"
REMOTES = {place.id for place in PLACES[1:8]}
PLAN = Plan(places=PLACES[:8], coordinator_extra="\n[policy]\nremotes_per_attempt = 5\n")


@pytest.fixture(autouse=True)
def _all_are_there(deployment: Deployment) -> None:
    deployment.wait_ready()


def ask(deployment: Deployment) -> c.CorroborateResponse:
    return deployment.ask(CHILD)


def asked(response: c.CorroborateResponse) -> frozenset[str]:
    """Return the remotes that an answer speaks of."""
    (verdict,) = response.names
    primary, *remotes = verdict.perspectives
    assert primary.perspective_id == PLACES[0].id
    assert len(remotes) == response.policy.remotes_asked == 5
    return frozenset(one.perspective_id for one in remotes)


def test_each_attempt_asks_five_of_seven_and_speaks_of_no_other(deployment: Deployment) -> None:
    answers = [ask(deployment) for _ in range(20)]
    assert all(answer.names[0].quorum == "5/5" for answer in answers)
    sets = {asked(answer) for answer in answers}
    assert len(sets) > 1
    assert frozenset().union(*sets) == REMOTES
    assert {one.perspective_id for one in deployment.perspectives()} == REMOTES | {PLACES[0].id}


def test_one_that_fails_within_an_attempt_stays_in_the_denominator(deployment: Deployment) -> None:
    # Until it is known to hang it is chosen like the others, five times in seven.
    for _ in range(30):
        with stopped(deployment, "frankfurt"):
            answer = ask(deployment)
        if "frankfurt" in asked(answer):
            break
    assert "frankfurt" in asked(answer)
    assert answer.names[0].quorum == "4/5"


def test_attempts_avoid_one_that_hangs_and_stay_5_of_5(deployment: Deployment) -> None:
    with stopped(deployment, "ashburn"):
        wait_for(deployment, lambda ready: not ready["ashburn"])
        answers = [ask(deployment) for _ in range(15)]
    assert all(answer.names[0].quorum == "5/5" for answer in answers)
    assert frozenset().union(*map(asked, answers)) == REMOTES - {"ashburn"}
    assert any("ashburn" in asked(ask(deployment)) for _ in range(30))


def test_with_three_away_one_of_them_is_asked_and_counts(deployment: Deployment) -> None:
    away = {"ashburn", "portland", "singapore"}
    with stopped(deployment, *away):
        wait_for(deployment, lambda ready: not any(ready[one] for one in away))
        answer = ask(deployment)
    assert answer.names[0].quorum == "4/5"
    assert len(asked(answer) & away) == 1


def test_a_caller_can_demand_no_more_than_are_asked(deployment: Deployment) -> None:
    request = c.CorroborateRequest(request_id="test", names=named([CHILD]))
    request.tightening.min_corroborating = 6
    with pytest.raises(grpc.RpcError, match=r"6 is not between 4, .* and 5"):
        deployment.send(request)
