"""The command `mpic`, with programs that are made up here."""

import stat
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import typer

from mpic import __version__
from mpic.runtime import cli, config
from mpic.runtime.config import ConfigError, Problem
from mpic.runtime.problem import Flaw

group = typer.Typer()


def run_one() -> None:
    """Be the first command of the program."""
    typer.echo("this is one")


def run_two(file: Path) -> None:
    """Be the second, and read a file."""
    typer.echo(file.read_text())


@group.callback()
def _group() -> None:
    """Be a group."""


@group.command("three")
def run_three() -> None:
    """Be the third, in a group."""
    typer.echo("this is three")


def check_left(file: Path) -> list[str]:
    """Be the check of the program Left, for which every file with an x is wrong."""
    if "x" in file.read_text():
        raise ConfigError(file, [Problem("left.x", "is there", "Remove it")])
    return ["left.y: is old. Renew it"] if "y" in file.read_text() else []


def check_right(file: Path) -> list[str]:
    """Be the check of the program Right, which finds every file good."""
    assert file.exists()
    return []


ENTRIES = {
    "mpic.commands": {
        "one": f"{__name__}:run_one",
        "two": f"{__name__}:run_two",
        "group": f"{__name__}:group",
        "check-config": "mpic.runtime.config_check:check_config",
        "pki": "mpic.runtime.pki_command:app",
    },
    "mpic.runtime.config": {
        "right": f"{__name__}:check_right",
        "left": f"{__name__}:check_left",
        "third": f"{__name__}:check_right",
    },
}


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Install Left and Right instead of the real programs."""

    def entry_points(group: str) -> list[EntryPoint]:
        return [EntryPoint(name, thing, group) for name, thing in ENTRIES[group].items()]

    monkeypatch.setattr(cli, "entry_points", entry_points)
    monkeypatch.setattr(config, "entry_points", entry_points)


@dataclass(frozen=True)
class Outcome:
    """What a command did."""

    code: object
    out: str
    err: str


Mpic = Callable[..., Outcome]


@pytest.fixture
def mpic(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Mpic:
    """Run the command as a shell does, and return what became of it."""
    monkeypatch.setenv("TERMINAL_WIDTH", "300")

    def run(*arguments: object) -> Outcome:
        monkeypatch.setattr("sys.argv", ["mpic", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        if isinstance(ended.value.code, str):  # which the interpreter prints, with status 1
            return Outcome(1, out, f"{err}{ended.value.code}\n")
        return Outcome(ended.value.code, out, err)

    return run


def test_prints_its_version(mpic: Mpic) -> None:
    assert mpic("--version") == Outcome(0, f"mpic {__version__}\n", "")


def test_lists_the_commands_of_all_programs(mpic: Mpic) -> None:
    outcome = mpic("--help")
    assert outcome.code == 0
    for command in ("one", "two", "group", "check-config", "pki"):
        assert f" {command} " in outcome.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["one"], "this is one\n"), (["group", "three"], "this is three\n")],
)
def test_runs_the_commands_of_a_program(mpic: Mpic, arguments: list[str], said: str) -> None:
    assert mpic(*arguments) == Outcome(0, said, "")


def test_a_program_that_cannot_be_loaded_is_an_error(
    mpic: Mpic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ENTRIES["mpic.commands"], "gone", f"{__name__}:no_such_thing")
    for word in ("gone", "--help"):
        with pytest.raises(AttributeError, match="no_such_thing"):
            mpic(word)


def test_a_command_loads_nothing_of_the_others(mpic: Mpic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENTRIES["mpic.commands"], "gone", f"{__name__}:no_such_thing")
    assert mpic("one") == Outcome(0, "this is one\n", "")


def test_says_in_a_sentence_which_file_it_could_not_read(mpic: Mpic, tmp_path: Path) -> None:
    file = tmp_path / "none"
    assert mpic("two", file) == Outcome(1, "", f"{file}: there is no such file. Check the path\n")


def test_says_in_a_sentence_what_can_be_mended(mpic: Mpic, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_file: Path) -> str:
        raise Flaw("it is so", "Make it otherwise")

    monkeypatch.setattr(Path, "read_text", fail)
    assert mpic("two", "x") == Outcome(1, "", "it is so. Make it otherwise\n")


def test_leaves_an_error_without_a_file_as_it_is(
    mpic: Mpic, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_file: Path) -> str:
        raise OSError(113, "No route to host")

    monkeypatch.setattr(Path, "read_text", fail)
    with pytest.raises(OSError, match="No route to host"):
        mpic("two", "x")


@pytest.mark.parametrize("arguments", [["nothing"], ["check-config"], ["pki", "init"], ["--no"]])
def test_wrong_usage_exits_2(mpic: Mpic, arguments: list[str]) -> None:
    assert mpic(*arguments).code == 2


def write(directory: Path, name: str, text: str) -> Path:
    file = directory / name
    file.write_text(text)
    return file


def test_check_config_asks_the_program_whose_table_is_there(mpic: Mpic, tmp_path: Path) -> None:
    left, right = write(tmp_path, "l", "[left]\n"), write(tmp_path, "r", "[right]\nx = 1\n")
    assert mpic("check-config", left, right) == Outcome(0, f"{left}: ok\n{right}: ok\n", "")


def test_check_config_warns_and_passes(mpic: Mpic, tmp_path: Path) -> None:
    file = write(tmp_path, "l", "[left]\ny = 1\n")
    warning = f"{file}: warning: left.y: is old. Renew it\n"
    assert mpic("check-config", file) == Outcome(0, f"{file}: ok\n", warning)


def test_check_config_fails_on_one_bad_file_and_checks_the_others(
    mpic: Mpic, tmp_path: Path
) -> None:
    bad, good = write(tmp_path, "b", "[left]\nx = 1\n"), write(tmp_path, "g", "[left]\n")
    problem = f"{bad}: left.x: is there. Remove it\n"
    assert mpic("check-config", bad, good) == Outcome(1, f"{good}: ok\n", problem)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[lefd]\n", "has no [left] or [right] or [third]. Add the table of the program it is for"),
        ("[left]\n[right]\n", "has [left] and [right]. Give each program a file of its own"),
        ("[left\n", "line 1, column 6: expected ']' at the end of a table declaration."),
    ],
)
def test_check_config_says_why_a_file_is_nobodys(
    mpic: Mpic, tmp_path: Path, text: str, problem: str
) -> None:
    file = write(tmp_path, "f", text)
    outcome = mpic("check-config", file)
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith(f"{file}: {problem}")


def test_check_config_says_that_there_is_no_file(mpic: Mpic, tmp_path: Path) -> None:
    file = tmp_path / "none"
    problem = f"{file}: there is no such file. Check the path\n"
    assert mpic("check-config", file) == Outcome(1, "", problem)


INIT: tuple[str, ...] = (
    "--trust-domain",
    "mpic.example",
    "--coordinator",
    "main",
    "--caller",
    "ci",
)
INIT += ("--perspective", "tokyo", "--perspective", "paris", "--perspective", "tokyo")


def names(directory: Path) -> set[str]:
    return {file.name for file in directory.iterdir()}


def test_pki_init_writes_an_authority_and_a_pair_for_each(mpic: Mpic, tmp_path: Path) -> None:
    assert mpic("pki", "init", tmp_path / "pki", *INIT).code == 0
    stems = ("ca", "coordinator-main", "caller-ci", "perspective-tokyo", "perspective-paris")
    files = {f"{stem}.{suffix}" for stem in stems for suffix in ("pem", "key")}
    assert names(tmp_path / "pki") == files
    assert stat.S_IMODE((tmp_path / "pki").stat().st_mode) == 0o700


def test_pki_init_shows_every_identity_and_what_to_do_next(mpic: Mpic, tmp_path: Path) -> None:
    out = mpic("pki", "init", tmp_path, *INIT).out
    assert f"Authority of mpic.example: {tmp_path}/ca.pem\n" in out
    rows = [line.split() for line in out.splitlines() if line.startswith("  new")]
    assert rows[1] == [
        "new",
        "perspective-tokyo.pem",
        "perspective-tokyo.key",
        "spiffe://mpic.example/perspective/tokyo",
        "tokyo.perspective.mpic.example",
    ]
    assert len(rows) == 4
    assert "  kept" not in out
    assert f"3. Take {tmp_path}/ca.key off this host" in out


def test_pki_init_refuses_to_replace_an_authority(mpic: Mpic, tmp_path: Path) -> None:
    mpic("pki", "init", tmp_path, "--trust-domain", "mpic.example")
    before = (tmp_path / "ca.key").read_bytes()
    outcome = mpic("pki", "init", tmp_path, *INIT)
    assert outcome == Outcome(
        1,
        "",
        f"{tmp_path}/ca.pem is there already."
        " Add certificates to that authority with --add, or choose another directory\n",
    )
    assert (tmp_path / "ca.key").read_bytes() == before
    assert names(tmp_path) == {"ca.key", "ca.pem"}


def test_pki_init_makes_no_authority_beside_certificates_of_another(
    mpic: Mpic, tmp_path: Path
) -> None:
    write(tmp_path, "caller-ci.pem", "")
    outcome = mpic("pki", "init", tmp_path, *INIT)
    assert outcome.code == 1
    assert "caller-ci.pem or its key is there already. Add to its authority" in outcome.err
    assert names(tmp_path) == {"caller-ci.pem"}


def test_pki_init_add_writes_what_is_new_and_keeps_the_rest(mpic: Mpic, tmp_path: Path) -> None:
    mpic("pki", "init", tmp_path, *INIT)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    outcome = mpic("pki", "init", tmp_path, "--add", "--perspective", "rome", "--caller", "ci")
    assert outcome.code == 0
    states = [line.split()[:2] for line in outcome.out.splitlines() if line.startswith("  ")]
    assert ["new", "perspective-rome.pem"] in states
    assert ["kept", "caller-ci.pem"] in states
    assert names(tmp_path) == {*before, "perspective-rome.pem", "perspective-rome.key"}
    assert all((tmp_path / name).read_bytes() == data for name, data in before.items())


def test_pki_init_add_needs_the_authoritys_key(mpic: Mpic, tmp_path: Path) -> None:
    mpic("pki", "init", tmp_path, *INIT)
    (tmp_path / "ca.key").unlink()
    outcome = mpic("pki", "init", tmp_path, "--add", "--caller", "new")
    assert outcome == Outcome(
        1,
        "",
        f"there is no {tmp_path}/ca.key."
        " Bring the authority's private key back from where it is kept, while you issue\n",
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--caller", "ci"], "a new authority needs --trust-domain"),
        (["--trust-domain", "A.b"], '"A.b" cannot be a trust domain'),
        (["--trust-domain", "a.b", "--caller", "C"], '"C" cannot be an id'),
        (["--add"], "--add needs a --coordinator, --perspective or --caller"),
    ],
)
def test_pki_init_writes_nothing_when_used_wrongly(
    mpic: Mpic, tmp_path: Path, arguments: list[str], said: str
) -> None:
    outcome = mpic("pki", "init", tmp_path, *arguments)
    assert outcome.code == 2
    assert said in outcome.err
    assert names(tmp_path) == set()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--caller", "x", "--trust-domain", "b.c"], "the authority there is for mpic.example"),
        (["--caller", "x", "--caller", "Y"], '"Y" cannot be an id'),
    ],
)
def test_pki_init_add_writes_nothing_when_used_wrongly(
    mpic: Mpic, tmp_path: Path, arguments: list[str], said: str
) -> None:
    mpic("pki", "init", tmp_path, "--trust-domain", "mpic.example")
    outcome = mpic("pki", "init", tmp_path, "--add", *arguments)
    assert outcome.code == 2
    assert said in outcome.err
    assert names(tmp_path) == {"ca.key", "ca.pem"}


def test_pki_init_says_that_a_file_is_where_the_directory_should_be(
    mpic: Mpic, tmp_path: Path
) -> None:
    file = write(tmp_path, "pki", "")
    outcome = mpic("pki", "init", file, "--trust-domain", "mpic.example")
    problem = f"{file}: is there already. Move it away, or choose another place\n"
    assert outcome == Outcome(1, "", problem)
