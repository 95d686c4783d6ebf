"""What is shipped is true: configurations load and name every option, stubs fit, links lead on."""

import filecmp
import re
import subprocess
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import grpc
import pytest
from pydantic import BaseModel

from coordinator.settings import CoordinatorSettings, check_roster
from mpic.runtime.config import load_config
from perspective_agent.settings import AgentSettings
from perspective_agent.unbound.configuration import CANARY_ANCHOR

REPOSITORY = Path(__file__).resolve().parents[2]
SHIPPED: dict[str, type[BaseModel]] = {
    "agent.toml": AgentSettings,
    "coordinator.toml": CoordinatorSettings,
}
AGREED = REPOSITORY / "proto/mpic/v1"
STUBS = sorted([*AGREED.glob("*_pb2*"), *AGREED.glob("*.binpb")])


def uncommented(text: str) -> str:
    """The file with every option that is commented out put in."""
    return re.sub(r"(?m)^# (\w+ = |\[\[)", r"\1", text)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_configuration_loads(name: str) -> None:
    load_config(REPOSITORY / "deploy" / name, SHIPPED[name])


@pytest.mark.parametrize("name", SHIPPED)
def test_what_is_commented_out_is_the_default(name: str, tmp_path: Path) -> None:
    text = uncommented((REPOSITORY / "deploy" / name).read_text())
    # These have no default to show: an example stands for them.
    text = text.replace("/usr/share/dns/root.hints", "")
    examples = "root_hints_file|outgoing_address|control_socket|dsn|dsn_file|file|tls|link_key_file"
    text = re.sub(rf"(?m)^({examples}) = .*$", "", text)
    rows = text.index("[[policy.row]]") if name == "coordinator.toml" else len(text)
    text = text[:rows] + text[text.find("# The roster:", rows) :] if rows < len(text) else text
    (tmp_path / name).write_text(text)
    given = load_config(tmp_path / name, SHIPPED[name])
    shipped = load_config(REPOSITORY / "deploy" / name, SHIPPED[name])
    assert _settled(given) == _settled(shipped)


def _settled(settings: BaseModel) -> dict[str, object]:
    return settings.model_dump(exclude={"tls"})


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_configuration_names_every_option(name: str) -> None:
    data = tomllib.loads(uncommented((REPOSITORY / "deploy" / name).read_text()))
    assert not list(_missing(SHIPPED[name], data, ""))


def _missing(model: type[BaseModel], data: dict[str, object], place: str) -> list[str]:
    missing = []
    for key, field in model.model_fields.items():
        if key not in data:
            missing.append(f"{place}{key}")
        elif isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            value = data[key]
            assert isinstance(value, dict)
            missing.extend(_missing(field.annotation, value, f"{place}{key}."))
    return missing


def test_the_shipped_roster_satisfies_the_rules_of_december() -> None:
    file = REPOSITORY / "deploy/coordinator.toml"
    settings = load_config(file, CoordinatorSettings)
    assert check_roster(settings, file, datetime(2026, 12, 15, tzinfo=UTC)) == []


def test_the_canary_line_for_an_operators_resolver_is_ours() -> None:
    assert f'trust-anchor: "{CANARY_ANCHOR}"' in (REPOSITORY / "deploy/agent.toml").read_text()


def test_the_stubs_are_what_the_agreement_generates(tmp_path: Path) -> None:
    subprocess.run([REPOSITORY / "proto/generate.sh", tmp_path], check=True, capture_output=True)
    made = tmp_path / "mpic/v1"
    assert sorted(path.name for path in made.iterdir()) == [path.name for path in STUBS]
    names = [path.name for path in STUBS]
    _, differing, broken = filecmp.cmpfiles(
        made, REPOSITORY / "proto/mpic/v1", names, shallow=False
    )
    assert not differing + broken


def test_grpcio_is_at_least_as_new_as_the_stubs() -> None:
    text = (REPOSITORY / "proto/mpic/v1/perspective_pb2_grpc.py").read_text()
    generated = re.search(r"GRPC_GENERATED_VERSION = '([\d.]+)'", text)
    assert generated is not None
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert f"grpcio>={generated[1]}" in project["dependencies"]
    assert grpc.__version__ >= generated[1]


def needed(*extras: str) -> set[str]:
    """The packages that the project and its extras name, with those of the extras they name."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    wanted = list(project["dependencies"])
    for extra in extras:
        wanted += project["optional-dependencies"][extra]
    inner = re.fullmatch(r"mpic\[(.*)\]", next((one for one in wanted if "mpic[" in one), ""))
    names = {re.split(r"[\[>=]", one)[0] for one in wanted if "mpic[" not in one}
    return names | (needed(*inner[1].split(",")) if inner else set())


@pytest.mark.parametrize(
    ("lock", "extras"),
    [("run", ("coordinator", "agent", "postgresql")), ("dev", ("dev",))],
)
def test_every_dependency_is_locked(lock: str, extras: tuple[str, ...]) -> None:
    text = (REPOSITORY / f"requirements-{lock}.txt").read_text()
    assert {"structlog", "geographiclib", "psycopg"} <= needed(*extras)
    assert needed(*extras) <= set(re.findall(r"(?m)^([a-z0-9-]+)==", text))


def test_the_readme_is_short_and_its_links_lead_somewhere() -> None:
    text = (REPOSITORY / "README.md").read_text()
    assert text.count("\n") < 150
    for link in re.findall(r"\]\(([^)#]+)\)", text):
        assert (REPOSITORY / link).exists(), link


def test_the_readmes_commands_exist() -> None:
    text = (REPOSITORY / "README.md").read_text()
    for command in ("deploy/demo.sh", "tests/run.sh"):
        assert f"\n{command}\n" in text
        assert (REPOSITORY / command).stat().st_mode & 0o111
