"""What is read from a configuration file, and what is said when it cannot be."""

import re
from enum import Enum
from pathlib import Path

import pytest
from pydantic import AwareDatetime, ValidationError

from mpic.runtime.config import (
    ConfigError,
    ConfigPath,
    ConfigTable,
    Problem,
    load_config,
    read_toml,
    settle,
)
from mpic.runtime.problem import explain_os_error


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Table(ConfigTable):
    file: ConfigPath = Path("unset")
    since: AwareDatetime | None = None
    pairs: tuple[tuple[int, int], ...] = ()
    colour: Colour = Colour.RED


def load(directory: Path, text: str) -> Table:
    file = directory / "file.toml"
    file.write_text(text)
    return load_config(file, Table)


def test_takes_what_toml_has(tmp_path: Path) -> None:
    text = 'since = 2026-12-15T00:00:00Z\npairs = [[1, 2]]\ncolour = "blue"\n'
    table = load(tmp_path, text)
    assert str(table.since) == "2026-12-15 00:00:00+00:00"
    assert table.pairs == ((1, 2),)
    assert table.colour is Colour.BLUE


def test_a_relative_path_starts_at_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "file.toml").write_text('file = "a.pem"')
    monkeypatch.chdir(tmp_path)
    config = load_config(Path("etc/file.toml"), Table)
    assert config.file == tmp_path / "etc" / "a.pem"


def test_an_absolute_path_stays(tmp_path: Path) -> None:
    assert load(tmp_path, 'file = "/b.pem"').file == Path("/b.pem")


def test_a_table_is_never_changed(tmp_path: Path) -> None:
    config = load(tmp_path, "")
    with pytest.raises(ValidationError, match="frozen"):
        config.file = Path("b")


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "file.toml"
    file.write_bytes(b"\xef\xbb\xbfa = 1")
    assert read_toml(file) == {"a": 1}


def test_says_which_line_is_not_utf_8(tmp_path: Path) -> None:
    file = tmp_path / "file.toml"
    file.write_bytes(b"a = 1\n# caf\xe9\n")
    message = f"{file}: line 2: holds a character that is not UTF-8. Save the file as UTF-8"
    with pytest.raises(ConfigError, match=f"^{re.escape(message)}$"):
        read_toml(file)


def test_says_that_there_is_no_file(tmp_path: Path) -> None:
    message = f"{tmp_path}/no.toml: there is no such file. Check the path"
    with pytest.raises(ConfigError, match=f"^{re.escape(message)}$"):
        load_config(tmp_path / "no.toml", Table)


def test_says_that_a_directory_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"^{re.escape(str(tmp_path))}: is a directory. Name a"):
        load_config(tmp_path, Table)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            PermissionError(13, "Permission denied"),
            ("permission denied", "Give the user that runs mpic access to it"),
        ),
        (
            NotADirectoryError(20, "Not a directory"),
            ("is not a directory", "Check the path"),
        ),
        (
            FileExistsError(17, "File exists"),
            ("is there already", "Move it away, or choose another place"),
        ),
        (
            OSError(28, "No space left on device"),
            ("no space left on device", "Check the path and the disk"),
        ),
    ],
)
def test_explains_what_the_system_refuses(error: OSError, words: tuple[str, str]) -> None:
    assert explain_os_error(error) == words


def test_settle_returns_warnings() -> None:
    warning = Problem("a", "b", "C", warning=True)
    assert settle(Path("f"), [warning]) == ["a: b. C"]


def test_settle_raises_what_is_worse_than_a_warning() -> None:
    warning, problem = Problem("a", "b", "C", warning=True), Problem("d", "e", "F")
    with pytest.raises(ConfigError) as caught:
        settle(Path("f"), [warning, problem])
    assert caught.value.problems == [problem]
    assert str(caught.value) == "f: d: e. F"


@pytest.mark.parametrize(
    "text",
    [
        "unknown = 1",
        'pairs = [["1", "2"]]',
        "pairs = [[1.0, 2.0]]",
        "pairs = [[true, 2]]",
        "file = 1",
        'since = "2026-12-15"',
        "colour = 1",
    ],
)
def test_nothing_unknown_is_passed_over_and_nothing_taken_for_what_it_is_not(
    tmp_path: Path, text: str
) -> None:
    with pytest.raises(ConfigError):
        load(tmp_path, text)
