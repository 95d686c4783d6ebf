"""RFC 8659, RFC 8657, RFC 9495: the tables, served by a real zone, asked through the real API."""

from itertools import groupby

import pytest

from mpic.v1 import corroboration_pb2 as c
from tests.clauses import test_rfc8657_parameters as rfc8657
from tests.clauses import test_rfc8659_caa_set as rfc8659
from tests.clauses import test_rfc9495_issuemail as rfc9495
from tests.clauses.answer import Verdict
from tests.clauses.service import Service, Terms
from tests.clauses.zone import name, sets
from tests.world.issuers import TABLES, UNDERSTANDING

SERVED = sets().keys()
# What the API refuses before anybody is asked: no label of RFC 8657 section 4.
NO_METHODS = ("dns-01,http-01", "DNS-01")


USUAL = Terms(issuer=TABLES)


def check(verdict: Verdict, expected: c.Outcome.ValueType) -> str:
    """Say what is wrong with a verdict, if anything is."""
    permits = expected == c.OUTCOME_PASSED
    wanted = ("corroborated", "passed") if permits else ("primary caa forbids", "forbidden")
    outcomes = {report.caa.outcome for report in verdict.reports}
    if (verdict.approved, verdict.reason, outcomes) == (permits, wanted[0], {wanted[1]}):
        return ""
    return f"{verdict.name}: {verdict.reason}: {verdict.detail}"


def check_all(
    service: Service, expected: dict[str, c.Outcome.ValueType], terms: Terms = USUAL
) -> None:
    verdicts = service.verdicts(list(expected), terms)
    assert verdicts.keys() == expected.keys()
    wrong = [check(verdicts[name], outcome) for name, outcome in expected.items()]
    assert not [text for text in wrong if text]


def test_rfc_8659_4_sets(service: Service) -> None:
    check_all(
        service,
        {
            name(f"set{number}", wildcard=row.wildcard): row.expected
            for number, row in enumerate(rfc8659.SETS)
            if f"set{number}" in SERVED
        },
    )


@pytest.mark.parametrize(("tag", "wildcard"), [("issue", False), ("issuewild", True)])
def test_rfc_8659_4_2_values(service: Service, tag: str, wildcard: bool) -> None:
    check_all(
        service,
        {
            name(f"{tag}{number}", wildcard=wildcard): expected
            for number, (_, expected) in enumerate(rfc8659.VALUES)
        },
    )


def test_rfc_8659_4_3_issuewild_is_ignored_for_names_that_are_no_wildcards(
    service: Service,
) -> None:
    names = [name(f"issuewild{number}") for number, _ in enumerate(rfc8659.VALUES)]
    check_all(service, dict.fromkeys(names, c.OUTCOME_PASSED))


@pytest.mark.parametrize("wildcard", [False, True])
def test_rfc_8659_4_1_malformed_records(service: Service, wildcard: bool) -> None:
    names = [name(f"malformed{n}", wildcard=wildcard) for n, _ in enumerate(rfc8659.MALFORMED)]
    check_all(service, dict.fromkeys(names, c.OUTCOME_FORBIDDEN))


@pytest.mark.parametrize("wildcard", [False, True])
def test_rfc_9495_issuemail(service: Service, wildcard: bool) -> None:
    check_all(
        service,
        {
            name(f"mail{number}", wildcard=wildcard): row.expected
            for number, row in enumerate(rfc9495.SETS)
        },
    )


def test_rfc_8659_4_1_an_issuer_that_understands_more(service: Service) -> None:
    expected = {
        name(f"mail{number}"): row.understood or row.expected
        for number, row in enumerate(rfc9495.SETS)
    }
    check_all(service, expected, Terms(issuer=UNDERSTANDING))


def applicant(numbered: tuple[int, rfc8657.Row]) -> tuple[str, str]:
    _, row = numbered
    return row.account, row.method


ROWS = sorted(enumerate(rfc8657.PARAMETERS), key=applicant)
APPLICANTS = {who: list(rows) for who, rows in groupby(ROWS, applicant)}


@pytest.mark.parametrize(
    ("account", "method"), [who for who in APPLICANTS if who[1] not in NO_METHODS]
)
def test_rfc_8657_parameters(service: Service, account: str, method: str) -> None:
    expected = {
        name(f"parameters{number}"): row.expected for number, row in APPLICANTS[account, method]
    }
    check_all(service, expected, Terms(TABLES, account, method))
