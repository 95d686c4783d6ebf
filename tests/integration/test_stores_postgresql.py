"""What is PostgreSQL's own: roles, migrations, partitions, tampering, and every way it can fail."""

import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner, Result

from coordinator.commands.record.cli import app
from coordinator.decision.attempt_id import lowest_id, make_id
from coordinator.record.chain import ChainFlaw, seal_batch
from coordinator.record.prune import remove_months
from coordinator.record.stores.base import (
    ChainMovedError,
    Claim,
    ClaimedError,
    Search,
    Store,
    StoreError,
)
from coordinator.record.stores.postgresql import schema, statements
from coordinator.record.stores.postgresql.connection import Address
from coordinator.record.stores.postgresql.schema import VERSION
from coordinator.record.stores.postgresql.store import PostgresqlStore
from coordinator.record.verify import verify_store
from tests.unit.coordinator.record.test_settings import read as read_table
from tests.world.postgresql import PostgresqlServer
from tests.world.records import START, fill, may_go, sample_record, samples, to_entry

SHIPPED = Path(__file__).parents[2] / "deploy/coordinator.toml"

Connect = Callable[..., PostgresqlStore]


@pytest.fixture
def connect(postgresql: PostgresqlServer) -> Iterator[Connect]:
    """Opens an empty database, and again what it is then."""
    dsn = postgresql.empty_database()
    stores: list[PostgresqlStore] = []

    def one(more: str = "", timeout: float = 30.0) -> PostgresqlStore:
        stores.append(PostgresqlStore(Address(lambda: f"{dsn} {more}", timeout)))
        return stores[-1].open()

    yield one
    for store in stores:
        store.close()


@contextmanager
def setting(server: PostgresqlServer, name: str, value: str) -> Iterator[None]:
    """Let the server run with another setting."""
    reload = "SELECT pg_reload_conf()"
    server.run(f"ALTER SYSTEM SET {name} = {value}", reload)
    try:
        yield
    finally:
        server.run(f"ALTER SYSTEM RESET {name}", reload)


def wait_for_setting(server: PostgresqlServer, name: str, value: str) -> None:
    while server.run(f"SHOW {name}") != [(value,)]:
        time.sleep(0.01)


def put_one(store: Store, number: int = 0) -> None:
    fill(store, [sample_record(number)])


@pytest.fixture
def roles(postgresql: PostgresqlServer) -> PostgresqlServer:
    """The database `mpic` with its roles, as an operator makes it; no tables yet."""
    postgresql.create_roles()
    postgresql.run("DROP SCHEMA IF EXISTS mpic CASCADE", database="mpic")
    return postgresql


def open_as(server: PostgresqlServer, role: str) -> PostgresqlStore:
    return PostgresqlStore(Address(lambda: server.dsn("mpic", role), 5.0)).open()


