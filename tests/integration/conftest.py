"""The stores that every test of a store runs on: one line for each."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from coordinator.record.stores.base import Store
from coordinator.record.stores.postgresql.connection import Address
from coordinator.record.stores.postgresql.store import PostgresqlStore
from coordinator.record.stores.sqlite.store import SqliteStore
from tests.world.postgresql import PostgresqlServer
from tests.world.tampering import PostgresqlTables, SqliteTables, Tables

OpenStore = Callable[[], Store]
"""Opens the same place again, as another process would."""


@pytest.fixture(params=["sqlite", "postgresql"])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenStore]:
    stores: list[Store] = []
    make: dict[str, Callable[[], Store]] = {
        "sqlite": lambda: SqliteStore(tmp_path / "record.sqlite3")
    }
    if request.param == "postgresql":
        server: PostgresqlServer = request.getfixturevalue("postgresql")
        dsn = server.empty_database()
        make["postgresql"] = lambda: PostgresqlStore(Address(lambda: dsn, 5.0))

    def open_one() -> Store:
        stores.append(make[request.param]().open())
        return stores[-1]

    yield open_one
    for store in stores:
        store.close()


@pytest.fixture
def take_in_hand(
    open_store: OpenStore,  # noqa: ARG001 - it makes the place
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> Iterator[Callable[[], Tables]]:
    """Opens the tables of the same place to whoever may do anything with them."""
    taken: list[PostgresqlTables] = []

    def take() -> Tables:
        if "sqlite" in request.node.name:
            return SqliteTables(tmp_path / "record.sqlite3")
        server: PostgresqlServer = request.getfixturevalue("postgresql")
        taken.append(PostgresqlTables(server.dsn("record")))
        return taken[-1]

    yield take
    for one in taken:
        one.close()


@pytest.fixture
def store(open_store: OpenStore) -> Store:
    return open_store()
