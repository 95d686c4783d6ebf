"""Search among many records: fills a store, searches it, prints how long that took, removes it.

    python -m tests.bench.record_search fill    postgresql DIRECTORY --records 10000000
    python -m tests.bench.record_search search  postgresql DIRECTORY --records 10000000

The same for sqlite. PostgreSQL's server runs in DIRECTORY, which its user must be able to reach.
"""

import argparse
import random
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from coordinator.decision.attempt_id import lowest_id
from coordinator.record.index_terms import caller_term, dissent_term, name_term, reason_term
from coordinator.record.stores.base import Search, Store
from coordinator.record.stores.postgresql.connection import Address
from coordinator.record.stores.postgresql.store import PostgresqlStore
from coordinator.record.stores.sqlite.store import SqliteStore
from mpic.v1 import corroboration_pb2 as c
from tests.bench.many_records import LAST, fill_postgresql, fill_sqlite, name_of
from tests.world.postgresql import PostgresqlServer
from tests.world.records import CALLER

_OPTIONS = {
    "shared_buffers": "512MB",
    "max_wal_size": "2GB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}
_TIMES = 50


@contextmanager
def open_server(directory: Path) -> Iterator[PostgresqlServer]:
    server = PostgresqlServer(directory, _OPTIONS)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def open_store(kind: str, directory: Path, records: int) -> Iterator[Store]:
    """Open a filled store; fill it first where there is none."""
    if kind == "sqlite":
        file = directory / "record.sqlite3"
        if not file.exists():
            fill_sqlite(file, records)
        store = SqliteStore(file).open()
        yield store
        store.close()
        return
    is_new = not (directory / "data").exists()
    with open_server(directory) as server:
        dsn = server.empty_database() if is_new else server.dsn("record")
        database = PostgresqlStore(Address(lambda: dsn, 60)).open()
        if is_new:
            fill_postgresql(dsn, records)
        yield database
        database.close()


def measure(what: str, store: Store, searches: Sequence[Search], most: int = 500) -> None:
    """Run searches, up to so many records each; print the first, the median and the slowest."""
    times, found = [], 0
    for search in searches:
        start = time.perf_counter()
        for n, _ in enumerate(store.search(search), 1):
            found += 1
            if n == most:
                break
        times.append((time.perf_counter() - start) * 1000)
    print(
        f"{what:44} first {times[0]:8.1f} ms   median {statistics.median(times):8.1f} ms"
        f"   slowest {max(times):8.1f} ms   records {found / len(searches):.1f}"
    )


def search_all(store: Store, records: int) -> None:
    chance = random.Random(2)  # noqa: S311 - the same every time
    names = [name_term(name_of(chance.randrange(records // 4))) for _ in range(_TIMES)]
    since = lowest_id(LAST)
    refused, caller = reason_term(c.REASON_QUORUM_NOT_MET), caller_term(CALLER)
    measure("by name", store, [Search([name]) for name in names])
    measure("by name and caller", store, [Search([name, caller]) for name in names])
    measure("a name that was never asked", store, [Search([n]) for n in range(_TIMES)])
    measure("refused, the newest 500", store, [Search([refused], newest_first=True)] * 5)
    until = lowest_id(LAST + timedelta(days=1))
    dissent = [Search([dissent_term("ashburn"), refused, caller], since, until)] * 5
    measure("one perspective's dissents of a day, refused", store, dissent)
    measure("everything since a month, the first 500", store, [Search((), since)] * 5)
    measure("by caller, the oldest 500", store, [Search([caller])] * 5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["fill", "search"])
    parser.add_argument("store", choices=["sqlite", "postgresql"])
    parser.add_argument("directory", type=Path)
    parser.add_argument("--records", type=int, default=100_000)
    options = parser.parse_args()
    options.directory.mkdir(exist_ok=True)
    start = time.perf_counter()
    with open_store(options.store, options.directory, options.records) as store:
        if options.what == "fill":
            print(f"filled in {time.perf_counter() - start:.0f} s")
            return
        search_all(store, options.records)
    files = [path for path in options.directory.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files if "pg_wal" not in path.parts)
    print(f"{size / options.records:.0f} bytes a record, {size / 1e9:.2f} GB")


if __name__ == "__main__":
    main()
