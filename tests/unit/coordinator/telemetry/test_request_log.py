"""What is written to watch by: a line for each request, and for each late dissent."""

from structlog.testing import capture_logs

from coordinator.decision.attempt import Attempt
from coordinator.telemetry.request_log import log_late
from tests.world.samples import NOVEMBER, WORLD, addresses, caa, issuance_request, reply


async def test_a_late_reply_leaves_a_line_only_if_it_dissents() -> None:
    attempt = Attempt(issuance_request(), WORLD, NOVEMBER, lambda _: None)
    *early, agreeing, dissenting = WORLD.perspectives
    for one in early:
        attempt.receive(0, reply(one))
    attempt.freeze()
    attempt.receive(0, reply(agreeing))
    attempt.receive(0, reply(dissenting, [caa(), addresses()]))
    with capture_logs() as lines:
        log_late(attempt)
    (line,) = lines
    assert line["event"] == "late_dissent"
    assert line["perspective"] == dissenting.id
    assert line["dissent"] == "DISSENT_DIFFERS addresses"
