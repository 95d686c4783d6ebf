"""Why a lookup failed: from Unbound's line, and from its servers where the line does not tell."""

import asyncio
import time
from collections.abc import Sequence

import dns.message
import dns.rcode
import pytest

from mpic.v1 import observation_pb2 as o
from perspective_agent.diagnosis import servfail_cause as module
from perspective_agent.diagnosis.direct_query import DirectQuery, QueryResult
from perspective_agent.diagnosis.servfail_cause import (
    AT_A_TIME,
    ServfailExplainer,
    judge_servers,
    read_families,
    read_servers,
)
from perspective_agent.dns.wire import CAA, failed
from perspective_agent.egress import Egress
from perspective_agent.unbound.servfail import ServfailLog

SILENT, TRUNCATED = o.SERVER_OUTCOME_SILENT, o.SERVER_OUTCOME_TRUNCATED
ANSWERED, FAILED = o.SERVER_OUTCOME_ANSWERED, o.SERVER_OUTCOME_FAILED
GONE, ODD, LAME = o.SERVER_OUTCOME_UNREACHABLE, o.SERVER_OUTCOME_UNREADABLE, o.SERVER_OUTCOME_LAME
INFRA = (
    "192.0.2.1 a.test. ttl 50 ping 0 var 94 rtt 376 rto 376 tA 0\n"
    "192.0.2.2 a.test. expired, rto 120000 tA 3\n"
    "192.0.2.3 b.a.test. ttl 50 ping 0 var 94 rtt 376 rto 376 tA 0\n"
)
LATER = "the resolver answered SERVFAIL"


def said(*outcomes: o.ServerOutcome.ValueType) -> Sequence[QueryResult]:
    return [QueryResult(one) for one in outcomes]


@pytest.mark.parametrize(
    ("servers", "cause"),
    [
        ([], "SILENT"),
        ([said(SILENT, SILENT, SILENT)], "SILENT"),
        ([said(SILENT, SILENT, GONE)], "SILENT"),
        ([said(SILENT, ANSWERED, SILENT)], "EDNS_DROPPED"),
        ([said(SILENT, FAILED, SILENT)], "EDNS_DROPPED"),
        ([said(TRUNCATED, TRUNCATED, GONE)], "TCP_CLOSED"),
        ([said(TRUNCATED, TRUNCATED, SILENT)], "TCP_CLOSED"),
        ([said(TRUNCATED, TRUNCATED, ANSWERED)], "SILENT"),
        ([said(ODD, ODD, ODD)], "UNREADABLE"),
        ([said(LAME, LAME, LAME)], "LAME"),
        ([said(FAILED, FAILED, FAILED)], "SERVER_FAILED"),
        # It answers now: then it was silent when it mattered.
        ([said(ANSWERED, ANSWERED, ANSWERED)], "SILENT"),
        ([said(SILENT, SILENT, SILENT), said(SILENT, ANSWERED, SILENT)], "EDNS_DROPPED"),
    ],
)
def test_what_servers_do_that_a_resolver_calls_silent(
    servers: Sequence[Sequence[QueryResult]], cause: str
) -> None:
    assert o.FailureCause.Name(judge_servers(servers)) == f"FAILURE_CAUSE_{cause}"


def test_a_server_that_refuses_is_told_from_one_that_fails() -> None:
    refusal = dns.message.Message()
    refusal.set_rcode(dns.rcode.REFUSED)
    result = QueryResult(FAILED, refusal)
    assert judge_servers([[result, result, result]]) == o.FAILURE_CAUSE_REFUSED


def test_the_servers_of_a_zone_are_those_that_were_asked_about_it() -> None:
    assert read_servers(INFRA, "a.test") == ["192.0.2.1", "192.0.2.2"]
    assert not read_servers(INFRA, "test")
    assert not read_servers("\nodd\n", "a.test")


LOOKUP = (
    "The following name servers are used for lookup of a.test.\n;rrset 60 1 0 2 0\n"
    "{owner}\t60\tIN\tNS\tns1.a.test.\n"
    "{addresses}Delegation with 1 names, of which 0 can be examined to query further addresses.\n"
    "It provides 1 IP addresses.\ngoing up, lookup test.\ntest.\t60\tIN\tNS\tns.test.\n"
    "ns.test.\t60\tIN\tA\t192.0.2.9\n"
)
OF_V6 = "ns1.a.test.\t60\tIN\tAAAA\t2001:db8::53\n"
OF_V4 = "ns1.a.test.\t60\tIN\tA\t10.0.0.1\n"


