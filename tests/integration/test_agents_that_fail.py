"""Agents that are dead, hung, slow, swapped or lying: none corroborates, none is waited for."""

import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import corroboration_pb2_grpc
from tests.world import network
from tests.world.deployment import Deployment, Plan, wait_serving
from tests.world.process import wait_until

CHILD = "child.parent.example.co.jp"
# Waiting for a silent perspective would take far longer than the calls below are given. Proofs that
# resolvers validate are so rare that they are no sign of life.
PLAN = Plan(lookup_timeout=60, own_addresses=True, probe_interval=60)
IN_TIME = 40.0
# Shorter than a call may take and longer than it takes to know a hung agent.
LINGER = 30.0


def ask(deployment: Deployment, name: str = CHILD, linger: float = 0) -> c.NameVerdict:
    (verdict,) = deployment.ask(name, linger=linger, timeout=IN_TIME).names
    return verdict


def report_of(verdict: c.NameVerdict, perspective: str) -> c.PerspectiveReport:
    (report,) = (one for one in verdict.perspectives if one.perspective_id == perspective)
    return report


@contextmanager
def stopped(deployment: Deployment, *perspectives: str) -> Iterator[None]:
    """Stop agents (SIGSTOP): they hold their connections and say nothing."""
    for perspective in perspectives:
        deployment.agents[perspective].signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for perspective in perspectives:
            deployment.agents[perspective].signal(signal.SIGCONT)
        wait_for_all(deployment)


@contextmanager
def killed(deployment: Deployment, *perspectives: str) -> Iterator[None]:
    for perspective in perspectives:
        deployment.agents[perspective].stop()
    try:
        yield
    finally:
        for perspective in perspectives:
            deployment.start_agent(perspective)
        wait_for_all(deployment)


def wait_for(deployment: Deployment, done: Callable[[dict[str, bool]], bool]) -> None:
    """Wait for what can be said of who can be asked."""
    wait_until(
        lambda: done({one.perspective_id: one.ready for one in deployment.perspectives()}),
        60,
        deployment.say_who,
    )


def wait_for_all(deployment: Deployment) -> None:
    for agent in deployment.agents.values():
        wait_serving(agent)
    deployment.wait_ready()


def test_one_hung_agent_of_five_is_not_waited_for(deployment: Deployment) -> None:
    with stopped(deployment, "ashburn"):
        verdict = ask(deployment)
    assert verdict.approved
    assert verdict.quorum == "4/5"
    # On a machine that stood still meanwhile, it may be known to hang.
    dissents = (c.DISSENT_NOT_AWAITED, c.DISSENT_UNREACHABLE)
    assert report_of(verdict, "ashburn").dissent in dissents


def test_a_hung_agent_is_answered_for_at_once_and_is_back_when_it_goes_on(
    deployment: Deployment,
) -> None:
    with stopped(deployment, "ashburn"):
        ask(deployment)
        wait_for(deployment, lambda ready: not ready["ashburn"])
        verdict = ask(deployment, linger=LINGER)
    report = report_of(verdict, "ashburn")
    assert verdict.quorum == "4/5"
    # Not LATE, after the deadline, nor NOT_AWAITED, after the linger.
    assert report.dissent == c.DISSENT_UNREACHABLE
    assert "no sign of life: the agent hangs" in report.detail
    assert ask(deployment, linger=LINGER).quorum == "5/5"


def test_an_agent_that_hangs_is_known_though_nobody_asks(deployment: Deployment) -> None:
    with stopped(deployment, "ashburn"):
        wait_for(deployment, lambda ready: not ready["ashburn"])


def test_questions_an_agent_had_before_it_hung_are_answered_for_it_too(
    deployment: Deployment,
) -> None:
    with stopped(deployment, "ashburn"):
        verdict = ask(deployment, linger=LINGER)
    assert verdict.quorum == "4/5"
    assert "no sign of life" in report_of(verdict, "ashburn").detail


def test_two_hung_agents_of_five_are_refused_once_they_are_known_to_be_gone(
    deployment: Deployment,
) -> None:
    with stopped(deployment, "ashburn", "singapore"):
        # Refused as soon as one of them is known, so the other counts only for who waits for it.
        verdicts = [ask(deployment, linger=LINGER)]
        wait_for(deployment, lambda ready: not (ready["ashburn"] or ready["singapore"]))
        verdicts.append(ask(deployment, linger=LINGER))
    for verdict in verdicts:
        assert verdict.reason == c.REASON_QUORUM_NOT_MET
        assert verdict.error.code == 338
        assert "no sign of life" in report_of(verdict, "ashburn").detail
        assert verdict.quorum == "3/5"


def test_an_agent_that_is_cut_off_is_answered_for_and_is_back_when_the_network_is(
    deployment: Deployment,
) -> None:
    network.cut_off(network.perspective_address(4))
    ask(deployment)
    wait_for(deployment, lambda ready: not ready["johannesburg"])
    verdict = ask(deployment, linger=LINGER)
    network.heal()
    deployment.wait_ready()
    assert verdict.quorum == "4/5"
    # By its silence, or by the connection that broke meanwhile.
    assert report_of(verdict, "johannesburg").dissent == c.DISSENT_UNREACHABLE
    assert report_of(verdict, "johannesburg").detail
    assert ask(deployment, linger=LINGER).quorum == "5/5"