def test_the_writer_can_insert_and_read_and_change_nothing(roles: PostgresqlServer) -> None:
    open_as(roles, "mpic_owner").close()
    store = open_as(roles, "mpic_writer")
    record = sample_record(0, asked_at=datetime(2031, 5, 1, tzinfo=UTC))  # a month to be opened
    fill(store, [record])
    assert store.read(record.id) is not None
    with psycopg.connect(roles.dsn("mpic", "mpic_writer"), autocommit=True) as db:
        tables = ("batch", "entry", "entry_2031_05", "term", "removed", "version", "verdict")
        for statement in (
            *(f"{verb} mpic.{table}" for verb in ("DELETE FROM", "TRUNCATE") for table in tables),
            "UPDATE mpic.entry SET content = ''",
            "UPDATE mpic.batch SET hash = ''",
            "UPDATE mpic.verdict SET term = 0",
            "DROP TABLE mpic.entry_2031_05",
            "CREATE TABLE mpic.own (a int)",
            "ALTER TABLE mpic.entry DETACH PARTITION mpic.entry_2031_05",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                db.execute(statement.encode())
    with pytest.raises(StoreError, match="role that owns the tables"):
        remove_months(store, store.months(), datetime(2033, 9, 1, tzinfo=UTC))
    assert list(verify_store(store)) == []
    reader = open_as(roles, "mpic_reader")
    assert reader.read(record.id) is not None
    with pytest.raises(StoreError, match="permission denied"):
        put_one(reader)
    owner = open_as(roles, "mpic_owner")
    remove_months(owner, owner.months(), datetime(2033, 9, 1, tzinfo=UTC))
    assert reader.read(record.id) is None
    put_one(store)
    for one in (store, reader, owner):
        one.close()


def test_a_writer_that_may_not_migrate_says_who_is_to(roles: PostgresqlServer) -> None:
    with pytest.raises(StoreError, match=r"not there.*mpic record migrate"):
        open_as(roles, "mpic_writer")
    open_as(roles, "mpic_owner").close()
    open_as(roles, "mpic_writer").close()


def test_tables_of_the_first_version_are_the_owners_to_bring_up_to_date(
    roles: PostgresqlServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:1])
        patch.setattr(schema, "VERSION", 1)
        grants = schema._GRANTS.replace(", mpic.verdict", "").replace(", mpic.forget_verdicts", "")
        patch.setattr(schema, "_GRANTS", grants)
        insert = re.sub(r"\), claimed AS \(.*?\n\)", ")", statements.INSERT, flags=re.DOTALL)
        patch.setattr(statements, "INSERT", insert)
        store = open_as(roles, "mpic_owner")
        old = fill(store, samples(3))
        store.close()
    with pytest.raises(StoreError, match="mpic record migrate"):
        open_as(roles, "mpic_writer")
    open_as(roles, "mpic_owner").close()
    store = open_as(roles, "mpic_writer")
    assert store.head("main.0") == old[-1].head
    claims = [Claim(1, lowest_id(START + timedelta(days=n))) for n in range(2)]
    for number, claim in enumerate(claims):
        record = sample_record(asked_at=START + timedelta(days=number))
        entry = replace(to_entry(record), claim=claim)
        store.append(seal_batch(store.head("main.0"), [entry.content], 5), [entry])
    entry = replace(entry, record=make_id(START))
    with pytest.raises(ClaimedError):
        store.append(seal_batch(store.head("main.0"), [entry.content], 5), [entry])
    store.close()


def test_roles_that_came_after_the_tables_get_their_rights(roles: PostgresqlServer) -> None:
    open_as(roles, "mpic_owner").close()
    roles.run("REVOKE ALL ON mpic.version FROM mpic_writer", database="mpic")
    with pytest.raises(StoreError, match="permission denied"):
        open_as(roles, "mpic_writer")
    open_as(roles, "mpic_owner").close()
    open_as(roles, "mpic_writer").close()


def test_the_commands_work_on_a_database(roles: PostgresqlServer, tmp_path: Path) -> None:
    def run(role: str, *words: str) -> Result:
        file = tmp_path / "coordinator.toml"
        dsn = f'store = "postgresql"\ndsn = "{roles.dsn("mpic", role)}"\nother_chains = ["main"]'
        file.write_text(SHIPPED.read_text().replace("[record]", f"[record]\n{dsn}"))
        return CliRunner().invoke(app, [*words, "--config", str(file)])

    refused = run("mpic_writer", "migrate")
    assert refused.exit_code == 9
    assert "mpic record migrate" in refused.stderr
    assert run("mpic_owner", "migrate").exit_code == 0
    store = open_as(roles, "mpic_writer")
    (record,) = samples(1)
    fill(store, [record])
    store.close()
    searched = run("mpic_reader", "search", "--name", record.names[0].asked, "--json")
    assert '"request-0"' in searched.stdout
    assert run("mpic_reader", "verify").exit_code == 0


