"""The judgements of an agent's doctor; no socket."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mpic.runtime.open_files import TooFewFilesError
from perspective_agent.doctor import resolver as module
from perspective_agent.doctor.reachability import (
    Reachability,
    ServerProbe,
    judge_reachability,
    read_servers,
)
from perspective_agent.doctor.resolver import (
    ResolverExamination,
    examine_resolver,
    judge_anchors,
    judge_resolver,
)
from perspective_agent.doctor.signatures import Signature, judge_signatures
from perspective_agent.settings import ResolverTable
from perspective_agent.unbound.trust_anchor import ROOT_KEYS, TrustAnchor
from perspective_agent.unbound.validation_probe import ProbeResult

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def signature(begins: timedelta, ends: timedelta) -> Signature:
    return Signature(NOW + begins, NOW + ends, validated=True)


@pytest.mark.parametrize(
    ("found", "outcome", "says"),
    [
        (signature(-DAY / 4, 13 * DAY), "ok", "not seconds"),
        (signature(-4 * DAY, 9 * DAY), "warning", "4 days ago"),
        (signature(2 * DAY, 15 * DAY), "error", "slow by 2 days"),
        (signature(-20 * DAY, -7 * DAY), "error", "fast by 7 days"),
        (None, "warning", "cannot be had"),
    ],
)
def test_the_clock_is_held_against_the_roots_signature(
    found: Signature | None, outcome: str, says: str
) -> None:
    (finding,) = judge_signatures(found, NOW)
    assert finding.outcome == outcome
    assert says in finding.what


def test_a_resolver_is_judged_by_its_probe() -> None:
    good, bad = (ProbeResult(validates, "what was seen", NOW) for validates in (True, False))
    assert judge_resolver(ResolverExamination("Unbound 1", probe=good))[0].outcome == "ok"
    assert judge_resolver(ResolverExamination("Unbound 1", probe=bad))[0].outcome == "error"
    (finding,) = judge_resolver(ResolverExamination(problem="unbound is not installed"))
    assert "unbound is not installed" in finding.what


def refuse_files() -> int:
    raise TooFewFilesError(128)


@pytest.mark.parametrize(
    ("executable", "raise_limit", "what", "mend"),
    [
        ("unbound", refuse_files, "128 files open, and needs 512 at least", "LimitNOFILE=65536"),
        ("/nowhere/unbound", lambda: 65536, "install the package `unbound`", "what it says"),
    ],
)
async def test_what_to_do_is_about_why_the_resolver_does_not_start(
    monkeypatch: pytest.MonkeyPatch,
    executable: str,
    raise_limit: Callable[[], int],
    what: str,
    mend: str,
) -> None:
    monkeypatch.setattr(module, "raise_limit", raise_limit)
    table = ResolverTable(trust_anchor_file=Path("root.key"), executable=executable)
    async with AsyncExitStack() as stack:
        (finding,) = judge_resolver(await examine_resolver(table, stack))
    assert what in finding.what
    assert mend in finding.mend
    assert "LimitNOFILE" not in finding.what


KSK_2010, KSK_2017, KSK_2024 = (key.anchor for key in ROOT_KEYS)


@pytest.mark.parametrize(
    ("anchors", "outcome", "says"),
    [
        ([KSK_2017, KSK_2024], "ok", "are there"),
        ([KSK_2017], "warning", "KSK-2024 (key tag 38696) is missing"),
        ([TrustAnchor(1, "")], "ok", "of your own"),
    ],
)
def test_the_trust_anchor_is_held_against_the_roots_keys(
    anchors: list[TrustAnchor], outcome: str, says: str
) -> None:
    (finding,) = judge_anchors(anchors, NOW)
    assert finding.outcome == outcome
    assert says in finding.what


HINTS = """\
; where the root is
.                        3600000      NS    A.ROOT-SERVERS.NET.
A.ROOT-SERVERS.NET.      3600000      A     198.51.100.4
A.ROOT-SERVERS.NET.      3600000      AAAA  2001:db8::4
. 3600 IN NS b.root-servers.net.
b.root-servers.net. 3600 IN A 203.0.113.4
"""


def test_hints_are_read_in_every_form() -> None:
    assert read_servers(HINTS) == ["198.51.100.4", "2001:db8::4", "203.0.113.4"]
    with pytest.raises(ValueError, match="nonsense"):
        read_servers("a. 3600 A nonsense")


OPEN = (
    ServerProbe("198.51.100.4", "udp", "", 900, has_edns=True),
    ServerProbe("198.51.100.4", "tcp", "", 900, has_edns=True),
)
SHUT = (
    ServerProbe("198.51.100.4", "udp", "timed out"),
    ServerProbe("198.51.100.4", "tcp", "refused"),
)


def outcomes(ways: Reachability) -> list[tuple[str, str]]:
    return [(finding.outcome, finding.what) for finding in judge_reachability(ways)]


def test_open_ways_are_in_order() -> None:
    found = outcomes(Reachability(OPEN, OPEN, "jp", ipv6=OPEN[:1]))
    assert {outcome for outcome, _ in found} == {"ok"}
    assert len(found) == 6
    assert ("ok", "EDNS passes; an answer of 900 octets came whole") in found


@pytest.mark.parametrize("shut", [0, 1])
def test_each_way_that_is_shut_is_an_error(shut: int) -> None:
    replies = [SHUT[way] if way == shut else OPEN[way] for way in (0, 1)]
    found = outcomes(Reachability(replies))
    assert [outcome for outcome, _ in found[:2]] == [["error", "ok"], ["ok", "error"]][shut]
    assert SHUT[shut].problem in found[shut][1]


def test_one_silent_server_of_several_is_no_error() -> None:
    assert outcomes(Reachability([*OPEN, *SHUT]))[0] == (
        "ok",
        "1 of 2 root servers answer over UDP 53",
    )


def test_answers_stripped_of_edns_are_an_error() -> None:
    stripped = ServerProbe("198.51.100.4", "udp", "", 120, has_edns=False)
    assert ("error", "the answers come without EDNS") in [
        (outcome, what.partition(":")[0])
        for outcome, what in outcomes(Reachability([stripped, OPEN[1]]))
    ]


def test_ipv6_that_leads_nowhere_is_warned_of_where_it_is_wanted() -> None:
    shut = ServerProbe("2001:db8::4", "udp", "network is unreachable")
    assert outcomes(Reachability(OPEN, ipv6=[shut]))[-1][0] == "warning"
    assert {one for one, _ in outcomes(Reachability(OPEN, ipv6=[shut], ipv6_wanted=False))} == {
        "ok"
    }


def test_without_hints_nobody_is_asked() -> None:
    ((outcome, what),) = outcomes(Reachability(without_hints="/nowhere: no such file"))
    assert outcome == "warning"
    assert "/nowhere" in what
