"""The stores that every test of a store runs on: one line for each."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from coordinator.record.sqlite import SqliteStore
from coordinator.record.store import Store

OpenStore = Callable[[], Store]
"""Opens the same place again, as another process would."""


@pytest.fixture(params=["sqlite"])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenStore]:
    stores: list[Store] = []
    make: dict[str, Callable[[], Store]] = {
        "sqlite": lambda: SqliteStore(tmp_path / "record.sqlite3"),
    }

    def open_one() -> Store:
        stores.append(make[request.param]().open())
        return stores[-1]

    yield open_one
    for store in stores:
        store.close()


@pytest.fixture
def store(open_store: OpenStore) -> Store:
    return open_store()
