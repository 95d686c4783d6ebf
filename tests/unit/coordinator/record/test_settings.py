"""The table [record]: each store with its own keys, and no secret shown."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from coordinator.record.reader import Reader
from coordinator.record.settings import RecordTable, policy_version
from coordinator.record.stores.postgresql.store import PostgresqlStore
from coordinator.record.writer import RecordWriter
from coordinator.rules.policy import Policy
from mpic.runtime.config import ConfigError, ConfigTable, load_config
from tests.world.samples import NOVEMBER

DSN = "host=db.example.net user=mpic_writer password=hush-hush"


class _File(ConfigTable):
    record: RecordTable


def read(directory: Path, *lines: str) -> RecordTable:
    file = directory / "coordinator.toml"
    file.write_text("\n".join(["[record]", *lines]))
    return load_config(file, _File).record


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (['dsn = "host=x"'], 'record.dsn: is for store = "postgresql", and store is "sqlite"'),
        (["database_timeout = 2.0"], 'record.database_timeout: is for store = "postgresql"'),
        (
            ['store = "postgresql"', f'dsn = "{DSN}"', 'path = "x.sqlite3"'],
            'record.path: is for store = "sqlite", and store is "postgresql"',
        ),
        (['store = "postgresql"'], "record: says nowhere how to reach PostgreSQL. Give one of dsn"),
        (
            ['store = "postgresql"', 'dsn = "host=x"', 'dsn_file = "x"'],
            "record: has dsn and dsn_file. Give one of dsn and dsn_file",
        ),
        (
            ['store = "postgresql"', 'dsn = "hush-hush"'],
            'record.dsn: is no connection string. Write it as libpq has it: "host=',
        ),
        (['store = "postgresql"', 'dsn = ""'], "record.dsn: is no connection string"),
    ],
)
def test_keys_that_do_not_go_together_are_refused(
    tmp_path: Path, lines: list[str], problem: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, *lines)
    assert problem in str(caught.value)
    assert "hush" not in str(caught.value)


def test_a_dsn_is_shown_nowhere(tmp_path: Path) -> None:
    table = read(tmp_path, 'store = "postgresql"', f'dsn = "{DSN}"')
    assert isinstance(table.make_store(), PostgresqlStore)
    for text in (repr(table), str(table.model_dump(mode="json")), table.model_dump_json()):
        assert "hush" not in text


@pytest.mark.parametrize(
    ("dsn", "hosts"),
    [
        ("host=a.example,b.example", "a.example, b.example"),
        ("host=a.example sslmode=require", "a.example"),
        ("host=a.example sslmode=verify-full", ""),
        ("postgresql://u@a.example/mpic?sslmode=verify-ca", ""),
        ("host=/run/postgresql", ""),
        ("host=localhost", ""),
        ("dbname=mpic", ""),
    ],
)
def test_a_server_that_anybody_can_pose_as_is_warned_of(
    tmp_path: Path, dsn: str, hosts: str
) -> None:
    warnings = read(tmp_path, 'store = "postgresql"', f'dsn = "{dsn}"').find_warnings()
    assert warnings == [] if not hosts else f"pose as {hosts} and" in warnings[0]
    assert read(tmp_path).find_warnings() == []


def test_without_psycopg_it_is_said_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "coordinator.record.stores.postgresql.connection", None)
    monkeypatch.delattr("coordinator.record.stores.postgresql.connection")
    with pytest.raises(ConfigError, match=r"pip install 'mpic\[postgresql\]'"):
        read(tmp_path, 'store = "postgresql"', f'dsn = "{DSN}"')
    assert read(tmp_path).store == "sqlite"


def shared(table: RecordTable, *, workers: bool) -> bool:
    reader = Reader(table.make_store())
    memory = table.make_repeats(reader, workers, lambda: NOVEMBER)._memory
    assert memory is not None
    return memory.is_shared


def test_a_store_that_others_write_to_is_asked_what_they_were_asked(tmp_path: Path) -> None:
    """Workers share a file, coordinators a database: a request id is one to all of them."""
    alone, database = read(tmp_path), read(tmp_path, 'store = "postgresql"', f'dsn = "{DSN}"')
    assert not shared(alone, workers=False)
    assert shared(alone, workers=True)
    assert shared(database, workers=False)


def test_each_worker_writes_a_chain_of_its_own(tmp_path: Path) -> None:
    table = read(tmp_path, 'chain = "main"')
    recorders = [table.make_recorder(worker, lambda: NOVEMBER) for worker in range(2)]
    chains = [one._writer._chain for one in recorders if isinstance(one, RecordWriter)]
    assert chains == ["main.0", "main.1"]


def test_two_policies_are_told_apart() -> None:
    row = Policy().rows[0]
    policies = (Policy(), Policy([row]), Policy([replace(row, minimum_remotes=6)]))
    assert len({policy_version(policy) for policy in policies}) == 3
    assert policy_version(Policy()) == policy_version(Policy())


def test_a_chain_is_of_a_worker_that_is_configured_or_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists = 'other_chains = ["second", "old.name", "gone.3"]'
    table = read(tmp_path, 'chain = "main"', lists)
    chains = ["main.0", "main.1", "main.2", "main", "main.", "main.00", "main.x", "second.7"]
    chains += [
        "second",
        "second.x",
        "secondary.0",
        "old.name.0",
        "old.0",
        "gone.3",
        "gone.2",
        "gone.3.1",
        "",
    ]
    known = [chain for chain in chains if table.knows_chain(chain, 2)]
    listed = ["second.7", "second", "old.name.0", "gone.3", "gone.3.1"]
    assert known == ["main.0", "main.1", *listed]
    monkeypatch.setattr("socket.gethostname", lambda: "tokyo-1")
    assert read(tmp_path).knows_chain("tokyo-1.0", 1)
    assert not read(tmp_path).knows_chain("tokyo-2.0", 1)


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (["[record.heads]", "every = 0.5"], "record.heads.every"),
        (["[record.heads]", "every = 3601.0"], "record.heads.every"),
        (["[record.heads]", 'path = "x"'], "record.heads.path"),
        (['other_chains = [""]'], "record.other_chains"),
        (['other_chains = ["a b"]'], "record.other_chains"),
    ],
)
def test_heads_and_chains_that_cannot_be_are_refused(
    tmp_path: Path, lines: list[str], problem: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, *lines)
    assert problem in str(caught.value)


def test_heads_are_written_by_default_and_a_file_beside_the_record_is_warned_of(
    tmp_path: Path,
) -> None:
    table = read(tmp_path, 'path = "record.sqlite3"')
    assert (table.heads.file, table.heads.every) == (None, 60.0)
    assert table.find_warnings() == []
    heads = ["[record.heads]", 'file = "heads.jsonl"']
    (warning,) = read(tmp_path, 'path = "record.sqlite3"', *heads).find_warnings()
    assert warning.startswith("record.heads.file: ")
    assert "is beside the record" in warning
    assert read(tmp_path, 'path = "x/record.sqlite3"', *heads).find_warnings() == []
    database = ['store = "postgresql"', 'dsn = "host=localhost"']
    assert read(tmp_path, *database, *heads).find_warnings() == []