def test_all_that_start_at_once_find_the_tables_made(connect: Connect) -> None:
    with ThreadPoolExecutor() as pool:
        stores = list(pool.map(lambda _: connect(), range(6)))
    put_one(stores[0])
    assert stores[5].head("main.0").sequence == 1


def test_tables_of_a_later_program_are_left_alone(
    connect: Connect, postgresql: PostgresqlServer
) -> None:
    connect()
    later = f"INSERT INTO mpic.version VALUES ({VERSION + 1})"  # noqa: S608 - a number
    postgresql.run(later, database="record")
    with pytest.raises(StoreError, match=f"version {VERSION + 1}, later than"):
        connect()


def test_tables_that_have_gone_are_not_begun_anew(
    connect: Connect, postgresql: PostgresqlServer
) -> None:
    store = connect()
    put_one(store)
    postgresql.run("DROP SCHEMA mpic CASCADE", database="record")
    for _ in range(2):
        with pytest.raises(StoreError, match="Restore the tables"):
            put_one(store)
    store.close()
    with pytest.raises(StoreError, match="not there"):
        put_one(store)


def test_a_month_that_goes_whole_is_dropped(connect: Connect, postgresql: PostgresqlServer) -> None:
    store = connect()
    for month in (8, 9):
        asked_at = datetime(2026, month, 1, tzinfo=UTC)  # still August in Tokyo's July
        for chain in ("main.0", "main.1"):
            fill(store, [sample_record(0, asked_at=asked_at)], chain)
    parts = "SELECT relname::text FROM pg_class WHERE relname ~ '^entry_[0-9_]+$' AND relkind = 'r'"
    august, other, *_ = store.months()
    later = datetime(2028, 12, 1, tzinfo=UTC)
    remove_months(store, may_go([august], later), later)
    assert ("entry_2026_08",) in postgresql.run(parts, database="record")
    assert len(list(store.search(Search(until=b"\x7f" * 16)))) == 4
    remove_months(store, may_go([other], later), later)
    assert ("entry_2026_08",) not in postgresql.run(parts, database="record")
    assert ("entry_2026_09",) in postgresql.run(parts, database="record")
    assert list(verify_store(store)) == []


@pytest.mark.parametrize(
    ("statement", "place", "what"),
    [
        ("UPDATE entry SET content = content || 'x' WHERE {2.1}", (2, 1), "was changed"),
        ("DELETE FROM entry WHERE {2.1}", (2, 1), "was removed"),
        ("INSERT INTO entry SELECT * FROM entry WHERE {2.1}", (2, 2), "was inserted"),
        ("UPDATE entry SET position = 9 WHERE {2.1}", (2, 1), "reordered"),
        ("DELETE FROM batch WHERE sequence = 2", (2, None), "batch 2 was removed"),
        ("DELETE FROM batch WHERE sequence = 4", (0, None), "belongs to no batch"),
        ("UPDATE batch SET written_at = written_at + 1 WHERE sequence = 2", (2, None), "changed"),
        ("UPDATE batch SET chain = 'main.2' WHERE chain = 'main.1'", (1, None), "was changed"),
        ("UPDATE batch SET month = '2026-12-01' WHERE sequence = 2", (0, None), "to no batch"),
        ("INSERT INTO entry VALUES (99, '{0}', '2026-11-01', 1, '')", (0, None), "to no batch"),
    ],
)
def test_tampering_is_named(
    connect: Connect,
    postgresql: PostgresqlServer,
    statement: str,
    place: tuple[int, int | None],
    what: str,
) -> None:
    flaws = tampered(connect(), postgresql, statement)
    assert (flaws[0].sequence, flaws[0].position) == place
    assert what in flaws[0].what


