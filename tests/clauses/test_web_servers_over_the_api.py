"""BR 3.2.2.4.18 to .20: the tables, served by real sockets, asked through the real API."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from mpic.v1 import corroboration_pb2 as c
from tests.clauses.answer import Verdict
from tests.clauses.served import Served, questions
from tests.clauses.service import Service, Terms
from tests.clauses.web import PASSED

EACH = 4
"""Of our own service every fourth row is asked. The others differ in what only judges see."""
ALL = {one.host: one for one in questions()}


@pytest.fixture
def asked(request: pytest.FixtureRequest) -> Mapping[str, Served]:
    hosts = list(ALL)[:: 1 if request.config.getoption("--server") else EACH]
    return {host: ALL[host] for host in hosts}


def control(host: str) -> c.DomainControl:
    """Return how control of a host was proved."""
    told = c.DomainControl()
    told.CopyFrom(ALL[host].asked)
    told.challenge_created_at.FromDatetime(datetime.now(UTC) - timedelta(minutes=5))
    return told


def check(served: Served, verdict: Verdict) -> str:
    """Say what is wrong with a verdict, if anything is: all perspectives see the same."""
    seen = {report.why for report in verdict.reports}
    if served.expected == PASSED:
        as_expected = verdict.reason == "corroborated" and seen == {""}
    else:
        as_expected = seen == {f"domain_control {served.expected}"}
    return "" if as_expected else f"{served.clause}: {verdict.reason} {seen}: {verdict.detail}"


TERMS = Terms(control=control, validation=True)


def test_domain_control_by_web_and_tls_servers(
    service: Service, asked: Mapping[str, Served]
) -> None:
    verdicts = service.verdicts(list(asked), TERMS)
    assert verdicts.keys() == asked.keys()
    wrong = [check(served, verdicts[host]) for host, served in asked.items()]
    assert not [text for text in wrong if text]


def test_what_is_proved_is_recorded_and_no_permission_to_issue(service: Service) -> None:
    host = next(host for host, served in ALL.items() if served.expected == PASSED)
    answer = service.ask(host, terms=TERMS)
    assert (answer.approved, answer.corroborated) == (False, True)
    assert answer.reusable_until is not None
    assert service.read_back(answer.record).verdict.quorums == answer.verdict.quorums
