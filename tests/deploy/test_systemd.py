"""The units: without a mistake, hardened, and a template just like the plain one."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from coordinator.settings import CoordinatorSettings
from mpic.runtime.config import load_config
from mpic.runtime.open_files import SET
from perspective_agent.settings import AgentSettings

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
UNITS = sorted(path.name for path in (DEPLOY / "systemd").glob("*.service"))
PROGRAM = "/opt/mpic/bin/mpic"
# Of 100, in systemd's own reckoning; 20 is what it calls "OK", a unit without hardening has 96.
EXPOSURE = 20


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The units, with a program that is there, a template as one of its instances."""
    for name in UNITS:
        text = (DEPLOY / "systemd" / name).read_text().replace(PROGRAM, sys.executable)
        (tmp_path / name.replace("@", "@one")).write_text(text)
    return tmp_path


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = ["systemd-analyze", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", UNITS)
def test_systemd_finds_nothing_wrong(name: str, installed: Path) -> None:
    done = analyze("verify", installed / name.replace("@", "@one"))
    assert (done.returncode, done.stderr) == (0, "")


def test_a_mistake_in_a_unit_is_found(installed: Path) -> None:
    unit = installed / "mpic-agent.service"
    unit.write_text(unit.read_text().replace("PrivateTmp", "PrivatTmp"))
    assert "PrivatTmp" in analyze("verify", unit).stderr


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_is_hardened(name: str, installed: Path) -> None:
    unit = installed / name.replace("@", "@one")
    done = analyze("security", "--offline=true", f"--threshold={EXPOSURE}", unit)
    assert done.returncode == 0, done.stdout


def test_a_unit_that_is_not_hardened_is_found(installed: Path) -> None:
    unit = installed / "mpic-agent.service"
    text = unit.read_text()
    unit.write_text(re.sub(r"(?m)^(Protect|Restrict|SystemCall|Capab|NoNew).*\n", "", text))
    done = analyze("security", "--offline=true", f"--threshold={EXPOSURE}", unit)
    assert done.returncode != 0


@pytest.mark.parametrize("program", ["agent", "coordinator"])
def test_a_template_differs_in_the_instance_alone(program: str) -> None:
    plain = (DEPLOY / "systemd" / f"mpic-{program}.service").read_text()
    template = (DEPLOY / "systemd" / f"mpic-{program}@.service").read_text()
    template = re.sub(r"(?m)^# One of several.*\n", "", template)
    assert re.sub(r"[-/ ]%i", "", template) == plain


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_allows_the_files_that_are_wanted(name: str) -> None:
    text = (DEPLOY / "systemd" / name).read_text()
    assert re.findall(r"(?m)^LimitNOFILE=(.*)$", text) == [str(SET)]


def test_what_has_no_units_is_told_how_to_allow_them() -> None:
    for place in ("README.md", "container/Containerfile"):
        assert f"--ulimit nofile={SET}:{SET}" in (DEPLOY / place).read_text()
    assert str(SET) in (DEPLOY / "kubernetes/mpic/values.yaml").read_text()


def test_a_unit_gives_a_program_the_time_it_takes_to_end() -> None:
    agent = load_config(DEPLOY / "agent.toml", AgentSettings).agent.shutdown_grace
    coordinator = load_config(DEPLOY / "coordinator.toml", CoordinatorSettings)
    for program, grace in (
        ("agent", agent),
        ("coordinator", coordinator.coordinator.shutdown_grace),
    ):
        text = (DEPLOY / "systemd" / f"mpic-{program}.service").read_text()
        (seconds,) = re.findall(r"(?m)^TimeoutStopSec=(\d+)$", text)
        assert int(seconds) > grace + 5
