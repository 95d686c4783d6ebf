"""RFC 9718: the keys that are believed, against those that the root signs with, by date."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from perspective_agent.unbound.trust_anchor import (
    ROOT_KEYS,
    TrustAnchor,
    find_missing,
    read_anchors,
    read_key_tags,
)

KSK_2010, KSK_2017, KSK_2024 = (key.anchor for key in ROOT_KEYS)
ROLLOVER = datetime(2026, 10, 11, tzinfo=UTC)
SECOND = timedelta(seconds=1)
TODAY = datetime(2026, 11, 30, tzinfo=UTC)
DEBIAN = Path("/usr/share/dns/root.key")
DS_2017 = f". IN DS 20326 8 2 {KSK_2017.digest.upper()}"


def test_key_tags_of_the_trust_anchor(tmp_path: Path) -> None:
    file = tmp_path / "root.key"
    file.write_text(f"; the root\n{DS_2017} ; a comment\n\n")
    assert read_key_tags(file) == [20326]
    file.write_text("; nothing\n")
    assert read_key_tags(file) == []
    file.write_text(". IN DS 20326 8 2 nonsense\n")
    with pytest.raises(ValueError, match="not a DS record"):
        read_key_tags(file)


def test_a_key_is_known_as_ds_and_as_dnskey(tmp_path: Path) -> None:
    """The package dns-root-data has the keys themselves."""
    assert {KSK_2017, KSK_2024} <= read_anchors(DEBIAN)
    file = tmp_path / "root.key"
    file.write_text(DS_2017)
    assert read_anchors(file) == {KSK_2017}


def test_the_roots_keys_follow_each_other_without_a_gap() -> None:
    for key, after in pairwise(ROOT_KEYS):
        assert key.signs_until == after.signs_from
    assert ROOT_KEYS[-1].signs_until is None


@pytest.mark.parametrize(
    ("anchors", "now", "says"),
    [
        ({KSK_2017}, ROLLOVER - SECOND, "will be signed with it from 2026-10-11 on"),
        ({KSK_2017}, ROLLOVER, "has been signed with it since 2026-10-11"),
        ({KSK_2017}, TODAY, "KSK-2024 (key tag 38696) is missing"),
        # Only keys that the root has done with.
        ({KSK_2010}, TODAY, "only KSK-2010 (key tag 19036) is believed"),
        ({KSK_2010, KSK_2017}, TODAY, "KSK-2024 (key tag 38696) is missing"),
        ({KSK_2024}, ROLLOVER - SECOND, "KSK-2017 (key tag 20326) is missing"),
        # A DS record by another hash tells a key by its tag alone.
        ({TrustAnchor(20326, "")}, TODAY, "KSK-2024 (key tag 38696) is missing"),
        # One of our own beside them changes nothing.
        ({KSK_2017, TrustAnchor(4711, "00")}, TODAY, "KSK-2024 (key tag 38696) is missing"),
    ],
)
def test_a_key_that_signs_or_will_is_missed(
    anchors: set[TrustAnchor], now: datetime, says: str
) -> None:
    (missing,) = find_missing(anchors, now)
    assert says in missing


def test_who_has_only_the_first_key_missed_two() -> None:
    assert len(find_missing({KSK_2010}, ROLLOVER - SECOND)) == 2


@pytest.mark.parametrize(
    "anchors",
    [
        {KSK_2017, KSK_2024},
        {KSK_2024},
        # A root of one's own; even one whose key has the tag of IANA's.
        {TrustAnchor(4711, "00")},
        {TrustAnchor(20326, "00")},
        set(),
    ],
)
def test_nothing_is_missed(anchors: set[TrustAnchor]) -> None:
    assert not find_missing(anchors, TODAY)
