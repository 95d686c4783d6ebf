"""The coordinator's file: what it says is in force, and what cannot be meant is refused."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from coordinator.checks.caa.issuer import Issuer
from coordinator.record.settings import RecordTable
from coordinator.rules.policy import BASELINE_ROWS, PolicyRow
from coordinator.rules.roster import Location
from coordinator.settings import check_file, check_roster, read_settings
from mpic.runtime.config import ConfigError
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o

SHIPPED = Path(__file__).parents[4] / "deploy/coordinator.toml"
NOVEMBER = datetime(2026, 11, 23, tzinfo=UTC)
DECEMBER = datetime(2026, 12, 15, tzinfo=UTC)


LISTENING = ('# listen = ""', 'listen = "127.0.0.1:8443"')
ENABLED = ("# enabled = false", "enabled = true")
TWO_ISSUERS = ("[record]", '[issuer.two]\ndomains = ["two.example.test"]\n\n[record]')


def check(directory: Path, size: int, now: datetime) -> list[str]:
    """Check the shipped file, whose roster has five remotes, with sets of this size."""
    file = directory / "coordinator.toml"
    text = SHIPPED.read_text()
    file.write_text(text.replace("# remotes_per_attempt = 0", f"remotes_per_attempt = {size}"))
    settings = read_settings(file)
    assert settings.policy.policy().row_at(now).remotes_per_attempt == size
    return check_roster(settings, file, now)


@pytest.mark.parametrize("size", [0, 5])
def test_sets_that_satisfy_the_rules_now_and_to_come(tmp_path: Path, size: int) -> None:
    assert check(tmp_path, size, NOVEMBER) == []


def test_sets_too_small_for_the_row_in_force_are_refused_with_the_mend(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        check(tmp_path, 4, DECEMBER)
    assert "policy: remotes_per_attempt: it is 4, the row demands 5" in str(refused.value)
    assert "Set it to 5 or more in [policy]" in str(refused.value)


def test_sets_larger_than_the_roster_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="it is 6, the roster has 5 remotes"):
        check(tmp_path, 6, NOVEMBER)


def test_sets_too_small_for_the_row_to_come_are_a_warning(tmp_path: Path) -> None:
    (warning,) = check(tmp_path, 4, NOVEMBER)
    assert warning == (
        "from 2026-12-15T00:00Z on 5 remotes will be asked, and no restart will succeed:"
        " remotes_per_attempt: it is 4, the row demands 5."
        " Set it to 5 or more in [policy], or leave it out to ask all remotes."
    )


def edited(directory: Path, *changes: tuple[str, str]) -> Path:
    """Return the shipped file with each first piece replaced by the second, once."""
    text = SHIPPED.read_text()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    file = directory / "coordinator.toml"
    file.write_text(text)
    return file


def test_the_shipped_file_is_the_baseline_and_nothing_looser() -> None:
    """BR 3.2.2.9 and 4.2.2: who changes nothing has nothing weakened."""
    settings = read_settings(SHIPPED)
    assert tuple(settings.policy.policy().rows) == tuple(BASELINE_ROWS)
    for row in settings.policy.policy().rows:
        assert row.remotes_must_validate
        assert not row.permit_caa_failure_in_insecure_zone
        assert row.address_agreement == c.ADDRESS_AGREEMENT_EXACT
    assert not settings.policy.allow_below_baseline
    assert not settings.record.allow_unrecorded
    assert settings.record.auditors == []


@pytest.mark.parametrize(
    ("changes", "flaw"),
    [
        ([('role = "remote"', 'role = "primary"')], "2 have role primary"),
        ([('role = "primary"', 'role = "remote"')], "0 have role primary"),
        ([('id = "ashburn"', 'id = "frankfurt"')], "id 'frankfurt' stands twice"),
        (
            [("ashburn.example.net:7310", "frankfurt.example.net:7310")],
            "address 'frankfurt.example.net:7310' stands twice",
        ),
        (
            [("ashburn.perspective.mpic", "frankfurt.perspective.mpic")],
            "server_name 'frankfurt.perspective.mpic.example' stands twice",
        ),
        ([('"ca.example.test"', '"ca_example"')], "issuer"),
        ([('"ca.example.test"', "")], "issuer"),
        ([('"ca.example.test"', '"CA.example.test"')], "in lower case"),
        ([('allowed = ["spiffe://mpic.example/caller/pipeline"]', "allowed = []")], "callers"),
        (
            [("# caller = {}", 'caller = { "spiffe://mpic.example/caller/bulk" = 512 }')],
            "has a bound, but may not call",
        ),
        ([ENABLED], "open_mpic.enabled: is enabled, but there is no port. Set [http] listen"),
        (
            [LISTENING, ENABLED, TWO_ISSUERS],
            "open_mpic.issuer: is not given, and there are several issuers. Known here: example",
        ),
        (
            [LISTENING, ENABLED, ('# issuer = ""', 'issuer = "exampel"')],
            "open_mpic.issuer: 'exampel' is no issuer. Did you mean example?",
        ),
        ([LISTENING, ENABLED, ("# linger = 2.0", "linger = 10.5")], "open_mpic.linger"),
        ([("# enabled = false", "enable = false")], "open_mpic.enable"),
        ([("latitude = 50.11", "latitude = 90.5")], "latitude"),
        ([("latitude = 50.11", "latitude = -90.5")], "latitude"),
        ([("longitude = 8.68", "longitude = 180.5")], "longitude"),
        ([('rir = "RIPE"', 'rir = "EUROPE"')], "rir"),
        ([("# clock_limit = 120.0", "clock_limit = 4.9")], "beyond clock_limit, 4.9 s"),
        ([("# clock_limit = 120.0", "clock_limit = 601")], "coordinator.clock_limit"),
        ([("# clock_warning = 5.0", "clock_warning = 0")], "coordinator.clock_warning"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused(
    tmp_path: Path, changes: list[tuple[str, str]], flaw: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        read_settings(edited(tmp_path, *changes))
    assert flaw in str(refused.value)


def test_a_roster_has_as_many_as_an_answer_has_room_for(tmp_path: Path) -> None:
    file = tmp_path / "coordinator.toml"
    first, *rest = SHIPPED.read_text().split("[[perspective]]")
    one = next(text for text in rest if "johannesburg" in text)

    def write(count: int) -> None:
        more = [one.replace("johannesburg", f"city{n}") for n in range(count - len(rest))]
        file.write_text("[[perspective]]".join([first, *more, *rest]))

    write(32)
    assert len(read_settings(file).roster().perspectives) == 32
    write(33)
    with pytest.raises(ConfigError, match="33 are too many: an answer has room for 32"):
        read_settings(file)


def test_perspectives_are_what_the_file_says(tmp_path: Path) -> None:
    place = 'resolver = { latitude = 50.11, longitude = 8.68, country = "DE" }'
    elsewhere = 'resolver = { latitude = 48.86, longitude = 2.35, rir = "AFRINIC" }'
    roster = read_settings(edited(tmp_path, (place, elsewhere))).roster()
    assert [one.id for one in roster.perspectives] == [
        "tokyo",
        "frankfurt",
        "ashburn",
        "sao-paulo",
        "johannesburg",
        "singapore",
    ]
    assert roster.primary.role == c.ROLE_PRIMARY
    assert {one.role for one in roster.remotes} == {c.ROLE_REMOTE}
    frankfurt, ashburn = roster.remotes[:2]
    assert (frankfurt.rir, frankfurt.resolver_rir) == (o.RIR_RIPE, o.RIR_AFRINIC)
    assert frankfurt.egress == Location(50.11, 8.68, country="DE")
    assert frankfurt.resolver == Location(48.86, 2.35)
    assert (ashburn.rir, ashburn.resolver_rir) == (o.RIR_ARIN, o.RIR_UNSPECIFIED)
    assert ashburn.address == "ashburn.example.net:7310"
    assert ashburn.server_name == "ashburn.perspective.mpic.example"


def test_a_roster_that_breaks_the_row_in_force_is_refused(tmp_path: Path) -> None:
    beside = ("latitude = 39.04, longitude = -77.49", "latitude = 50.12, longitude = 8.69")
    file = edited(tmp_path, beside)
    with pytest.raises(ConfigError, match="perspective"):
        check_roster(read_settings(file), file, NOVEMBER)


ROWS = """
[[policy.row]]
effective_from = {first}
minimum_remotes = 5
noncorroborations = [[2, 0], [6, 1]]
minimum_regions = 3
minimum_distance_km = 600
minimum_corroborating = 5
[[policy.row]]
effective_from = {second}
minimum_remotes = 6
"""


def with_rows(directory: Path, first: str, second: str) -> Path:
    rows = ROWS.format(first=first, second=second)
    return edited(directory, ("\n[limits]\n", f"{rows}\n[limits]\n"))


def test_the_rows_of_the_file_are_in_force(tmp_path: Path) -> None:
    file = with_rows(tmp_path, "2026-06-15T02:00:00+02:00", "2026-12-20T00:00:00Z")
    first, second = read_settings(file).policy.policy().rows
    assert first == PolicyRow(
        effective_from=datetime(2026, 6, 15, tzinfo=UTC),
        minimum_remotes=5,
        noncorroborations=((2, 0), (6, 1)),
        minimum_regions=3,
        minimum_distance_km=600,
        minimum_corroborating=5,
    )
    # What is left out is as the Baseline Requirements have it.
    assert second == replace(
        BASELINE_ROWS[-1],
        effective_from=datetime(2026, 12, 20, tzinfo=UTC),
        minimum_remotes=6,
    )


def test_what_holds_for_all_rows_is_in_each(tmp_path: Path) -> None:
    switches = (
        'address_agreement = "overlap"\nremotes_must_validate = false\n'
        "permit_caa_failure_in_insecure_zone = true\nremotes_per_attempt = 5\n"
    )
    file = edited(tmp_path, ("\n[policy]\n", f"\n[policy]\n{switches}"))
    for row in read_settings(file).policy.policy().rows:
        assert row.address_agreement == c.ADDRESS_AGREEMENT_OVERLAP
        assert not row.remotes_must_validate
        assert row.permit_caa_failure_in_insecure_zone
        assert row.remotes_per_attempt == 5


def test_what_an_approval_needs_is_the_rows_or_the_tables(tmp_path: Path) -> None:
    table = 'checks = ["caa", "addresses", "domain_control"]\naddresses_cover_aaaa = true\n'
    both = (("\n[policy]\n", f"\n[policy]\n{table}"),)
    for row in read_settings(edited(tmp_path, *both)).policy.policy().rows:
        assert row.checks == ("caa", "addresses", "domain_control")
        assert row.addresses_cover_aaaa
    later = (
        "\n[[policy.row]]\neffective_from = 2026-06-15T00:00:00Z\nminimum_remotes = 4\n"
        "\n[[policy.row]]\neffective_from = 2026-12-15T00:00:00Z\nminimum_remotes = 5\n"
        'checks = ["domain_control", "caa"]\n\n[limits]\n'
    )
    file = edited(tmp_path, *both, ("\n[limits]\n", later))
    first, second = read_settings(file).policy.policy().rows
    assert first.checks == ("caa", "addresses", "domain_control")
    assert second.checks == ("domain_control", "caa")


@pytest.mark.parametrize(
    ("checks", "text"),
    [
        ('["caa"]', "nothing shows that remotes reach the name"),
        ("[]", "has nothing alone"),
        ('["caa", "addresses", "caa"]', "names one check twice"),
        ('["addresses"]', "CAA is not checked"),
        ('["caa", "adresses"]', "addresses"),
    ],
)
def test_too_little_for_an_approval_is_refused(tmp_path: Path, checks: str, text: str) -> None:
    change = ("\n[policy]\n", f"\n[policy]\nchecks = {checks}\n")
    with pytest.raises(ConfigError, match=text):
        read_settings(edited(tmp_path, change))


def test_a_shorter_value_is_for_labs_alone(tmp_path: Path) -> None:
    short = "\n[policy]\nshortest_value = 1\n"
    with pytest.raises(ConfigError, match="shortest_value is 1, not 20"):
        read_settings(edited(tmp_path, ("\n[policy]\n", short)))
    lab = ("\n[policy]\n", f"{short}allow_below_baseline = true\n")
    for row in read_settings(edited(tmp_path, lab)).policy.policy().rows:
        assert row.shortest_value == 1


def test_a_row_without_a_time_zone_is_refused(tmp_path: Path) -> None:
    file = with_rows(tmp_path, "2026-06-15T00:00:00", "2026-12-20T00:00:00Z")
    with pytest.raises(ConfigError, match="has no time zone"):
        read_settings(file)


@pytest.mark.parametrize(
    "row",
    [
        "minimum_remotes = 3",
        "minimum_remotes = 4\nminimum_regions = 1",
        "minimum_remotes = 4\nminimum_distance_km = 499",
        "minimum_remotes = 4\nnoncorroborations = [[2, 2]]",
    ],
)
def test_less_than_the_requirements_is_refused_unless_for_a_lab(tmp_path: Path, row: str) -> None:
    rows = f"\n[[policy.row]]\neffective_from = 2026-06-15T00:00:00Z\n{row}\n\n[limits]\n"
    with pytest.raises(ConfigError, match="less than the Baseline Requirements"):
        read_settings(edited(tmp_path, ("\n[limits]\n", rows)))
    allowed = ("\n[policy]\n", "\n[policy]\nallow_below_baseline = true\n")
    assert read_settings(edited(tmp_path, allowed, ("\n[limits]\n", rows))).policy.row


def test_a_policy_that_has_no_row_yet_is_refused(tmp_path: Path) -> None:
    file = with_rows(tmp_path, "2026-12-10T00:00:00Z", "2026-12-20T00:00:00Z")
    with pytest.raises(ConfigError, match="effective_from"):
        check_roster(read_settings(file), file, NOVEMBER)


@pytest.mark.parametrize(("day", "is_told"), [(20, True), (23, True), (24, False)])
def test_what_a_row_within_thirty_days_forbids_is_a_warning(
    tmp_path: Path, day: int, is_told: bool
) -> None:
    file = with_rows(tmp_path, "2026-06-15T00:00:00Z", f"2026-12-{day}T00:00:00Z")
    warnings = check_roster(read_settings(file), file, NOVEMBER)
    told = [one for one in warnings if "nothing will be approved" in one]
    assert bool(told) == is_told
    assert all(f"2026-12-{day}" in one for one in told)


def test_a_file_is_checked_with_all_that_it_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coordinator.settings.check_certificates", lambda *_: ["of certificates"])
    monkeypatch.setattr("coordinator.settings.check_roster", lambda *_: ["of the roster"])
    monkeypatch.setattr(RecordTable, "find_warnings", lambda _: ["of the record"])
    warnings = check_file(edited(tmp_path))
    assert {"of certificates", "of the roster", "of the record"} <= set(warnings)


def issuer_with(directory: Path, tags: str) -> Issuer:
    """Return the issuer of the shipped file with this list of critical tags."""
    file = directory / "coordinator.toml"
    line = "# understood_critical_tags = []"
    assert line in SHIPPED.read_text()
    file.write_text(SHIPPED.read_text().replace(line, f"understood_critical_tags = {tags}"))
    (issuer,) = read_settings(file).issuers().values()
    return issuer


def test_rfc_8659_4_1_an_issuer_understands_no_more_than_it_is_told(tmp_path: Path) -> None:
    (shipped,) = read_settings(SHIPPED).issuers().values()
    assert shipped.understood_tags == frozenset()
    tags = '["contactemail", "issuevmc", "ours2"]'
    assert issuer_with(tmp_path, tags).understood_tags == {"contactemail", "issuevmc", "ours2"}


@pytest.mark.parametrize(
    ("tags", "says"),
    [
        ('["ContactEmail"]', """'ContactEmail' is not in lower case. Write "contactemail\""""),
        ('["contact-email"]', "'contact-email' is no CAA property tag. A tag is letters"),
        ('["contact email"]', "'contact email' is no CAA property tag"),
        ('[""]', "'' is no CAA property tag"),
        (f'["{"a" * 256}"]', "is no CAA property tag"),
        ('["contactmail"]', "'contactmail' is in no standard. Did you mean contactemail?"),
        ('["issuevcm"]', "Did you mean issuevmc?"),
        ('["iodef"]', "'iodef' is always understood. Leave it out"),
        ('["contactemail", "ISSUE"]', "'ISSUE' is not in lower case"),
        ('"contactemail"', "must be a list"),
    ],
)
def test_tags_that_cannot_be_understood_are_refused(tmp_path: Path, tags: str, says: str) -> None:
    with pytest.raises(ConfigError) as refused:
        issuer_with(tmp_path, tags)
    assert "issuer.example.understood_critical_tags" in str(refused.value)
    assert says in str(refused.value)


