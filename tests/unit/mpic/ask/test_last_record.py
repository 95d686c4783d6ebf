"""The id of the last record is remembered for its owner alone, and following no link."""

import os
import stat
from pathlib import Path

import pytest

from mpic.ask.last_record import recall_record, remember_record

RECORD, OTHER = "019ad2b4-0000-7000-8000-00c0ffee0000", "019ad2b4-0000-7000-8000-00c0ffee0001"


def at(path: Path) -> dict[str, str]:
    return {"XDG_STATE_HOME": str(path)}


def test_what_is_remembered_is_recalled(tmp_path: Path) -> None:
    home = at(tmp_path / "not" / "there")
    assert recall_record(home) == ""
    remember_record(RECORD, home)
    remember_record(OTHER, home)
    assert recall_record(home) == OTHER


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        remember_record(RECORD, at(tmp_path / "state"))
    finally:
        os.umask(before)
    for path, mode in (("", 0o700), ("mpic", 0o700), ("mpic/last-record", 0o600)):
        assert stat.S_IMODE((tmp_path / "state" / path).stat().st_mode) == mode


def test_a_link_in_its_place_is_replaced_and_never_followed(tmp_path: Path) -> None:
    (tmp_path / "mpic").mkdir()
    victim = tmp_path / "victim"
    victim.write_text(OTHER)
    for name in ("last-record", "last-record.new"):
        (tmp_path / "mpic" / name).symlink_to(victim)
    assert recall_record(at(tmp_path)) == ""
    remember_record(RECORD, at(tmp_path))
    assert victim.read_text() == OTHER
    assert recall_record(at(tmp_path)) == RECORD
    assert not (tmp_path / "mpic" / "last-record").is_symlink()


def test_a_directory_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "mpic").symlink_to(tmp_path / "elsewhere")
    remember_record(RECORD, at(tmp_path))
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert recall_record(at(tmp_path)) == ""


@pytest.mark.parametrize("wrong", ["", "../../x", "019ad2b4", f"{RECORD}\n", f"x{RECORD}"])
def test_what_is_no_record_id_is_not_remembered(tmp_path: Path, wrong: str) -> None:
    remember_record(wrong, at(tmp_path))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"--help", b"\xff\xfe", b"x" * 10_000, b"a\x1b[2J"])
def test_what_somebody_else_wrote_there_is_not_recalled(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "mpic").mkdir()
    (tmp_path / "mpic" / "last-record").write_bytes(content)
    assert recall_record(at(tmp_path)) == ""


def test_what_cannot_be_written_or_read_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "mpic").write_text("a file")
    for home in (at(tmp_path), at(tmp_path / "mpic"), at(Path("/proc/nothing"))):
        remember_record(RECORD, home)
        assert recall_record(home) == ""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "state" / "mpic" / "last-record").mkdir(parents=True)
    remember_record(RECORD, at(tmp_path / "state"))
    assert recall_record(at(tmp_path / "state")) == ""
    (tmp_path / "fifo" / "mpic").mkdir(parents=True)
    os.mkfifo(tmp_path / "fifo" / "mpic" / "last-record")
    assert recall_record(at(tmp_path / "fifo")) == ""


def test_a_state_directory_that_is_not_absolute_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    remember_record(RECORD, {"XDG_STATE_HOME": "state"})
    assert (tmp_path / ".local" / "state" / "mpic" / "last-record").read_text() == f"{RECORD}\n"
    assert recall_record({}) == RECORD
