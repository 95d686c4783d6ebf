"""Every code that the service can emit has its words, and its task, in both languages."""

from typing import Any

import pytest

from coordinator.checks import CHECKS
from coordinator.checks.domain_control.methods import METHODS
from coordinator.rules.responsibility import OF_DISSENT, OF_FAILURE, Responsible
from coordinator.rules.retry import AFTER_CAUSE, AFTER_FAILURE, Retry
from mpic.explain.tasks import TASKS, find_task
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.words import LANGUAGES, Language
from mpic.words.catalogue import is_known, say
from mpic.words.codes import code_of
from mpic.words.facts import Failed
from mpic.words.problem_sentences import say_problem
from mpic.words.problems import ProblemFacts, find_problem, read_failure

WHAT = ("message", "cause", "remedy")


def codes(enum: Any, group: str) -> set[str]:  # noqa: ANN401 - any enum of protobuf
    return {f"{group}.{code_of(enum, value)}" for value in enum.values()}


EMITTED = (
    codes(c.Reason, "reason")
    | codes(c.Dissent, "dissent")
    | codes(o.FailureKind, "failure")
    | codes(o.FailureCause, "cause")
    | (codes(c.ProofFault, "fault") - {"fault.UNSPECIFIED"})
)


def test_every_value_of_the_agreement_has_a_task() -> None:
    assert EMITTED - TASKS.keys() == set()
    # The others are kinds of these, or of CAA, whose codes are made of clauses.
    more = {one for one in TASKS.keys() - EMITTED if not one.startswith("caa.")}
    assert all(one.count(".") == 2 for one in more)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", TASKS)
def test_every_code_has_a_message_a_cause_and_a_remedy(code: str, language: Language) -> None:
    task = TASKS[code]
    assert is_known(f"whose.{task.whose}", language)
    assert is_known(f"again.{task.again}", language)
    for what in WHAT:
        general = f"{code.rpartition('.')[0]}.{what}"
        assert is_known(f"{code}.{what}", language) or (
            code.count(".") == 2 and is_known(general, language)
        ), what


def test_whose_task_it_is_follows_whose_failure_it_is() -> None:
    failures = [
        (f"failure.{code_of(o.FailureKind, one)}", whose) for one, whose in OF_FAILURE.items()
    ]
    dissents = [(f"dissent.{code_of(c.Dissent, one)}", whose) for one, whose in OF_DISSENT.items()]
    for code, whose in (*failures, *dissents):
        expected = {
            Responsible.DOMAIN: {"you", "dns_operator"},
            Responsible.CALLER: {"ca"},
            Responsible.OURS: {"service"},
            None: {"nobody", "dns_operator"},
        }
        assert TASKS[code].whose in expected[whose], code


def test_whether_asking_again_helps_is_as_the_coordinator_says() -> None:
    words = {Retry.NOW: "now", Retry.LATER: "later", Retry.AFTER_CHANGE: "after_change"}
    for kind, retry in AFTER_FAILURE.items():
        task = TASKS[f"failure.{code_of(o.FailureKind, kind)}"]
        assert task.again == ("now" if task.whose == "service" else words[retry]), kind
    for cause, retry in AFTER_CAUSE.items():
        assert TASKS[f"cause.{code_of(o.FailureCause, cause)}"].again == words[retry], cause


@pytest.mark.parametrize("check", ["", *CHECKS, "new"])
def test_whatever_is_found_has_a_code_that_is_known(check: str) -> None:
    verdict = c.NameVerdict()
    for dissent in c.Dissent.values():
        for clause in ("RFC 8659 section 4.2", "RFC 8657 section 3", ""):
            report = c.PerspectiveReport(dissent=dissent, check=check)
            report.determinations.add(check=check, clause=clause, record="x")
            assert has_task(find_problem(report, verdict).code)


def has_task(code: str) -> bool:
    return code in TASKS or code.rpartition(".")[0] in TASKS


@pytest.mark.parametrize("port", [0, 80, 443])
def test_every_failure_has_a_code_that_is_known(port: int) -> None:
    for kind in o.FailureKind.values():
        for cause in o.FailureCause.values():
            failure = o.Failure(kind=kind, cause=cause, zone="example.ac.jp")
            assert read_failure(Failed("www.example.ac.jp", failure, port)).code in TASKS
    newer = o.Failure(kind=o.FailureKind.ValueType(999))
    assert say_problem(read_failure(Failed("www.example.ac.jp", newer)), "message", "en") == (
        "The lookup of www.example.ac.jp failed."
    )


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("status", [0, 200, 204, 301, 399, 401, 403, 404, 410, 429, 500, 599])
def test_every_fault_of_a_proof_has_a_code_that_is_known(method: str, status: int) -> None:
    for fault in c.ProofFault.values():
        verdict = c.NameVerdict(looked_up="www.example.ac.jp")
        control = verdict.checks.add().domain_control.control
        getattr(control, method).SetInParent()
        report = c.PerspectiveReport(dissent=c.DISSENT_PROOF_MISSING, check="domain_control")
        report.determinations.add(check="domain_control", fault=fault)
        hop = report.observation.findings.add().http_get.hops.add()
        hop.response.status = status
        assert has_task(find_problem(report, verdict).code)


def test_what_only_a_newer_release_tells_is_the_services_task() -> None:
    assert find_task("fault.NEW") == find_task("dissent.unknown")
    assert find_task("fault.NEW").whose == "service"
    unknown = ProblemFacts("fault.unknown")
    assert say_problem(unknown, "cause", "en") == say("reason.UNSPECIFIED.cause", "en")