def tampered(store: Store, server: PostgresqlServer, statement: str) -> list[ChainFlaw]:
    """Fill a store, change it by SQL, and return what is found."""
    fill(store, samples(12), batch=3)
    fill(store, samples(3), chain="main.1")
    assert list(verify_store(store)) == []
    second = "batch = (SELECT number FROM batch WHERE sequence = 2) AND position = 2"
    text = statement.replace("{2.1}", second).replace("{0}", "0" * 32)
    server.run("SET search_path = mpic", text, database="record")
    return list(verify_store(store))


def test_a_batch_that_is_there_already_is_no_conflict(connect: Connect) -> None:
    """It was written by an attempt whose connection was lost before the server could say so."""
    store = connect()
    head = store.head("main.0")
    entry, other = to_entry(sample_record(0)), to_entry(sample_record(1))
    for _ in range(2):
        store.append(seal_batch(head, [entry.content], 5), [entry])
    assert len(list(store.search(Search()))) == 1
    with pytest.raises(ChainMovedError):
        store.append(seal_batch(head, [other.content], 5), [other])


def test_a_server_that_is_gone_is_an_error_until_it_is_back(
    connect: Connect, postgresql: PostgresqlServer
) -> None:
    store, idle = connect(), connect()
    put_one(store)
    postgresql.stop(signal.SIGQUIT)  # as a crash
    for _ in range(2):
        with pytest.raises(StoreError, match="See whether the server runs"):
            put_one(store)
    postgresql.start()
    put_one(store, 1)
    # A connection that was not used meanwhile costs no answer.
    put_one(idle, 2)
    assert store.head("main.0").sequence == 3
    assert list(verify_store(store)) == []


def test_a_server_that_hangs_is_an_error_after_a_bounded_time(
    connect: Connect, postgresql: PostgresqlServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coordinator.record.stores.postgresql.connection._GRACE", 0.2)
    store = connect("connect_timeout=2", timeout=2.0)
    put_one(store)
    postgresql.pause()
    try:
        # The first finds its connection silent, the second gets none.
        for _ in range(2):
            with pytest.raises(StoreError, match="writing goes on by itself"):
                put_one(store)
    finally:
        postgresql.resume()
    put_one(store, 1)
    assert list(verify_store(store)) == []


def test_after_a_failover_the_host_that_can_be_written_to_is_sought(
    connect: Connect, postgresql: PostgresqlServer
) -> None:
    store = connect(f"host=/nowhere,{postgresql.directory}")
    put_one(store)
    with setting(postgresql, "default_transaction_read_only", "on"):  # as a standby is
        wait_for_setting(postgresql, "default_transaction_read_only", "on")
        with pytest.raises(StoreError, match="session is read-only"):
            fill(store, samples(1000), batch=1)
    wait_for_setting(postgresql, "default_transaction_read_only", "off")
    put_one(store)
    assert list(verify_store(store)) == []


def test_a_table_that_is_locked_is_an_error_after_a_bounded_time(
    connect: Connect, postgresql: PostgresqlServer
) -> None:
    store = connect(timeout=2.0)
    put_one(store)
    with psycopg.connect(postgresql.dsn("record")) as db:
        db.execute("LOCK TABLE mpic.term")
        with pytest.raises(StoreError, match="pg_stat_activity"):
            put_one(store, 1)
    put_one(store, 1)
    assert store.head("main.0").sequence == 2


def test_a_commit_that_no_standby_has_is_not_called_durable(
    connect: Connect, postgresql: PostgresqlServer
) -> None:
    store = connect("application_name=waiting")
    put_one(store)
    cancel = (
        "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'waiting'"
    )
    waits = f"{cancel} AND wait_event = 'SyncRep'".replace("pg_cancel_backend(pid)", "pid")
    with setting(postgresql, "synchronous_standby_names", "'nobody'"), ThreadPoolExecutor() as pool:
        written = pool.submit(fill, store, samples(1000), batch=1)
        while not postgresql.run(waits):
            time.sleep(0.01)
            assert not written.done()
        postgresql.run(cancel)
        with pytest.raises(StoreError, match="canceling wait for synchronous replication"):
            written.result()


def test_a_server_without_fsync_is_refused(connect: Connect, postgresql: PostgresqlServer) -> None:
    with setting(postgresql, "fsync", "off"):
        wait_for_setting(postgresql, "fsync", "off")
        with pytest.raises(StoreError, match="Set fsync = on"):
            connect()
    wait_for_setting(postgresql, "fsync", "on")


def test_every_commit_is_on_disk(connect: Connect, postgresql: PostgresqlServer) -> None:
    with setting(postgresql, "synchronous_commit", "off"):
        wait_for_setting(postgresql, "synchronous_commit", "off")
        db = connect()._connection
        assert db is not None
        assert db.execute("SHOW synchronous_commit").fetchone() == ("on",)


def test_a_full_disk_is_an_error_until_there_is_space(
    connect: Connect, postgresql: PostgresqlServer
) -> None:
    with small_disk() as disk:
        postgresql.run(
            f"CREATE TABLESPACE small LOCATION '{disk}/space'",
            "ALTER DATABASE record SET default_tablespace = small",
        )
        try:
            store = connect()
            put_one(store)
            (disk / "ballast").write_bytes(bytes(1_000_000))
            with pytest.raises(StoreError, match="Free space on the database server's disk"):
                fill(store, samples(10_000), batch=100)
            (disk / "ballast").unlink()
            put_one(store, 1)
            assert list(verify_store(store)) == []
            store.close()
        finally:
            postgresql.run(
                "ALTER DATABASE record RESET default_tablespace",
                "DROP SCHEMA mpic CASCADE",
                "DROP TABLESPACE small",
                database="record",
            )


@contextmanager
def small_disk() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="mpic-disk-") as directory:
        command = ("mount", "-t", "tmpfs", "-o", "size=4m,mode=777", "tmpfs", directory)
        subprocess.run(command, check=True)
        try:
            (Path(directory) / "space").mkdir()
            subprocess.run(["chown", "postgres", f"{directory}/space"], check=True)
            yield Path(directory)
        finally:
            subprocess.run(["umount", "--lazy", directory], check=True)


