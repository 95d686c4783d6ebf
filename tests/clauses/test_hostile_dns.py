"""Broken and hostile DNS: each ends as the right absence or the right failure, never by accident.

RFC 8659 section 6 (what may go wrong), RFC 5452 (answers that do not belong), RFC 8499 (lame).
Each name is asked about once: a caller is not told better later. Those on which a resolver waits
are asked about together, and with them names that are well: what one costs may fall on others.
"""

from typing import NamedTuple

import dns.message
import dns.query
import pytest

from mpic.v1 import observation_pb2 as o
from tests.clauses.answer import Verdict
from tests.clauses.service import Service
from tests.world import network
from tests.world.zones import HOSTILE_ZONE

APPROVED = "corroborated"
FORBIDDEN = "primary caa forbids"
FAILED = "primary caa failed"
SERVFAIL, BOGUS, TIMEOUT = o.FAILURE_KIND_SERVFAIL, o.FAILURE_KIND_BOGUS, o.FAILURE_KIND_TIMEOUT
MALFORMED, ALIAS = o.FAILURE_KIND_MALFORMED, o.FAILURE_KIND_ALIAS


class Case(NamedTuple):
    name: str
    what: str
    reason: str
    kinds: frozenset[int] = frozenset()
    """Of the failure at the primary."""


def hostile(label: str, what: str, reason: str, *kinds: int) -> Case:
    return Case(f"{label}.{HOSTILE_ZONE}", what, reason, frozenset(kinds))


CASES = [
    hostile("x.healthy", "what the others are compared with", APPROVED),
    # Absences.
    hostile("x.nxdomain", "NXDOMAIN everywhere", APPROVED),
    hostile("x.nxalias", "an alias and NXDOMAIN (RFC 6604)", APPROVED),
    hostile("x.nosoa", "NOERROR and nothing at all", APPROVED),
    hostile("x.lowercase", "the question's case lost", APPROVED),
    hostile("x.noedns", "EDNS is a format error", APPROVED),
    hostile("x.partial", "one of two servers is dead", APPROVED),
    hostile("5.chain", "five aliases", APPROVED),
    hostile("x.aliasfirst", "an alias, and a set that nobody asks for", APPROVED),
    hostile("x.othertype", "other data in the answer, which is none (UPKI)", APPROVED),
    hostile("x.another", "records of another name, which are none of this", APPROVED),
    hostile("x.poison", "records of others slipped in", APPROVED),
    Case("www.costly.example.co.jp", "2,500 iterations of NSEC3 (RFC 9276)", APPROVED),
    # Record sets.
    hostile("1001.many", "1,001 records", FORBIDDEN),
    hostile("1001.manyours", "1,001 records and ours", APPROVED),
    hostile("240.wide", "60 kB of records", APPROVED),
    hostile("x.brokencaa", "a tag longer than its record", FORBIDDEN),
    hostile("x.emptytc", "nothing and TC, and the set over TCP", FORBIDDEN),
    hostile("x.uppercase", "an owner in another case", FORBIDDEN),
    hostile("deny.dnamealone", "a DNAME without its CNAME (RFC 6672)", FORBIDDEN),
    # Failures of servers.
    hostile("x.silent", "silence", FAILED, SERVFAIL, TIMEOUT),
    hostile("x.dropcaa", "silence to CAA alone", FAILED, SERVFAIL, TIMEOUT),
    hostile("60000.slow", "a minute for an answer", FAILED, SERVFAIL, TIMEOUT),
    hostile("x.slowtcp", "an octet a second over TCP", FAILED, SERVFAIL, TIMEOUT),
    hostile("x.servfail", "SERVFAIL", FAILED, SERVFAIL),
    hostile("x.servfailcaa", "SERVFAIL to CAA alone", FAILED, SERVFAIL),
    hostile("x.refused", "REFUSED", FAILED, SERVFAIL),
    hostile("x.notimp", "NOTIMP", FAILED, SERVFAIL),
    hostile("x.formerr", "FORMERR", FAILED, SERVFAIL),
    hostile("x.yxdomain", "DNAME overflow", FAILED, o.FAILURE_KIND_OTHER_RCODE),
    Case("x.dead.example.co.jp", "no server at all", FAILED, frozenset({SERVFAIL, TIMEOUT})),
    Case("x.lame.example.co.jp", "a server that knows nothing", FAILED, frozenset({SERVFAIL})),
    Case(
        "x.lame-signed.example.co.jp", "the same below a DS", FAILED, frozenset({SERVFAIL, BOGUS})
    ),
    hostile("x.lame", "referred upwards", FAILED, SERVFAIL),
    Case("x.one.example.co.jp", "circular delegation", FAILED, frozenset({SERVFAIL})),
    hostile("x.bomb", "forty name servers, each a bomb again", FAILED, SERVFAIL, TIMEOUT),
    # Answers that do not belong, or do not parse.
    hostile("x.wrongid", "another id", FAILED, SERVFAIL, TIMEOUT),
    hostile("x.wrongname", "another name", FAILED, SERVFAIL, TIMEOUT),
    hostile("x.wrongtype", "another type", FAILED, SERVFAIL, TIMEOUT),
    hostile("x.wrongclass", "another class", FAILED, SERVFAIL, TIMEOUT),
    hostile("x.notaresponse", "QR=0", FAILED, SERVFAIL, TIMEOUT),
    hostile("x.garbage", "garbage", FAILED, SERVFAIL, TIMEOUT),
    hostile("x.truncated", "TC, and TCP hangs up", FAILED, SERVFAIL, TIMEOUT),
    hostile("x.truncatedtcp", "TC over TCP too", FAILED, SERVFAIL, TIMEOUT),
    hostile("x.classinside", "a record of another class", FAILED, MALFORMED),
    hostile("x.denied", "NXDOMAIN, and the records it denies", FAILED, MALFORMED),
    # RFC 1034 section 3.6.2: beside an alias there should be nothing. What the resolver passes over
    # when it follows the alias (section 4.3.2) we never see; what we see is not passed over.
    hostile("x.aliaslast", "a set that forbids, and an alias", FAILED, ALIAS),
    # Aliases that lead nowhere.
    hostile("x.loop", "two aliases of each other", FAILED, SERVFAIL),
    hostile("20.chain", "twenty aliases", FAILED, SERVFAIL, ALIAS),
    # DNSSEC.
    Case("child.bogus.example.co.jp", "changed after signing", FAILED, frozenset({BOGUS})),
    Case("child.expired.example.co.jp", "signatures expired", FAILED, frozenset({BOGUS})),
    Case("child.stripped.example.co.jp", "signatures gone", FAILED, frozenset({BOGUS})),
    Case(
        "child.key-trap.example.co.jp", "40 keys of one tag", FAILED, frozenset({BOGUS, SERVFAIL})
    ),
]

