"""A reload: checked as at the start, all of it in force afterwards, or nothing of it."""

import ssl
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

import mpic.runtime.logs
from coordinator.api.http.settings import HttpTlsTable
from coordinator.checks.caa.issuer import Issuer
from coordinator.overload.admission import Admission, Bounds
from coordinator.overload.limiter import Limiter
from coordinator.reload import FREE, RunningParts, read_again
from coordinator.rules.roster import Roster, Rules
from coordinator.settings import CoordinatorSettings
from mpic.channel import TlsPems
from mpic.runtime.config import ConfigError
from mpic.runtime.pki import Subject, create_authority, issue_certificate
from mpic.runtime.reload import find_fixed_changes

SHIPPED = Path(__file__).parents[3] / "deploy/coordinator.toml"
FRANKFURT, ASHBURN = (
    'egress = { latitude = 50.11, longitude = 8.68, country = "DE" }',
    'egress = { latitude = 39.04, longitude = -77.49, country = "US" }',
)


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("change") / "pki"
    authority = create_authority(directory, "mpic.example", now=datetime.now(UTC))
    issue_certificate(authority, Subject("coordinator", "main"), now=datetime.now(UTC))
    issue_certificate(authority, Subject("caller", "pipeline"), now=datetime.now(UTC))
    return directory


@pytest.fixture
def file(pki: Path, tmp_path: Path) -> Path:
    """The shipped file, whose certificates are there."""
    (tmp_path / "pki").symlink_to(pki)
    file = tmp_path / "coordinator.toml"
    file.write_text(SHIPPED.read_text())
    return file


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def test_what_is_fine_is_read(file: Path) -> None:
    edit(file, "/caller/pipeline", "/caller/another")
    assert read_again(file).callers.allowed == ["spiffe://mpic.example/caller/another"]


def test_a_roster_that_breaks_the_policy_is_not_taken_on(file: Path) -> None:
    edit(file, ASHBURN, FRANKFURT)
    with pytest.raises(ConfigError, match="perspective"):
        read_again(file)


def test_certificates_that_cannot_be_used_are_not_taken_on(file: Path) -> None:
    edit(file, "pki/coordinator-main.key", "pki/caller-pipeline.key")
    with pytest.raises(ConfigError, match="key"):
        read_again(file)


