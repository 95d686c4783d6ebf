"""The container build: linted, and locked to the hashes that are shipped."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
CONTAINERFILE = REPOSITORY / "deploy/container/Containerfile"


def lint(text: str) -> str:
    hadolint = Path(sys.executable).parent / "hadolint"
    command = [hadolint, "--no-color", "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    return str(done.stdout)


def test_hadolint_finds_nothing_wrong() -> None:
    assert lint(CONTAINERFILE.read_text()) == ""


def test_a_mistake_in_a_containerfile_is_found() -> None:
    assert "DL3002" in lint(CONTAINERFILE.read_text() + "USER root\n")


def test_both_images_run_as_nobody_and_say_whether_they_are_well() -> None:
    text = CONTAINERFILE.read_text()
    for program in ("agent", "coordinator"):
        stage = text.partition(f"AS {program}\n")[2].partition("\nFROM ")[0]
        assert "\nUSER 65532:65532\n" in stage
        assert "\nHEALTHCHECK " in stage
        assert f'\nCMD ["{program}", "--config", "/etc/mpic/{program}.toml"]' in stage


def test_everything_from_pypi_is_held_against_its_hash() -> None:
    installs = re.findall(r"pip (?:\S+ \S+ )?install [^&]*", CONTAINERFILE.read_text())
    assert len(installs) == 3
    for install in installs:
        assert "--require-hashes" in install or "--no-deps /wheel/*.whl" in install


def test_the_build_backend_is_locked() -> None:
    needed = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["build-system"]["requires"]
    locked = set(
        re.findall(r"(?m)^([a-z0-9-]+)==", (REPOSITORY / "requirements-build.txt").read_text())
    )
    assert {re.split(r"[>=]", one)[0] for one in needed} <= locked


def test_what_is_built_is_what_is_packaged() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    text = CONTAINERFILE.read_text()
    assert all(f"\nCOPY {package} /src/{package}\n" in text for package in packages)