@pytest.mark.parametrize(
    ("owner", "addresses", "families"),
    [
        ("a.test.", OF_V6, {"AAAA"}),
        ("A.Test.", OF_V6, {"AAAA"}),
        ("a.test.", OF_V6 + OF_V4, {"A", "AAAA"}),
        ("a.test.", "", set()),
        ("test.", OF_V6, set()),
    ],
)
def test_the_families_of_the_servers_addresses(
    owner: str, addresses: str, families: set[str]
) -> None:
    assert read_families(LOOKUP.format(owner=owner, addresses=addresses), "a.test") == families


@pytest.mark.parametrize(
    ("ipv6", "addresses", "kind"),
    [
        (False, OF_V6, o.FAILURE_KIND_NO_WAY_OUT),
        # A private address of a server is the domain's own mistake.
        (False, OF_V4, o.FAILURE_KIND_SERVFAIL),
        (False, OF_V4 + OF_V6, o.FAILURE_KIND_SERVFAIL),
        (True, OF_V6, o.FAILURE_KIND_SERVFAIL),
    ],
)
async def test_servers_that_have_ipv6_alone_are_not_the_domains_failure(
    place: "Place", *, ipv6: bool, addresses: str, kind: o.FailureKind.ValueType
) -> None:
    place.infra = ""
    place.lookup = LOOKUP.format(owner="a.test.", addresses=addresses)
    place.explainer = ServfailExplainer(place.log, place.command, Egress(ipv6=ipv6))
    place.note("no server to query nameserver addresses not usable")
    assert (await place.explain()).kind == kind
    place.error = OSError()
    assert (await place.explain()).kind == o.FAILURE_KIND_SERVFAIL


