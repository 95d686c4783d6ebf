"""The test Internet, once for all; a deployment for each module, as its PLAN says."""

from collections.abc import Iterator

import pytest

from tests.world import network
from tests.world.deployment import Deployment, Plan
from tests.world.internet import Internet


@pytest.fixture(scope="session")
def internet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Internet]:
    with Internet(tmp_path_factory.mktemp("internet") / "servers") as running:
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
