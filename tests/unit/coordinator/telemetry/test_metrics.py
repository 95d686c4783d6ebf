"""What is counted of an attempt, and what is said of the roster; readiness by the links."""

import asyncio
import math
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import grpc
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.registry import Collector

from coordinator.decision.attempt import Attempt
from coordinator.decision.vote import Reply
from coordinator.perspectives.client import PerspectiveClient
from coordinator.perspectives.client_options import ClientOptions
from coordinator.perspectives.errors import PerspectiveProblem
from coordinator.rules.policy import Policy
from coordinator.rules.responsibility import Responsible
from coordinator.rules.roster import Roster, Rules
from coordinator.telemetry.collectors import LinkCollector, RosterCollector, TakingUpCollector
from coordinator.telemetry.metrics import CoordinatorMetrics
from coordinator.telemetry.readiness import why_no_primary
from mpic.channel import TlsFiles
from mpic.runtime.clock import read_clock_us, read_steady_us
from mpic.runtime.grpc.errors import RequestError, invalid_argument, shutting_down
from mpic.runtime.metrics import ProgramMetrics
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p
from tests.world.samples import (
    ADDRESS,
    NOVEMBER,
    WORLD,
    addresses,
    caa,
    failed_addresses,
    failed_caa,
    issuance_request,
    reply,
)

RULES = Rules(WORLD, Policy())
DIFFERS = (caa(), addresses(bytes([203, 0, 113, 66])))
FRANKFURT = WORLD.remotes[0]


class Counted:
    """The metrics of a coordinator that has decided these replies."""

    def __init__(
        self,
        *rounds: Sequence[Reply],
        blamed: Responsible | None = None,
        dry_run: bool = False,
    ) -> None:
        self.program = ProgramMetrics("coordinator")
        self.metrics = CoordinatorMetrics(RULES, self.program)
        for replies in rounds:
            request = issuance_request(dry_run=dry_run)
            attempt = Attempt(request, WORLD, NOVEMBER, self.metrics.count_complete)
            for each in replies:
                attempt.receive(0, each)
            self.metrics.count_verdict(attempt, 0.02, [blamed])

    def value(self, name: str, **labels: str) -> float | None:
        return self.program.registry.get_sample_value(name, labels)

    def verdicts(self, reason: str, check: str = "", dry_run: str = "false") -> float | None:
        labels = {"reason": reason, "check": check, "dry_run": dry_run}
        return self.value("mpic_verdicts_total", **labels)

    def observations(self, perspective: str, outcome: str, check: str = "") -> float | None:
        labels = {"perspective": perspective, "outcome": outcome, "check": check}
        return self.value("mpic_observations_total", **labels)


def replies(*odd: Reply) -> list[Reply]:
    """Replies of all, the odd ones in the place of those of the same perspective."""
    by_id = {one.perspective.id: one for one in odd}
    return [by_id.get(one.id, reply(one)) for one in WORLD.perspectives]


async def test_an_approval() -> None:
    counted = Counted(replies())
    assert counted.verdicts("corroborated") == 1
    assert counted.value("mpic_questions_total", outcome="approved") == 1
    assert counted.value("mpic_quorum_margin_bucket", le="1.0") == 1
    assert counted.value("mpic_quorum_margin_bucket", le="0.0") == 0
    seconds = counted.value("mpic_perspective_answer_duration_seconds_sum", perspective="tokyo")
    assert seconds == pytest.approx(0.01)


@pytest.mark.parametrize("blamed", Responsible)
async def test_a_refusal_is_counted_by_whose_failure_it_is(blamed: Responsible) -> None:
    counted = Counted(replies(), blamed=blamed)
    for one in Responsible:
        value = counted.value("mpic_refusals_total", responsible=one.value)
        assert value == (one is blamed)


async def test_a_remote_that_sees_otherwise_disagrees() -> None:
    odd = reply(FRANKFURT, DIFFERS)
    counted = Counted(replies(odd), replies(odd), replies())
    assert counted.value("mpic_disagreements_total", perspective="frankfurt") == 2
    assert counted.value("mpic_disagreements_total", perspective="ashburn") == 0
    assert counted.observations("frankfurt", "differs", "addresses") == 2
    assert counted.observations("frankfurt", "differs", "caa") == 0
    assert counted.observations("frankfurt", "corroborates") == 1


