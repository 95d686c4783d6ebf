"""The test Internet, once for all; a deployment for each module, as its PLAN says.

The options are those of `tests/clauses/conftest.py`.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.world import network
from tests.world.deployment import Deployment, Plan
from tests.world.internet import Internet
from tests.world.postgresql import PostgresqlServer

# How fast a machine is decides nothing here, and a change is tried with the same values as the one
# before it: tests/fuzz/run.sh looks further.
settings.register_profile(
    "steady",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("steady")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("mpic", "the coordinator that tests/clauses ask")
    group.addoption("--server", metavar="HOST:PORT", help="without it, one is started")
    group.addoption("--server-name", default="localhost", help="the DNS name in its certificate")
    for name in ("--cert", "--key", "--ca"):
        group.addoption(name, type=Path, metavar="FILE", help="PEM, of a caller on its list")


def pytest_configure(config: pytest.Config) -> None:
    """Give every process of `pytest -n` a network of its own: their servers' addresses are one."""
    if hasattr(config, "workerinput"):
        network.enter_own()


@pytest.fixture(scope="session")
def internet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Internet]:
    with Internet(tmp_path_factory.mktemp("internet") / "servers") as running:
        yield running


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresqlServer]:
    """One server for all; each test begins with a database that is empty."""
    # Not in pytest's directory, which is closed to the server's user.
    with (
        tempfile.TemporaryDirectory(prefix="mpic-postgresql-") as directory,
        PostgresqlServer(Path(directory)) as running,
    ):
        yield running


@pytest.fixture(scope="module")
def deployment(
    internet: Internet, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    plan = getattr(request.module, "PLAN", Plan())
    with Deployment(tmp_path_factory.mktemp("deployment"), internet, plan) as running:
        yield running


@pytest.fixture(autouse=True)
def _honest_network(request: pytest.FixtureRequest) -> Iterator[None]:
    """Leave no hijack behind."""
    yield
    if "internet" in request.fixturenames:
        network.restore_all()
        network.heal()
