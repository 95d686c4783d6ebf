"""The service that the clauses are tried on: one for the whole directory.

Without more it is a deployment of our own. With an address it is whichever runs there:

    python -m pytest tests/clauses --server HOST:PORT --server-name NAME \\
        --cert FILE --key FILE --ca FILE

Its agents must see the test Internet (`python -m tests.world` runs that alone), and its issuers be
those of `tests.world.issuers`. What only our own world can do to a service is skipped then.
"""

from collections.abc import Iterator

import pytest

from mpic.channel import TlsFiles
from tests.clauses.served import sites
from tests.clauses.service import Service
from tests.clauses.zone import tables_zone
from tests.world.deployment import COORDINATOR, Deployment, Plan
from tests.world.internet import Internet
from tests.world.issuers import ISSUERS

PLAN = Plan(lookup_timeout=10, coordinator_extra=ISSUERS)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Function) -> None:
    """Skip what a service elsewhere cannot show."""
    own = item.get_closest_marker("own_world")
    if own and item.config.getoption("--server"):
        pytest.skip(f"only our own world has {own.args[0]}")
    assert own or "deployment" not in item.fixturenames, "mark it own_world, and say why"


@pytest.fixture(scope="package")
def deployment(
    internet: Internet, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """Whoever changes something in it puts it right again."""
    internet.replace(tables_zone())
    directory = tmp_path_factory.mktemp("clauses")
    with sites(), Deployment(directory, internet, PLAN) as running:
        yield running


@pytest.fixture(scope="package")
def service(request: pytest.FixtureRequest) -> Iterator[Service]:
    option = request.config.getoption
    if option("--server"):
        files = TlsFiles(option("--cert"), option("--key"), option("--ca"))
        with Service(option("--server"), option("--server-name"), files) as running:
            yield running
        return
    deployment: Deployment = request.getfixturevalue("deployment")
    with Service(COORDINATOR, "localhost", deployment.caller_tls()) as running:
        yield running