async def test_a_remote_that_is_late_does_not_disagree() -> None:
    late = Reply(FRANKFURT, None, None, c.DISSENT_LATE, "no answer within 11 s")
    counted = Counted(replies(late))
    assert counted.value("mpic_disagreements_total", perspective="frankfurt") == 0
    assert counted.observations("frankfurt", "late") == 1
    assert counted.value("mpic_quorum_margin_bucket", le="0.0") == 1


async def test_a_dry_run_is_told_apart() -> None:
    counted = Counted(replies(), dry_run=True)
    assert counted.verdicts("corroborated", dry_run="true") == 1
    assert counted.verdicts("corroborated") == 0


async def test_where_the_primary_fails_no_quorum_and_no_disagreement_is_counted() -> None:
    failed = reply(WORLD.primary, (failed_caa(), addresses(ADDRESS)))
    counted = Counted(replies(failed, reply(FRANKFURT, DIFFERS)))
    assert counted.value("mpic_quorum_margin_bucket", le="+Inf") == 0
    assert counted.value("mpic_disagreements_total", perspective="frankfurt") == 0
    assert counted.verdicts("primary_failed", "caa") == 1
    assert counted.verdicts("primary_failed", "addresses") == 0


async def test_a_verdict_is_counted_by_the_check_that_decided() -> None:
    forbids = (caa(b"\x00\x05issueother.example"), addresses(ADDRESS))
    counted = Counted(
        replies(reply(WORLD.primary, (caa(), failed_addresses()))),
        replies(reply(WORLD.primary, forbids)),
        replies(reply(WORLD.remotes[0], DIFFERS), reply(WORLD.remotes[1], forbids)),
    )
    assert counted.verdicts("primary_failed", "addresses") == 1
    assert counted.verdicts("primary_forbids", "caa") == 1
    assert counted.verdicts("quorum_not_met") == 1
    assert counted.observations("tokyo", "failed", "addresses") == 1
    assert counted.observations("tokyo", "forbids", "caa") == 1
    assert counted.observations(WORLD.remotes[1].id, "forbids", "caa") == 1


def series(program: ProgramMetrics, *names: str) -> set[tuple[str, ...]]:
    """What is shown of some counters, by their labels."""
    samples = (one for family in program.registry.collect() for one in family.samples)
    return {tuple(one.labels.values()) for one in samples if one.name in names}


async def test_every_outcome_is_shown_before_there_is_one() -> None:
    """Else its first would be no increase; whatever decides, nothing new is shown."""
    not_run = o.Finding(not_run=o.Failure(kind=o.FAILURE_KIND_RESOLVER_UNAVAILABLE, detail="x"))
    busy = o.Finding(not_run=o.Failure(kind=o.FAILURE_KIND_OVERLOADED, detail="x"))
    unknown = o.Finding(not_run=o.Failure(kind=o.FAILURE_KIND_UNSUPPORTED_CHECK, detail="x"))
    seen = [(caa(), one) for one in (addresses(), failed_addresses(), not_run, busy, unknown)]
    seen += [(one, addresses(ADDRESS)) for one in (failed_caa(), not_run, busy, unknown)]
    counters = "mpic_verdicts_total", "mpic_observations_total"
    before = series(Counted().program, *counters)
    for who in (WORLD.primary, FRANKFURT):
        rounds = [replies(reply(who, findings)) for findings in seen]
        rounds += [
            replies(Reply(who, None, None, dissent, "x"))
            for dissent in (c.DISSENT_LATE, c.DISSENT_NOT_LOOKED, c.DISSENT_OVERLOADED)
        ]
        rounds.append(replies(Reply(who, None, None, c.DISSENT_UNSUPPORTED, "x", "caa")))
        assert series(Counted(*rounds).program, *counters) == before


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (invalid_argument(()), "invalid"),
        (RequestError(grpc.StatusCode.ALREADY_EXISTS, "DUPLICATE_REQUEST_ID", "used"), "invalid"),
        (shutting_down(), "failed"),
        (RequestError(grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED", "busy"), "shed"),
        (RuntimeError("a mistake"), "failed"),
        (asyncio.CancelledError(), "cancelled"),
    ],
)
def test_a_question_without_a_verdict_is_counted_by_how_it_ended(
    error: BaseException, outcome: str
) -> None:
    counted = Counted()
    with suppress(type(error)), counted.metrics.watch:
        assert counted.value("mpic_questions_in_flight") == 1
        raise error
    assert counted.value("mpic_questions_in_flight") == 0
    assert counted.value("mpic_questions_total", outcome=outcome) == 1
    assert counted.value("mpic_requests_shed_total", reason="overloaded") == (outcome == "shed")


