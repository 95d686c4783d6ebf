"""The agent's checks: answers in any order, one finding, certain as early as it can be."""

from itertools import permutations

import pytest

from mpic.v1 import observation_pb2 as o
from perspective_agent.checks import CHECKS
from perspective_agent.checks.addresses import AddressCheck
from perspective_agent.checks.caa_walk import CaaWalk
from perspective_agent.wire import CAA, A, failed

LEVELS = ["a.b.example", "b.example", "example"]


def absent(name: str, absence: o.Absence.ValueType = o.ABSENCE_NO_DATA) -> o.Lookup:
    return o.Lookup(name=name, absence=absence, dnssec=o.DNSSEC_SECURE)


def found(name: str) -> o.Lookup:
    records = o.RecordSet(owner=name, ttl=60, rdata=[b"\x00\x05issueca.example"])
    return o.Lookup(name=name, records=records, dnssec=o.DNSSEC_SECURE)


def broken(name: str) -> o.Lookup:
    return failed(name, o.FAILURE_KIND_SERVFAIL, "the resolver answered SERVFAIL")


def walk(answers: list[tuple[int, o.Lookup]]) -> tuple[o.Finding | None, int]:
    """Give the answers one by one; return the finding and after how many it was certain."""
    check = CaaWalk(LEVELS[0])
    for count, (index, lookup) in enumerate(answers, 1):
        finding = check.add(index, lookup)
        if finding is not None:
            return finding, count
    return None, 0


def test_rfc_8659_3_every_level_up_to_the_top_level_domain_is_asked() -> None:
    assert CaaWalk(LEVELS[0]).lookups == [(level, CAA) for level in LEVELS]


@pytest.mark.parametrize("absence", [o.ABSENCE_NO_DATA, o.ABSENCE_NAME_ERROR, o.ABSENCE_NXNAME])
def test_rfc_8020_an_absence_of_any_kind_lets_the_walk_go_on(
    absence: o.Absence.ValueType,
) -> None:
    answers = [
        (0, absent(LEVELS[0], absence)),
        (1, absent(LEVELS[1], absence)),
        (2, found("example")),
    ]
    finding, _ = walk(answers)
    assert finding is not None
    assert [level.name for level in finding.caa_walk.levels] == LEVELS
    assert finding.caa_walk.levels[-1].records.owner == "example"


def test_rfc_8659_3_the_first_set_ends_the_walk_in_whatever_order_they_come() -> None:
    for order in permutations(
        [(0, absent(LEVELS[0])), (1, found(LEVELS[1])), (2, broken("example"))]
    ):
        finding, _ = walk(list(order))
        assert finding is not None
        assert [level.name for level in finding.caa_walk.levels] == LEVELS[:2]
        assert finding.caa_walk.levels[-1].HasField("records")


def test_a_failure_below_a_set_ends_the_walk() -> None:
    for order in permutations(
        [(0, absent(LEVELS[0])), (1, broken(LEVELS[1])), (2, found("example"))]
    ):
        finding, _ = walk(list(order))
        assert finding is not None
        assert finding.caa_walk.levels[-1].HasField("failure")
        assert len(finding.caa_walk.levels) == 2


def test_a_set_at_the_name_itself_waits_for_no_parent() -> None:
    assert walk([(0, found(LEVELS[0]))])[1] == 1


def test_a_set_at_a_parent_waits_for_every_level_below() -> None:
    assert walk([(2, found("example")), (1, absent(LEVELS[1]))]) == (None, 0)


def test_the_deadline_fails_the_lowest_open_level() -> None:
    check = CaaWalk(LEVELS[0])
    check.add(0, absent(LEVELS[0]))
    check.add(2, found("example"))
    finding = check.finish(lambda name: failed(name, o.FAILURE_KIND_TIMEOUT, "late"))
    levels = finding.caa_walk.levels
    assert [level.name for level in levels] == LEVELS[:2]
    assert levels[-1].failure.kind == o.FAILURE_KIND_TIMEOUT


def test_addresses_are_one_lookup_whatever_its_answer() -> None:
    check = AddressCheck(LEVELS[0])
    assert check.lookups == [(LEVELS[0], A)]
    assert check.add(0, broken(LEVELS[0])).addresses.lookup.HasField("failure")
    late = check.finish(lambda name: failed(name, o.FAILURE_KIND_TIMEOUT, "late"))
    assert late.addresses.lookup.failure.kind == o.FAILURE_KIND_TIMEOUT
    assert late.addresses.lookup.name == LEVELS[0]


def test_the_register_knows_each_check_by_its_name_in_the_agreement() -> None:
    for kind, make in CHECKS.items():
        finding = make(LEVELS[0]).finish(lambda name: failed(name, o.FAILURE_KIND_TIMEOUT, ""))
        assert finding.WhichOneof("kind") == kind
