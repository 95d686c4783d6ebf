"""The judgements of a coordinator's doctor, and the live state as a table; no socket."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from coordinator.doctor.perspectives import AgentExamination, judge_clocks, judge_sightings
from coordinator.doctor.record import examine_record, judge_space
from coordinator.doctor.rules import judge_roster, judge_suffix_list
from coordinator.perspectives.agent_clock import ClockBounds
from coordinator.record.settings import RecordTable
from coordinator.rules.policy import Policy, PolicyRow
from coordinator.rules.roster import Location, Perspective, Roster
from mpic.runtime.doctor.handshake import Presented
from mpic.runtime.pki import create_authority
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p
from tests.world.places import PLACES

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def perspective(number: int) -> Perspective:
    place = PLACES[number]
    where = Location(place.latitude, place.longitude)
    role = c.ROLE_REMOTE if number else c.ROLE_PRIMARY
    rir = o.Rir.Value(f"RIR_{place.rir}")
    name = f"{place.id}.perspective.mpic.test"
    return Perspective(place.id, role, rir, f"192.0.2.{number}:7310", name, where, where)


def roster(remotes: int) -> Roster:
    return Roster(perspective(0), [perspective(number) for number in range(1, remotes + 1)])


def test_a_roster_that_satisfies_every_row_is_in_order() -> None:
    findings = judge_roster(roster(5), Policy(), NOW)
    assert [finding.outcome for finding in findings] == ["ok", "ok"]
    assert findings[1].facts["days"] == 19


def test_a_roster_that_will_break_is_warned_of_however_far_the_date_is() -> None:
    far = PolicyRow(datetime(2031, 1, 1, tzinfo=UTC), minimum_remotes=9)
    today, december, later = judge_roster(roster(4), Policy([*Policy().rows, far]), NOW)
    assert [one.outcome for one in (today, december, later)] == ["ok", "warning", "warning"]
    assert "from 2026-12-15T00:00Z on nothing will be approved" in december.what
    assert "the roster has 4, the row demands 9" in later.what


@pytest.mark.parametrize(
    ("made", "outcome"),
    [
        (date(2026, 10, 22), "ok"),
        (date(2025, 11, 25), "ok"),
        (date(2025, 11, 24), "warning"),
        (None, "warning"),
    ],
)
def test_a_public_suffix_list_of_more_than_a_year_is_warned_of(
    made: date | None, outcome: str
) -> None:
    finding = judge_suffix_list(made, NOW)
    assert finding.outcome == outcome
    if made is not None:
        assert finding.facts["days"] == (NOW.date() - made).days


def test_a_roster_that_is_broken_today_is_an_error() -> None:
    findings = judge_roster(roster(3), Policy(), NOW)
    assert findings[0].outcome == "error"
    assert "the roster has 3, the row demands 4" in findings[0].what


def test_before_the_first_row_nothing_can_be_approved() -> None:
    (finding,) = judge_roster(roster(5), Policy(), datetime(2020, 1, 1, tzinfo=UTC))
    assert finding.outcome == "error"


GIB = 1024**3


@pytest.mark.parametrize(("free", "outcome"), [(GIB, "warning"), (3 * GIB, "ok")])
def test_a_record_without_room_to_come_is_warned_of(free: int, outcome: str) -> None:
    assert judge_space(Path("/var/lib/mpic/record.sqlite3"), free).outcome == outcome


@pytest.mark.parametrize(
    ("content", "outcome", "says"),
    [
        (None, "ok", "will be made at the first start"),
        (b"this is no database, and long enough to be seen as none", "error", "cannot be recorded"),
    ],
)
def test_a_record_is_looked_at_and_never_made(
    tmp_path: Path, content: bytes | None, outcome: str, says: str
) -> None:
    file = tmp_path / "record.sqlite3"
    if content is not None:
        file.write_bytes(content)
    (finding, *_) = examine_record(RecordTable(path=file))
    assert finding.outcome == outcome
    assert says in finding.what.replace("nothing can be", "cannot be")
    assert file.exists() == (content is not None)


def test_a_record_that_is_there_is_read(tmp_path: Path) -> None:
    table = RecordTable(path=tmp_path / "record.sqlite3")
    table.make_store().open().close()
    found = examine_record(table)
    assert found[0].what == "the store opens and can be read"


def test_a_record_without_its_directory_is_an_error(tmp_path: Path) -> None:
    (finding,) = examine_record(RecordTable(path=tmp_path / "none/record.sqlite3"))
    assert "there is no directory" in finding.what
    (lab,) = examine_record(RecordTable(allow_unrecorded=True))
    assert lab.outcome == "warning"


def described(number: int, **resolver: object) -> AgentExamination:
    one = perspective(number)
    description = p.DescribeResponse(
        perspective_id=one.id,
        rir=one.rir,
        version="1",
        resolver=p.Resolver(**({"software": "Unbound", "validates": True} | resolver)),
    )
    description.resolver.probed_at.FromDatetime(NOW - timedelta(seconds=20))
    return AgentExamination(one, one.address, description=description, at=NOW)


def judge(
    *sightings: AgentExamination, remotes_must_validate: bool = True
) -> list[tuple[str, str]]:
    known = Roster(sightings[0].perspective, [one.perspective for one in sightings[1:]])
    found = judge_sightings(sightings, known, remotes_must_validate=remotes_must_validate)
    return [(finding.outcome, finding.what) for finding in found]


def test_a_perspective_that_is_itself_and_validates_is_in_order() -> None:
    assert judge(described(0), described(1)) == [
        ("ok", "tokyo is there and looks"),
        ("ok", "frankfurt is there and looks"),
    ]


def test_a_perspective_that_does_not_validate_is_an_error_unless_the_policy_lets_a_remote() -> None:
    blind = [described(number, validates=False, evidence="no AD") for number in (0, 1)]
    assert [outcome for outcome, _ in judge(*blind)] == ["error", "error"]
    lax = judge(*blind, remotes_must_validate=False)
    assert [outcome for outcome, _ in lax] == ["error", "ok"]
    assert lax[0][1].endswith("not shown to validate: no AD")


def test_a_perspective_that_says_it_is_another_is_an_error() -> None:
    other = described(1)
    assert other.description is not None
    other.description.rir = o.RIR_LACNIC
    assert judge(described(0), other)[1] == (
        "error",
        "frankfurt: it says it is 'frankfurt' in LACNIC, the roster says 'frankfurt' in RIPE",
    )


def test_a_perspective_that_was_not_met_is_an_error_with_the_reason() -> None:
    one = perspective(1)
    away = AgentExamination(
        one, one.address, "it cannot be reached: Connection refused", "Start it"
    )
    assert judge(described(0), away)[1] == (
        "error",
        "frankfurt: it cannot be reached: Connection refused",
    )


@pytest.mark.parametrize(("days", "warned"), [(13, True), (15, False)])
def test_a_certificate_that_ends_soon_is_warned_of(
    days: int, warned: bool, certificate: x509.Certificate
) -> None:
    shown = Presented((), NOW + timedelta(days=days), certificate)
    found = judge(described(0), replace(described(1), presented=shown))
    assert (("warning", "frankfurt: its certificate ends on 2026-12-08 12:00 UTC") in found) == (
        warned
    )


@pytest.fixture
def certificate(tmp_path_factory: pytest.TempPathFactory) -> x509.Certificate:
    return create_authority(tmp_path_factory.mktemp("pki"), "mpic.test").certificate


BOUNDS = ClockBounds(warning=5.0, limit=120.0)


def clocks(*ahead: float | None) -> list[tuple[str, str, str]]:
    """What is found of agents whose clocks are so far ahead, each; None: it tells nothing."""
    sightings = [replace(described(n), clock_ahead=one) for n, one in enumerate(ahead)]
    return [(one.outcome, one.what, one.mend) for one in judge_clocks(sightings, BOUNDS)]


def test_clocks_that_agree_are_in_order_and_nobody_there_is_no_finding() -> None:
    ((outcome, what, _),) = clocks(0.0, 5.0, -5.0)
    assert (outcome, what) == ("ok", "the agents' clocks and this one agree")
    assert clocks() == []


@pytest.mark.parametrize(
    ("ahead", "outcome", "says"),
    [
        (30, "warning", "the clocks of frankfurt are 30 s ahead of this host's"),
        (-30, "warning", "the clocks of frankfurt are 30 s behind this host's"),
        (32_400, "error", "are 9 h ahead of this host's: beyond 120 s they are not asked"),
        (-32_400, "error", "are 9 h behind this host's: beyond 120 s they are not asked"),
    ],
)
def test_one_agents_clock_that_differs_is_the_agents(ahead: float, outcome: str, says: str) -> None:
    ((found, what, mend),) = clocks(0.0, ahead, 0.0)
    assert found == outcome
    assert what.endswith(says)
    assert mend == "Let a time service set the agent's"


def test_clocks_that_all_differ_alike_show_that_this_one_is_wrong() -> None:
    ((outcome, what, mend),) = clocks(0.0, -32_400.0, -32_401.0)
    assert outcome == "error"
    assert what.startswith("the clocks of frankfurt, ashburn are 9 h behind this host's")
    assert mend == "Let a time service set this clock"
    assert clocks(30.0, -30.0)[0][2] == "Let a time service set the agent's"


def test_an_agent_that_does_not_tell_its_time_is_warned_of() -> None:
    silent, told = clocks(None, 0.0)
    assert silent[:2] == (
        "warning",
        "tokyo: it does not tell its time, so a wrong clock goes unseen",
    )
    assert told[0] == "ok"
