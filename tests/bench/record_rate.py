"""What writing costs on each store, in one run: records a second by batch, octets a record.

    python -m tests.bench.record_rate [--seconds 3] [--without-claims]

Both stores fsync every commit. CPU is this process's; PostgreSQL's server is another.
"""

import argparse
import tempfile
import time
from pathlib import Path
from random import getrandbits as randbits

from coordinator.record.chain import seal_batch
from coordinator.record.stores.base import Claim, Entry, Store
from coordinator.record.stores.postgresql.connection import Address
from coordinator.record.stores.postgresql.store import PostgresqlStore
from coordinator.record.stores.sqlite.store import SqliteStore
from tests.world.postgresql import PostgresqlServer
from tests.world.records import samples, to_entry

_OPTIONS = {"shared_buffers": "128MB"}
_SIZES = (1, 10, 100, 1000)
CLAIMS = True


def claiming(entry: Entry) -> Entry:
    """Return an entry as the verdict on a request that nobody has asked before."""
    claim = Claim(randbits(63), bytes(16)) if CLAIMS else None
    return Entry(entry.record, entry.content, entry.terms, claim)


def write(store: Store, entries: list[Entry], size: int, seconds: float) -> tuple[int, float]:
    """Append batches of a size for some seconds; return how many records, and CPU seconds."""
    chain = f"size-{size}"
    head = store.head(chain)
    end, cpu, count = time.perf_counter() + seconds, time.process_time(), 0
    while time.perf_counter() < end:
        some = [claiming(entries[(count + n) % len(entries)]) for n in range(size)]
        contents = [one.content for one in some]
        batch = seal_batch(head, contents, int(time.time() * 1_000_000))
        store.append(batch, some)
        head = batch.head
        count += size
    return count, time.process_time() - cpu


def measure(what: str, store: Store, entries: list[Entry], seconds: float) -> int:
    """Print the rates; return how many records were written."""
    total = 0
    for size in _SIZES:
        count, cpu = write(store, entries, size, seconds)
        total += count
        rate, each = count / seconds, cpu / count * 1_000_000
        print(f"{what:11} {size:5} to a commit: {rate:8.0f} records/s  {each:6.1f} us CPU a record")
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--without-claims", action="store_true", help="no request has one verdict")
    options = parser.parse_args()
    seconds: float = options.seconds
    global CLAIMS  # noqa: PLW0603 - a bench
    CLAIMS = not options.without_claims
    entries = [to_entry(record) for record in samples(5000)]
    content = sum(len(one.content) for one in entries) / len(entries)
    print(f"an entry has {content:.0f} octets and {len(entries[0].terms)} terms")
    with tempfile.TemporaryDirectory(prefix="mpic-rate-") as directory:
        file = Path(directory) / "record.sqlite3"
        sqlite = SqliteStore(file).open()
        count = measure("sqlite", sqlite, entries, seconds)
        sqlite.close()
        print(f"{'sqlite':11} {file.stat().st_size / count:.0f} octets a record")
    with (
        tempfile.TemporaryDirectory(prefix="mpic-rate-") as directory,
        PostgresqlServer(Path(directory), _OPTIONS) as server,
    ):
        dsn = server.empty_database()
        postgresql = PostgresqlStore(Address(lambda: dsn, 30.0)).open()
        count = measure("postgresql", postgresql, entries, seconds)
        postgresql.close()
        (size,) = server.run("SELECT pg_database_size('record')")[0]
        assert isinstance(size, int)
        print(f"{'postgresql':11} {(size - 8_000_000) / count:.0f} octets a record")


if __name__ == "__main__":
    main()
