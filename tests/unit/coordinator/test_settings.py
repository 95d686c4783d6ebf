"""The coordinator's file: sets of a size that the roster and the policy allow."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from coordinator.settings import check_roster, read_settings
from mpic.config import ConfigError

SHIPPED = Path(__file__).parents[3] / "deploy/coordinator.toml"
NOVEMBER = datetime(2026, 11, 23, tzinfo=UTC)
DECEMBER = datetime(2026, 12, 15, tzinfo=UTC)


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
