"""The command `mpic` as it is installed: its list, completion, and what is not installed."""

from importlib.metadata import entry_points
from typing import Any

import pytest
import typer.main

from mpic.runtime import cli


def subcommands() -> list[str]:
    return sorted(entry.name for entry in entry_points(group="mpic.commands"))


@pytest.mark.parametrize("name", subcommands())
def test_a_summary_is_the_beginning_of_the_commands_own_help(name: str) -> None:
    group: Any = typer.main.get_command(cli.build_app(name))
    help_ = group.commands[name].help or ""
    assert " ".join(help_.split()).startswith(cli.SUMMARIES[name])
    assert cli.SUMMARIES[name].endswith(".")


SHELLS = {
    "bash": lambda line: {"COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))},
    "zsh": lambda line: {"_TYPER_COMPLETE_ARGS": line},
}


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("mpic ", subcommands()),
        ("mpic pe", ["perspectives"]),
        ("mpic ask --serv", ["--server", "--server-name"]),
        ("mpic pki ", ["init"]),
        ("mpic pki init --persp", ["--perspective"]),
        ("mpic coordinator --conf", ["--config"]),
    ],
)
def test_a_shell_completes(
    shell: str,
    line: str,
    offered: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("_MPIC_COMPLETE", f"complete_{shell}")
    for name, value in SHELLS[shell](line).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.argv", ["mpic"])
    with pytest.raises(SystemExit):
        cli.main()
    out = capsys.readouterr().out
    assert all(one in out for one in offered)
    others = {*subcommands(), "--cert", "--issuer"} - {*offered, "init"}
    assert not [one for one in others if f'"{one}"' in out or one in out.split()]


@pytest.mark.parametrize(
    ("word", "wanted"),
    [
        ("coordinator", "pip install 'mpic[coordinator]'"),
        ("record", "pip install 'mpic[coordinator]'"),
        ("agent", "pip install 'mpic[agent]'"),
        ("pki", "pip install 'mpic[coordinator]' or 'mpic[agent]'"),
    ],
)
def test_what_is_not_installed_is_said_in_a_sentence(
    word: str, wanted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(_word: str) -> object:
        raise ModuleNotFoundError("No module named 'structlog'", name="structlog.types")

    monkeypatch.setattr(cli, "build_app", load)
    monkeypatch.setattr("sys.argv", ["mpic", word])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = f"mpic {word} needs more packages (structlog.types is missing): {wanted}"
    assert ended.value.code == said


def test_a_module_of_our_own_that_is_missing_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(_word: str) -> object:
        raise ModuleNotFoundError("No module named 'coordinator.gone'", name="coordinator.gone")

    monkeypatch.setattr(cli, "build_app", load)
    monkeypatch.setattr("sys.argv", ["mpic", "coordinator"])
    with pytest.raises(ModuleNotFoundError):
        cli.main()


def test_version_names_what_a_report_needs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["mpic", "version"])
    with pytest.raises(SystemExit):
        cli.main()
    out = capsys.readouterr().out
    for name in ("mpic 0", "grpcio 1", "protobuf ", "Python 3"):
        assert name in out