def test_an_agent_whose_resolver_hangs_says_so_and_is_back_when_it_goes_on(
    deployment: Deployment,
) -> None:
    unbound = deployment.agents["singapore"].events("unbound_started")[-1]["pid"]
    os.kill(unbound, signal.SIGSTOP)
    try:
        verdicts = [ask(deployment, linger=LINGER)]
        wait_for(deployment, lambda ready: not ready["singapore"])
        verdicts.append(ask(deployment, linger=LINGER))
    finally:
        os.kill(unbound, signal.SIGCONT)
        wait_for_all(deployment)
    for verdict in verdicts:
        assert verdict.quorum == "4/5"
        assert report_of(verdict, "singapore").dissent == c.DISSENT_NOT_LOOKED
        detail = report_of(verdict, "singapore").detail
        # The pulse notices it, or the proof that it validates if it is due.
        assert re.search("resolver (hangs|was not shown to validate): .*/control", detail)
    assert ask(deployment, linger=LINGER).quorum == "5/5"


def test_an_unbound_that_hangs_on_is_started_anew(deployment: Deployment) -> None:
    file = deployment.agent_file("singapore")
    usual = file.read_text()
    with killed(deployment, "singapore"):
        file.write_text(re.sub("restart_hung_after = .*", "restart_hung_after = 1", usual))
    try:
        agent = deployment.agents["singapore"]
        hung = agent.events("unbound_started")[-1]["pid"]
        os.kill(hung, signal.SIGSTOP)
        ask(deployment)
        wait_until(lambda: bool(agent.events("unbound_killed")), 60, agent.log_file.read_text)
        assert agent.events("unbound_killed")[0]["pid"] == hung
        wait_until(lambda: bool(agent.events("resolver_lives_again")), 60, agent.log_file.read_text)
        wait_for_all(deployment)
        assert ask(deployment, linger=LINGER).quorum == "5/5"
    finally:
        file.write_text(usual)
        with killed(deployment, "singapore"):
            pass


def test_a_killed_agent_stays_in_the_denominator(deployment: Deployment) -> None:
    with killed(deployment, "frankfurt"):
        wait_for(deployment, lambda ready: not ready["frankfurt"])
        verdict = ask(deployment, linger=LINGER)
    assert verdict.approved
    assert verdict.quorum == "4/5"
    assert report_of(verdict, "frankfurt").dissent == c.DISSENT_UNREACHABLE


def test_a_killed_primary_leaves_it_undetermined(deployment: Deployment) -> None:
    with killed(deployment, "tokyo"):
        wait_for(deployment, lambda ready: not ready["tokyo"])
        verdict = ask(deployment)
    assert not verdict.approved
    assert verdict.reason == c.REASON_PRIMARY_UNAVAILABLE
    assert not verdict.HasField("error")


def test_a_slow_agent_is_not_waited_for(deployment: Deployment) -> None:
    """Its way to the authoritative server is black-holed, so its lookups take for ever."""
    network.black_hole(network.perspective_address(3), network.AUTHORITATIVE)
    verdict = ask(deployment, "slow1.plain.example.co.jp")
    assert verdict.approved
    assert report_of(verdict, "sao-paulo").dissent == c.DISSENT_NOT_AWAITED


def test_an_agent_that_is_slow_about_one_domain_is_not_taken_for_hung(
    deployment: Deployment,
) -> None:
    """Neither it nor its resolver has anything to say for longer than hung ones are given."""
    before = complaints(deployment, "sao-paulo")
    network.black_hole(network.perspective_address(3), network.AUTHORITATIVE)
    verdict = ask(deployment, "slow2.plain.example.co.jp", linger=5)
    assert complaints(deployment, "sao-paulo") == before
    # What it gave in the end, if it did, was about the domain.
    dissents = (c.DISSENT_NOT_AWAITED, c.DISSENT_FAILED, c.DISSENT_FAILED)
    assert report_of(verdict, "sao-paulo").dissent in dissents
    assert deployment.perspective("sao-paulo").ready


def complaints(deployment: Deployment, perspective: str) -> list[dict[str, Any]]:
    """Return what the logs say of an agent that hangs, or whose resolver does."""
    lost = deployment.coordinator.events("perspective_lost")
    hangs = deployment.agents[perspective].events("resolver_hangs")
    return [line for line in lost if line["perspective"] == perspective] + hangs


def test_an_unbound_that_dies_is_started_again(deployment: Deployment) -> None:
    agent = deployment.agents["singapore"]
    started = agent.events("unbound_started")
    os.kill(started[-1]["pid"], signal.SIGKILL)
    wait_until(
        lambda: len(agent.events("unbound_started")) > len(started), 60, agent.log_file.read_text
    )
    deployment.wait_ready()
    assert ask(deployment, linger=LINGER).quorum == "5/5"


def test_a_late_observation_is_still_received(deployment: Deployment) -> None:
    """Of an agent that stood still for a moment, too short to be taken for hung."""
    for number in range(10):
        before = complaints(deployment, "singapore")
        with stopped(deployment, "singapore"):
            name = f"late{number}.plain.example.co.jp"
            response = deployment.ask(name, linger=0, timeout=IN_TIME)
        if complaints(deployment, "singapore") == before:
            break
    assert response.names[0].quorum == "4/5"
    request = c.GetCorroborationRequest(record_id=response.record_id)

    def late() -> list[tuple[str, bool]]:
        with deployment.channel() as channel:
            stub = corroboration_pb2_grpc.CorroborationServiceStub(channel)
            reports = [one.report for one in stub.GetCorroboration(request, timeout=IN_TIME).late]
        return [(one.perspective_id, one.corroborates) for one in reports]

    wait_until(lambda: bool(late()), 60, deployment.coordinator.log_file.read_text)
    assert late() == [("singapore", True)]