def open_mpic_warnings(directory: Path, *changes: tuple[str, str]) -> list[str]:
    settings = read_settings(edited(directory, LISTENING, *changes))
    return settings.open_mpic.find_warnings(settings.policy.policy())


def test_the_api_of_open_mpic_is_off_and_not_a_labs_unless_somebody_says_so(tmp_path: Path) -> None:
    table = read_settings(SHIPPED).open_mpic
    assert not table.enabled
    assert not table.honour_smaller_quorum
    assert open_mpic_warnings(tmp_path, ENABLED) == []


def test_a_lab_that_counts_too_few_is_warned_of(tmp_path: Path) -> None:
    lab = ("# honour_smaller_quorum = false", "honour_smaller_quorum = true")
    assert open_mpic_warnings(tmp_path, lab) == []
    (warning,) = open_mpic_warnings(tmp_path, ENABLED, lab)
    assert "is for labs" in warning
    assert "dry runs" in warning


def test_a_policy_that_caa_alone_cannot_meet_is_warned_of(tmp_path: Path) -> None:
    checks = ('# checks = ["caa", "addresses"]', 'checks = ["caa", "domain_control"]')
    (warning,) = open_mpic_warnings(tmp_path, ENABLED, checks)
    assert "refuses every check_type caa" in warning


def test_a_policy_that_lets_failed_lookups_pass_is_warned_of(tmp_path: Path) -> None:
    """A caller of that API may say that it allows none, and cannot have that."""
    lenient = (
        "# permit_caa_failure_in_insecure_zone = false",
        "permit_caa_failure_in_insecure_zone = true",
    )
    (warning,) = open_mpic_warnings(tmp_path, ENABLED, lenient)
    assert "allow_lookup_failure false" in warning
