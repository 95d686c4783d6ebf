"""`mpic perspectives`: whole ids, and what is wrong in a sentence."""

from datetime import UTC, datetime, timedelta

import pytest

from mpic.ask.perspectives_table import describe_perspectives
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.words import Language

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
PROBLEM = "its resolver was not shown to validate: the canary arpa. was answered with NOERROR"


def status(
    who: str = "frankfurt", *, is_ready: bool = True, was_met: bool = True
) -> c.PerspectiveStatus:
    told = c.PerspectiveStatus(
        perspective_id=who, role=c.ROLE_REMOTE, rir=o.RIR_RIPE, ready=is_ready
    )
    if was_met:
        described = told.description
        described.version = "0.1.0"
        described.resolver.software, described.resolver.validates = "Unbound 1.17.1", True
        described.resolver.probed_at.FromDatetime(NOW - timedelta(seconds=20))
    return told


def lines(*told: c.PerspectiveStatus, now: datetime = NOW, lang: Language = "en") -> list[str]:
    response = c.ListPerspectivesResponse(perspectives=told)
    return [
        " " * indent + text.plain for text, indent, _ in describe_perspectives(response, now, lang)
    ]


def test_every_perspective_has_its_line_and_its_problem_a_sentence() -> None:
    primary = status("tokyo")
    primary.role, primary.rir = c.ROLE_PRIMARY, o.RIR_APNIC
    sick = status("a-place-whose-id-is-long", is_ready=False)
    sick.problem = f"{PROBLEM}\x1b"
    new = status("london", is_ready=False, was_met=False)
    new.problem = "cannot be reached"
    assert lines(primary, sick, new) == [
        "perspective               role           ready  version  resolver        DNSSEC  probed",
        "tokyo                     primary APNIC  yes    0.1.0    Unbound 1.17.1  yes     20 s ago",
        "a-place-whose-id-is-long  remote RIPE    no     0.1.0    Unbound 1.17.1  yes     20 s ago",
        f"    {PROBLEM}\\027",
        "london                    remote RIPE    no     -        -               -       -",
        "    cannot be reached",
        "1 of 3 can be asked",
    ]  # fmt: skip


def test_columns_stand_below_each_other_in_japanese() -> None:
    assert lines(status("tokyo"), lang="ja") == [
        "拠点   役割           利用可  版     リゾルバ        DNSSEC  確認時刻",
        "tokyo  リモート RIPE  はい    0.1.0  Unbound 1.17.1  はい    20秒前",
        "1か所中1か所が利用可",
    ]


@pytest.mark.parametrize(
    ("minutes", "shown"), [(0, "20 s ago"), (5, "5 min ago"), (150, "2 h ago")]
)
def test_it_says_how_long_ago_a_resolver_was_probed(minutes: int, shown: str) -> None:
    assert lines(status(), now=NOW + timedelta(minutes=minutes))[1].endswith(f"  {shown}")


@pytest.mark.parametrize(
    ("ahead", "shown"),
    [
        (0.4, None),
        (30, "    its clock is 30 s ahead of the coordinator's"),
        (-30, "    its clock is 30 s behind the coordinator's"),
    ],
)
def test_it_says_whose_clock_differs(ahead: float, shown: str | None) -> None:
    told = status()
    told.clock_difference.FromMicroseconds(round(ahead * 1e6))
    assert lines(told)[2:-1] == ([shown] if shown else [])