def test_a_warning_is_in_the_log(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coordinator.reload.check_roster", lambda *_: ["soon"])
    with capture_logs() as lines:
        read_again(file)
    assert [(line["event"], line["warning"]) for line in lines] == [("reload_warning", "soon")]


@pytest.mark.parametrize(
    ("change", "fixed"),
    [
        ({"coordinator": {"lookup_timeout": 5.0}}, True),
        ({"record": {"allow_unrecorded": True}}, True),
        ({"admin": {"listen": "127.0.0.1:9999"}}, True),
        ({"tracing": {"otlp_endpoint": "http://127.0.0.1:4317"}}, True),
        ({"log": {"format": "text"}}, True),
        ({"log": {"level": "debug"}}, False),
        ({"callers": {"allowed": ["x"]}}, False),
        ({"limits": {"names_in_flight": 200}}, False),
        ({"issuer": {"other": {}}}, False),
        ({"policy": {"remotes_per_attempt": 5}}, False),
        ({"tls": {"certificate": "x"}}, False),
    ],
)
def test_what_is_read_at_the_start_alone_needs_a_restart(
    change: Mapping[str, Mapping[str, object]], fixed: bool
) -> None:
    old: dict[str, Any] = {table: dict.fromkeys(keys) for table, keys in change.items()}
    assert bool(find_fixed_changes(old, dict(change), FREE)) == fixed


class Part:
    """Notes what is called of it."""

    def __init__(self, told: list[tuple[str, tuple[Any, ...]]], name: str) -> None:
        self._told, self._name = told, name

    def __getattr__(self, method: str) -> Callable[..., None]:
        return lambda *given: self._told.append((f"{self._name}.{method}", given))


class Fanout:
    """Takes on any roster, or loses perspectives."""

    def __init__(self, told: list[tuple[str, tuple[Any, ...]]]) -> None:
        self._told = told
        self.roster: Roster | None = None
        self.links: list[object] = []
        self.lost: dict[str, str] = {}

    async def adopt(self, roster: Roster, tls: TlsPems, patience: float) -> Mapping[str, str]:
        if not self.lost:
            self._told.append(("fanout.adopt", (roster, tls, patience)))
            self.roster = roster
            self.links = [LinkOf(one.id) for one in roster.perspectives]
        return self.lost


class LinkOf:
    """As much of a link as is described."""

    def __init__(self, perspective_id: str) -> None:
        self.perspective = self
        self.id = perspective_id


class Running:
    """A coordinator's parts, none of which is real."""

    def __init__(self, file: Path, *more: str) -> None:
        self.told: list[tuple[str, tuple[Any, ...]]] = []
        self.fanout = Fanout(self.told)
        parts: dict[str, Any] = {
            name: Part(self.told, name)
            for name in ("server", "corroborator", "metrics", "program", "explanation_links", *more)
        }
        self.limiter = parts["corroborator"].limiter = Limiter(Admission(Bounds(names=7)), 11.0)
        fanout: Any = self.fanout
        self.change = RunningParts(file=file, service="mpic.test.Service", fanout=fanout, **parts)

    def given(self, call: str) -> tuple[Any, ...]:
        """What the one call got."""
        (given,) = [given for name, given in self.told if name == call]
        return given


@pytest.fixture
def settings(file: Path) -> CoordinatorSettings:
    edit(file, "# lookup_timeout", "connect_patience = 1.5\n# lookup_timeout")
    edit(file, "/caller/pipeline", "/caller/another")
    edit(file, '# level = "info"', 'level = "error"')
    return read_again(file)


@pytest.fixture
def running(file: Path) -> Running:
    return Running(file)


async def test_all_of_it_is_in_force(
    running: Running, settings: CoordinatorSettings, pki: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mpic.runtime.logs, "_threshold", list(mpic.runtime.logs._threshold))
    await running.change.adopt(settings)
    roster, tls, patience = running.given("fanout.adopt")
    assert (roster, patience) == (settings.roster(), 1.5)
    assert tls.certificate == (pki / "coordinator-main.pem").read_bytes()
    callers = frozenset({"spiffe://mpic.example/caller/another"})
    assert running.given("server.adopt") == (tls, {"mpic.test.Service": callers})
    rules = Rules(roster, settings.policy.policy())
    (in_force,) = running.given("corroborator.adopt")
    assert in_force.rules == rules
    links = in_force.record_builder._links
    assert sorted(links) == sorted(one.id for one in roster.perspectives)
    assert in_force.issuers == {"example": Issuer(frozenset({"ca.example.test"}))}
    assert running.limiter.admission.bounds == settings.limits.bounds()
    assert running.given("metrics.cover") == (rules,)
    (ends,) = running.given("program.show_certificates")
    assert set(ends) == {"own", "authority"}
    assert mpic.runtime.logs._threshold[0] == mpic.runtime.logs._LEVELS["error"]


async def test_where_perspectives_would_be_lost_nothing_changes(
    running: Running, settings: CoordinatorSettings
) -> None:
    running.fanout.lost = {"ashburn": "not connected"}
    with pytest.raises(ConfigError, match="ashburn: not connected"):
        await running.change.adopt(settings)
    assert not running.told


async def test_where_certificates_cannot_be_read_nothing_changes(
    running: Running, settings: CoordinatorSettings, tmp_path: Path
) -> None:
    (tmp_path / "pki").unlink()
    with pytest.raises(ConfigError, match=r"coordinator-main\.pem"):
        await running.change.adopt(settings)
    assert not running.told


TOKEN = 'token = [{ caller = "spiffe://mpic.example/caller/another", sha256 = "' + "a" * 64 + '" }]'


class Http(Part):
    """Stands for HTTP/JSON, which has no certificate of its own."""

    def find_ends(self) -> Mapping[str, float]:
        return {}


async def test_http_lets_in_whom_the_new_file_names(
    file: Path, settings: CoordinatorSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mpic.runtime.logs, "_threshold", list(mpic.runtime.logs._threshold))
    edit(file, '# listen = ""', f'listen = "127.0.0.1:8443"\n{TOKEN}')
    running = Running(file, "http")
    http: Any = Http(running.told, "http")
    await replace(running.change, http=http).adopt(read_again(file))
    config, context = running.given("http.adopt")
    another = "spiffe://mpic.example/caller/another"
    assert config.access().allowed == frozenset(settings.callers.allowed) == {another}
    assert config.access().tokens == {b"\xaa" * 32: another}
    assert isinstance(context, ssl.SSLContext)


async def test_a_new_key_signs_links_and_one_that_is_none_changes_nothing(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mpic.runtime.logs, "_threshold", list(mpic.runtime.logs._threshold))
    (tmp_path / "link.key").write_text("A" * 43 + "=")
    links = f'public_url = "https://a"\nlink_key_file = "{tmp_path / "link.key"}"\n'
    edit(file, '# listen = ""', f'listen = "127.0.0.1:8443"\n{links}')
    settings, running = read_again(file), Running(file, "http")
    http: Any = Http(running.told, "http")
    await replace(running.change, http=http).adopt(settings)
    assert running.given("explanation_links.adopt") == (("https://a", bytes(32), 1_209_600),)
    running.told.clear()
    (tmp_path / "link.key").write_text("A")
    with pytest.raises(ConfigError, match=r"http\.link_key_file"):
        await replace(running.change, http=http).adopt(settings)
    assert not running.told


async def test_where_http_cannot_use_its_files_nothing_changes(
    file: Path, settings: CoordinatorSettings, pki: Path
) -> None:
    running = Running(file, "http")
    other = HttpTlsTable(
        certificate=pki / "coordinator-main.pem", private_key=pki / "caller-pipeline.key"
    )
    table = settings.http.model_copy(update={"listen": "127.0.0.1:8443", "tls": other})
    with pytest.raises(ConfigError, match=r"http\.tls"):
        await running.change.adopt(settings.model_copy(update={"http": table}))
    assert not running.told