@pytest.mark.parametrize(
    ("dsn", "mend"),
    [
        ("{dsn} dbname=nowhere", "lets this user in"),
        ("{dsn} user=nobody", "lets this user in"),
        ("host=/nowhere dbname=record password=hush-hush", "See whether the server runs"),
        ("host=nowhere password='hush-hush", "host=db.example.net"),
        ("postgresql://u:hush-hush@[::1/", "host=db.example.net"),
    ],
)
def test_what_cannot_be_reached_is_named_without_secrets(
    postgresql: PostgresqlServer, dsn: str, mend: str
) -> None:
    text = dsn.format(dsn=f"{postgresql.dsn('postgres')} password=hush-hush")
    with pytest.raises(StoreError, match=mend) as caught:
        PostgresqlStore(Address(lambda: text, 5.0)).open()
    assert "hush" not in f"{caught.value}{caught.value.__cause__}"


def test_a_dsn_is_read_anew_for_every_connection(postgresql: PostgresqlServer) -> None:
    """So a password is changed without a restart."""
    told = [f"{postgresql.empty_database()} user=gone"]
    store = PostgresqlStore(Address(lambda: told[-1], 5.0))
    with pytest.raises(StoreError):
        store.open()
    told.append(postgresql.dsn("record"))
    put_one(store.open())
    store.close()


def test_a_dsn_may_be_in_a_file(tmp_path: Path) -> None:
    table = read_table(tmp_path, 'store = "postgresql"', 'dsn_file = "record.dsn"')
    file = tmp_path / "record.dsn"
    with pytest.raises(StoreError, match=r"record\.dsn: there is no such file"):
        table.make_store().open()
    file.write_text("host=/nowhere dbname=x\n")
    with pytest.raises(StoreError, match="PostgreSQL at /nowhere, database x"):
        table.make_store().open()
