"""What is written to watch by: a line for each request, and for each late dissent."""

from structlog.testing import capture_logs

from coordinator.decision.attempt import Attempt
from coordinator.decision.question import Question
from coordinator.telemetry.request_log import log_late
from mpic.names import parse_name
from tests.world.samples import NAME, NOVEMBER, TERMS, WORLD, addresses, ask, caa, reply


async def test_a_late_reply_leaves_a_line_only_if_it_dissents() -> None:
    question = Question("r-1", [parse_name(NAME)], [ask()], TERMS, dry_run=False, linger=0)
    attempt = Attempt(question, WORLD, NOVEMBER, lambda _: None)
    *early, agreeing, dissenting = WORLD.perspectives
    for one in early:
        attempt.receive(0, reply(one))
    attempt.close()
    attempt.receive(0, reply(agreeing))
    attempt.receive(0, reply(dissenting, [caa(), addresses()]))
    with capture_logs() as lines:
        log_late(attempt)
    (line,) = lines
    assert line["event"] == "late_dissent"
    assert line["perspective"] == dissenting.id
    assert line["dissent"] == "DISSENT_ADDRESSES_DIFFER"