def read(collector: Collector, name: str, **labels: str) -> float | None:
    registry = CollectorRegistry()
    registry.register(collector)
    return registry.get_sample_value(name, labels)


FOUR = Roster(WORLD.primary, WORLD.remotes[:4])
DECEMBER = datetime.fromisoformat("2026-12-15T00:00:00Z")


@pytest.mark.parametrize(
    ("roster", "now", "in_force", "following"),
    [
        (WORLD, NOVEMBER, 1, 1),
        (FOUR, NOVEMBER, 1, 0),
        (FOUR, DECEMBER, 0, 1),
        (WORLD, DECEMBER - timedelta(days=365), 0, 1),
    ],
)
def test_the_roster_is_judged_now_and_by_the_next_dated_rule(
    roster: Roster, now: datetime, in_force: int, following: int
) -> None:
    collector = RosterCollector(lambda: Rules(roster, Policy()), lambda: now)
    assert read(collector, "mpic_roster_satisfies_policy", row="in_force") == in_force
    assert read(collector, "mpic_roster_satisfies_policy", row="next") == following
    date = read(collector, "mpic_policy_row_effective_timestamp_seconds", row="next")
    coming = [row for row in Policy().rows if row.effective_from > now]
    assert date == (coming[0].effective_from.timestamp() if coming else math.inf)


def test_clocks_are_shown_of_those_that_tell_them() -> None:
    no_files = ClientOptions(TlsFiles(Path("a"), Path("b"), Path("c")))
    links = [PerspectiveClient(one, no_files) for one in WORLD.perspectives]
    told = read_clock_us() - 3_600_000_000
    links[0]._clock.note_description(p.DescribeResponse(clock_us=told), read_steady_us())
    collector = LinkCollector(lambda: links)
    ahead = read(collector, "mpic_clock_difference_seconds", perspective="tokyo")
    assert ahead == pytest.approx(-3600, abs=60)
    assert read(collector, "mpic_clock_difference_seconds", perspective="frankfurt") is None


def test_a_link_that_is_not_up_is_seen_and_keeps_the_coordinator_from_being_ready() -> None:
    no_files = ClientOptions(TlsFiles(Path("a"), Path("b"), Path("c")))
    links = [PerspectiveClient(one, no_files) for one in WORLD.perspectives]
    collector = LinkCollector(lambda: links)
    assert read(collector, "mpic_links_up", perspective="tokyo") == 0
    assert read(collector, "mpic_links_configured", perspective="tokyo") == 1
    assert why_no_primary(links) == "tokyo: not connected yet"
    links[0].problem = None
    assert read(collector, "mpic_links_up", perspective="tokyo") == 1
    assert why_no_primary(links) == ""
    links[0].problem = PerspectiveProblem(c.DISSENT_UNREACHABLE, "UNAVAILABLE: no route")
    assert why_no_primary(links) == "tokyo: UNAVAILABLE: no route"


@pytest.mark.parametrize(("lacking", "value"), [("", 1), ("a part", 0)])
def test_how_calls_are_taken_up_is_exported(lacking: str, value: float) -> None:
    assert read(TakingUpCollector(lacking), "mpic_calls_taken_up_together") == value
