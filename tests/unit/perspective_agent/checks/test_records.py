"""One record set at one owner: what is looked up, what is not, and what comes of it."""

from typing import Any

import pytest

from mpic.names import parse_name
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p
from perspective_agent.checks import CHECKS, RunningCheck
from perspective_agent.dns.lookup import Answer, LookupTarget
from perspective_agent.dns.wire import failed

NAME = "www.example.com"
OWNER = f"_acme-challenge.{NAME}"
TYPES = [number for number in o.RecordType.values() if number]


def make(owner: str = OWNER, rdtype: int = o.RECORD_TYPE_TXT) -> RunningCheck:
    asked = p.Check(records=p.RecordLookup(owner=owner))
    asked.records.MergeFromString(b"\x10" + rdtype.to_bytes(1) if rdtype < 128 else b"\x10\x81\x02")
    assert asked.records.type == rdtype
    return CHECKS["records"](NAME, asked)


def start(check: RunningCheck) -> Any:  # noqa: ANN401 - a want of any kind
    step = check.start()
    assert not isinstance(step, o.Finding)
    (want,) = step
    return want


@pytest.mark.parametrize("rdtype", TYPES, ids=o.RecordType.keys()[1:])
def test_each_type_of_the_agreement_is_one_lookup_of_the_owner(rdtype: int) -> None:
    check = make(rdtype=rdtype)
    want = start(check)
    assert want.target == LookupTarget(OWNER, rdtype)
    for found in (
        o.Lookup(name=OWNER, records=o.RecordSet(owner=OWNER, rdata=[b"\x01x"])),
        o.Lookup(name=OWNER, absence=o.ABSENCE_NAME_ERROR),
        failed(OWNER, o.FAILURE_KIND_SERVFAIL, "the resolver answered SERVFAIL"),
    ):
        finding = want.take(Answer((found,), (1,)))
        assert finding == o.Finding(records=o.RecordsFinding(type=rdtype, lookup=found))
        assert finding == check.finish(lambda _, found=found: Answer((found,), (1,)))


@pytest.mark.parametrize("rdtype", [0, 2, 43, 99, 127])
def test_another_type_is_not_supported_and_not_looked_up(rdtype: int) -> None:
    finding = make(rdtype=rdtype).start()
    assert isinstance(finding, o.Finding)
    assert finding.not_run.kind == o.FAILURE_KIND_UNSUPPORTED_CHECK
    assert str(rdtype) in finding.not_run.detail


@pytest.mark.parametrize(
    "owner", ["", ".", "a..example.com", "A.example.com", f"{'a' * 64}.com", "a.example.com."]
)
def test_an_owner_that_is_none_breaks_no_message_to_the_resolver(owner: str) -> None:
    finding = make(owner).start()
    assert isinstance(finding, o.Finding)
    assert finding.not_run.kind == o.FAILURE_KIND_INTERNAL
    assert "owner" in finding.not_run.detail


@pytest.mark.parametrize("owner", ["1.2.0.192.in-addr.arpa", "arpa"])
def test_what_is_bogus_to_this_agent_on_purpose_is_not_the_domains_failure(owner: str) -> None:
    finding = make(owner, o.RECORD_TYPE_PTR).start()
    assert isinstance(finding, o.Finding)
    assert finding.not_run.kind == o.FAILURE_KIND_INTERNAL
    assert "arpa" in finding.not_run.detail


def test_an_owner_that_only_resembles_it_is_looked_up() -> None:
    for owner in ("x.not-arpa", "arpa.example.com"):
        assert start(make(owner)).target.name == owner


def test_every_name_of_a_certificate_is_an_owner() -> None:
    for text in ("*.example.com", "bücher.example.com", "a--b.example.com"):
        name = parse_name(text).looked_up
        assert start(make(name)).target.name == name