class Place:
    """An agent's log of Unbound, its control, and servers that drop EDNS."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.log = ServfailLog()
        self.asked: list[tuple[str, str]] = []
        self.holds = asyncio.Event()
        self.holds.set()
        self.infra = INFRA
        self.lookup = ""
        self.error: Exception | None = None
        monkeypatch.setattr(module, "_ask_in_all_ways", self.ask)
        self.explainer = ServfailExplainer(self.log, self.command, Egress())

    async def command(self, command: str) -> str:
        if command == "lookup a.test" and self.error is None:
            return self.lookup
        assert command in {"dump_infra", "lookup a.test"}
        await self.holds.wait()
        if self.error is not None:
            raise self.error
        return self.infra

    async def ask(self, address: str, question: DirectQuery, _: Egress) -> Sequence[QueryResult]:
        self.asked.append((address, question.name.to_text()))
        return said(SILENT, ANSWERED, SILENT)

    def note(self, why: str, name: str = "www.a.test", zone: str = "a.test") -> None:
        failed = f"all servers for this domain failed, at zone {zone}. {why}"
        self.log.note(f"[1] unbound[1:0] error: SERVFAIL <{name}. CAA IN>: {failed}")

    async def explain(
        self,
        name: str = "www.a.test",
        kind: o.FailureKind.ValueType = o.FAILURE_KIND_SERVFAIL,
        before: o.Lookup | None = None,
    ) -> o.Failure:
        answer = failed(name, kind, LATER)
        await self.explainer.explain(answer, CAA, time.perf_counter(), before)
        return answer.failure


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Place:
    return Place(monkeypatch)


async def test_what_unbound_says_plainly_is_told_and_nobody_is_asked(place: Place) -> None:
    place.note("from 192.0.2.1 got REFUSED")
    failure = await place.explain()
    assert (failure.cause, failure.zone) == (o.FAILURE_CAUSE_REFUSED, "a.test")
    assert failure.detail == (
        f"{LATER}: all servers for this domain failed, at zone a.test. from 192.0.2.1 got REFUSED"
    )
    assert not place.asked


async def test_what_unbound_calls_a_timeout_is_looked_at(place: Place) -> None:
    place.note("upstream server timeout")
    assert (await place.explain()).cause == o.FAILURE_CAUSE_EDNS_DROPPED
    assert place.asked == [("192.0.2.1", "www.a.test."), ("192.0.2.2", "www.a.test.")]


async def test_servers_that_were_given_up_are_looked_at_too(place: Place) -> None:
    place.note("no server to query nameserver addresses not usable")
    assert (await place.explain()).cause == o.FAILURE_CAUSE_EDNS_DROPPED
    # If it has asked none of them, they are not usable. If it had, they were silent.
    place.infra = ""
    assert (await place.explain()).cause == o.FAILURE_CAUSE_ADDRESS_NOT_USABLE
    before = failed("www.a.test", o.FAILURE_KIND_SERVFAIL, LATER)
    before.failure.cause = o.FAILURE_CAUSE_SILENT
    assert (await place.explain(before=before)).cause == o.FAILURE_CAUSE_SILENT


async def test_a_failure_without_a_line_stays_as_it_was(place: Place) -> None:
    failure = await place.explain()
    assert (failure.cause, failure.detail) == (o.FAILURE_CAUSE_UNSPECIFIED, LATER)
    # Nor is anything said of another kind of failure.
    place.note("from 192.0.2.1 got REFUSED")
    bogus = failed("www.a.test", o.FAILURE_KIND_BOGUS, LATER)
    assert not place.explainer.read(bogus, CAA, time.perf_counter())
    failure = await place.explain(kind=o.FAILURE_KIND_BOGUS)
    assert (failure.cause, failure.detail) == (o.FAILURE_CAUSE_UNSPECIFIED, LATER)


async def test_a_line_that_comes_after_the_answer_is_waited_for(place: Place) -> None:
    explaining = asyncio.create_task(place.explain())
    await asyncio.sleep(0.015)
    place.note("from 192.0.2.1 got REFUSED")
    assert (await explaining).cause == o.FAILURE_CAUSE_REFUSED


async def test_lookups_that_fail_at_one_zone_share_the_result(place: Place) -> None:
    place.holds.clear()
    names = [f"w{number}.a.test" for number in range(5)]
    for name in names:
        place.note("upstream server timeout", name)
    explaining = [asyncio.create_task(place.explain(name)) for name in names]
    await asyncio.sleep(0)
    place.holds.set()
    assert {(await one).cause for one in explaining} == {o.FAILURE_CAUSE_EDNS_DROPPED}
    assert len(place.asked) == 2


async def test_no_more_zones_are_looked_at_than_at_a_time(place: Place) -> None:
    place.holds.clear()
    explaining = []
    for number in range(AT_A_TIME + 1):
        zone = f"z{number}.test"
        place.note("upstream server timeout", f"www.{zone}", zone)
        explaining.append(asyncio.create_task(place.explain(f"www.{zone}")))
    done, waiting = await asyncio.wait(explaining, timeout=0.1)
    assert (len(done), len(waiting)) == (1, AT_A_TIME)
    assert done.pop().result().cause == o.FAILURE_CAUSE_SILENT
    place.holds.set()
    await asyncio.wait(waiting)
    # Then there is room again.
    place.note("upstream server timeout")
    assert (await place.explain()).cause == o.FAILURE_CAUSE_EDNS_DROPPED


@pytest.mark.parametrize("error", [OSError("gone"), ValueError("error"), RuntimeError("a defect")])
async def test_what_cannot_be_looked_at_is_told_as_unbound_says_it(
    place: Place, error: Exception
) -> None:
    place.error = error
    place.note("upstream server timeout")
    assert (await place.explain()).cause == o.FAILURE_CAUSE_SILENT


async def test_a_few_servers_are_asked(place: Place) -> None:
    place.infra = "".join(f"192.0.2.{number} a.test. ttl 50 rto 376\n" for number in range(9))
    place.note("upstream server timeout")
    await place.explain()
    assert len(place.asked) == 2


async def test_what_takes_too_long_is_told_as_unbound_says_it(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SECONDS", 0.02)
    place.holds.clear()
    place.note("upstream server timeout")
    assert (await place.explain()).cause == o.FAILURE_CAUSE_SILENT
    assert not place.asked