Verdicts = dict[str, Verdict]

WAITING = [case.name for case in CASES if TIMEOUT in case.kinds]
# The misbehaving servers are two processes, which six perspectives ask at once.
_AT_ONCE = 6
_WAITING_AT_ONCE = 8
BESIDE = {
    start: [
        f"beside-{start}.{label}.{HOSTILE_ZONE}"
        for label in ("healthy", "nxdomain", "nosoa", "poison")
    ]
    for start in range(0, len(WAITING), _WAITING_AT_ONCE)
}
"""Names that are well, by those they are asked about with."""


@pytest.fixture(scope="module")
def verdicts(service: Service) -> Verdicts:
    """What came of asking about each name, once."""
    others = [case.name for case in CASES if case.name not in WAITING]
    groups = [others[start : start + _AT_ONCE] for start in range(0, len(others), _AT_ONCE)]
    found: Verdicts = {}
    groups += [
        WAITING[start : start + _WAITING_AT_ONCE] + beside for start, beside in BESIDE.items()
    ]
    for names in groups:
        found |= service.verdicts(names)
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.name} {case.what}")
def test_a_case(verdicts: Verdicts, case: Case) -> None:
    verdict = verdicts[case.name]
    assert verdict.reason == case.reason, verdict.detail
    assert verdict.approved == (case.reason == APPROVED)
    primary = verdict.primary
    if case.kinds:
        last = primary.walk[-1]
        assert last.failure.kind in case.kinds, last.failure.detail
        assert last.failure.detail
        assert primary.detail
    if case.reason == APPROVED:
        assert verdict.quorum == "5/5"


@pytest.mark.parametrize("name", [name for names in BESIDE.values() for name in names])
def test_names_whose_servers_wait_hold_up_no_other(verdicts: Verdicts, name: str) -> None:
    assert verdicts[name].quorum == "5/5", [one.detail for one in verdicts[name].reports]


def test_what_was_slipped_in_was_not_believed(service: Service, verdicts: Verdicts) -> None:
    assert verdicts[f"x.poison.{HOSTILE_ZONE}"].approved
    name = "child.plain.example.co.jp"
    verdict = service.ask(name).verdict
    assert verdict.quorum == "5/5"
    for report in verdict.reports:
        (address,) = report.addresses.records.rdata
        assert address == bytes([203, 0, 113, 100])


def packets(behaviour: str) -> int:
    """Return how many queries the server of a behaviour has had."""
    name = f"{behaviour}.counter.{HOSTILE_ZONE}"
    answer = dns.query.udp(dns.message.make_query(name, "TXT"), network.HEAVY, timeout=60)
    return int(answer.answer[0][0].strings[0])


@pytest.mark.own_world("servers whose packets are counted")
def test_a_referral_bomb_costs_a_bounded_number_of_packets(
    service: Service,
) -> None:
    """CVE-2020-8616: each perspective looks up CAA and A, and each failure is tried again."""
    before = packets("bomb")
    name = f"once-more.bomb.{HOSTILE_ZONE}"
    verdict = service.ask(name).verdict
    lookups = len(verdict.reports) * 2 * 2
    assert 0 < packets("bomb") - before < lookups * 100


def test_many_records_are_judged_as_a_whole(verdicts: Verdicts) -> None:
    for label, records in (("1001.many", 1001), ("1001.manyours", 1002), ("240.wide", 240)):
        for report in verdicts[f"{label}.{HOSTILE_ZONE}"].reports:
            (level,) = report.walk
            assert len(level.records.rdata) == records


def test_rfc_9276_a_zone_with_costly_hashes_is_insecure(verdicts: Verdicts) -> None:
    primary = verdicts["www.costly.example.co.jp"].primary
    assert primary.walk[0].absence == o.ABSENCE_NO_DATA
    assert primary.walk[0].dnssec == o.DNSSEC_INSECURE
    assert primary.addresses.dnssec == o.DNSSEC_SECURE
