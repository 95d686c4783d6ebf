"""BR 5.4.1: what is recorded of each attempt, and can be read back."""

import re
import subprocess
from datetime import timedelta

import pytest

from coordinator.record.verify import verify_store
from tests.clauses.answer import Answer
from tests.clauses.service import Service
from tests.clauses.world import CHILD, PLAIN, divert, without
from tests.world.deployment import MPIC, Deployment

DENIED = "deny.caa.example.co.jp"


@pytest.fixture(scope="module")
def answer(service: Service) -> Answer:
    """One name that is approved, one that is not."""
    return service.ask(CHILD, DENIED)


@pytest.fixture(scope="module")
def recorded(service: Service, answer: Answer) -> Answer:
    return service.read_back(answer.record)


def test_br_5_4_1_what_was_answered_is_what_is_recorded(answer: Answer, recorded: Answer) -> None:
    """ "All information generated [...] for each Certificate Request", approved or rejected."""
    assert recorded == answer


def test_br_5_4_1_each_attempt_of_each_perspective_is_recorded(recorded: Answer) -> None:
    """(7): "an identifier that uniquely identifies the Network Perspective", name and result."""
    for verdict, name in zip(recorded.verdicts, (CHILD, DENIED), strict=True):
        assert verdict.name == name
        used = [report.perspective for report in verdict.reports]
        assert all(used)
        assert len(set(used)) == len(used) >= 5
        for report in verdict.reports:
            assert report.caa.outcome == ("forbidden" if name == DENIED else "passed")
            assert report.walk
            assert report.corroborates or report.why


def test_br_5_4_1_the_quorum_of_each_name_is_recorded(recorded: Answer) -> None:
    """(8): corroborating of attempted perspectives, as "3/4"."""
    for verdict in recorded.verdicts:
        assert re.fullmatch(r"\d+/\d+", verdict.quorum)
        corroborating, attempted = map(int, verdict.quorum.split("/"))
        assert corroborating == len(verdict.corroborating)
        assert attempted == len(verdict.remotes) >= recorded.minimum_remotes


def test_br_5_4_1_date_and_time_are_recorded(answer: Answer, recorded: Answer) -> None:
    """ "Date and time of event": when the perspectives were asked, and when it was certain."""
    assert timedelta(0) <= recorded.decided_at - recorded.asked_at < timedelta(minutes=1)
    assert recorded.asked_at == answer.asked_at


def test_br_5_4_1_every_attempt_has_an_identifier_of_its_own(
    service: Service, answer: Answer
) -> None:
    """ "Each MPIC attempt": asking again is another attempt, and another record."""
    again = service.ask(CHILD, DENIED)
    assert again.record
    assert again.record != answer.record
    assert service.read_back(answer.record).request == answer.request
    assert service.read_back(again.record).request == again.request


@pytest.mark.own_world("a network that is lied to, and agents that are gone")
def test_br_5_4_1_perspectives_that_do_not_corroborate_are_recorded_too(
    service: Service, deployment: Deployment
) -> None:
    """(7) and (8) of an attempt that error 338 ended: who did not answer is attempted too."""
    divert(2)
    with without(deployment, "frankfurt"):
        answer = service.ask(PLAIN)
    verdict = service.read_back(answer.record).verdict
    assert (verdict.approved, verdict.quorum, verdict.code) == (False, "3/5", 338)
    assert verdict.of("ashburn").why == "addresses differs"
    assert verdict.of("frankfurt").why == "unreachable"
    assert len(verdict.reports) == 6


@pytest.mark.own_world("a record to look into")
def test_br_5_4_1_the_file_holds_it_all_whole(deployment: Deployment, answer: Answer) -> None:
    """Records are "available" to auditors: by the record's id, from the file itself."""
    command = (MPIC, "record", "show", answer.record, "--config", str(deployment.coordinator_file))
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for report in answer.verdicts[0].reports:
        assert report.perspective in shown
    for text in (CHILD, DENIED, answer.request, "caller/pipeline"):
        assert text in shown
    store = deployment.open_record()
    assert list(verify_store(store)) == []
    store.close()
