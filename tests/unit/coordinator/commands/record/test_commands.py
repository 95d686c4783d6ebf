"""`mpic record ...` over a real store: what auditors find, and what strangers wrote into it."""

import csv
import io
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from typer.testing import CliRunner, Result

from coordinator.commands.record import maintain as upkeep
from coordinator.commands.record.cli import app
from coordinator.commands.record.export import COLUMNS, to_json, to_rows
from coordinator.commands.record.query import RecordCriteria
from coordinator.commands.record.read import _select
from coordinator.commands.record.terminal import print_list, print_record
from coordinator.decision.attempt_id import read_id, show_id
from coordinator.record.chain import seal_batch
from coordinator.record.entries import RecordEntries, read_entries
from coordinator.record.heads import encode_head, read_heads
from coordinator.record.index_terms import find_terms
from coordinator.record.prune import remove_months
from coordinator.record.stores.base import Entry
from coordinator.record.stores.sqlite.store import SqliteStore
from coordinator.record.timestamps import to_us
from mpic.runtime.problem import Flaw
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.v1 import record_pb2 as r
from tests.world.older import OlderName, OlderReply, older_record
from tests.world.places import PLACES
from tests.world.records import CALLER, START, fill, may_go, sample_record, to_entry
from tests.world.samples import caa, failed_addresses

SHIPPED = Path(__file__).parents[5] / "deploy" / "coordinator.toml"
WILD = sample_record(7, name="*.example.org")
WILD.names[0].looked_up = "example.org"
RECORDS = [
    *(sample_record(number) for number in range(3)),
    sample_record(3, name="www.example.org"),
    sample_record(4, reason=c.REASON_QUORUM_NOT_MET, dissenting=("ashburn", "singapore")),
    sample_record(5, dissenting=("singapore",)),
    WILD,
]

Run = Callable[..., Result]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    text = SHIPPED.read_text()
    assert '# path = "/var/lib/mpic/record.sqlite3"' in text
    text = text.replace('# path = "/var/lib/mpic/record.sqlite3"', 'path = "record.sqlite3"')
    text = text.replace('# chain = ""', 'chain = "main"')
    file = tmp_path / "coordinator.toml"
    file.write_text(text.replace("spiffe://mpic.example/caller/pipeline", CALLER))
    return file


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "record.sqlite3").open()
    fill(opened, RECORDS)
    yield opened
    opened.close()


@pytest.fixture
def run(config: Path, store: SqliteStore) -> Run:  # noqa: ARG001 - it is there
    def call(command: str, *arguments: str) -> Result:
        words = [command, *arguments, "--config", str(config)]
        return CliRunner().invoke(app, words)

    return call


def found(result: Result) -> list[str]:
    return [json.loads(line)["verdict"]["request_id"] for line in result.stdout.splitlines()]


@pytest.mark.parametrize(
    ("criteria", "requests"),
    [
        ((), [7, 5, 4, 3, 2, 1, 0]),
        (("--name", "WWW.Example.ORG"), [3]),
        (("--name", "example.org"), [7]),
        (("--name", "*.example.org"), [7]),
        (("--name", "*.www.example.org"), []),
        (("--reason", "quorum_not_met"), [4]),
        (("--reason", "CORROBORATED", "--name", "www.example.org"), [3]),
        (("--perspective", "singapore"), [5, 4]),
        (("--perspective", "singapore", "--reason", "QUORUM_NOT_MET"), [4]),
        (("--perspective", "tokyo"), []),
        (("--caller", CALLER, "--perspective", "ashburn"), [4]),
        (("--caller", "spiffe://mpic.example/caller/other"), []),
        (("--since", "2026-11-23T12:00:04"), [7, 5, 4]),
        (("--until", "2026-11-23T12:00:02"), [1, 0]),
        (("--since", "2026-11-23T12:00:01", "--until", "2026-11-23T12:00:03"), [2, 1]),
        (("--until", "2026-11-23"), []),
        (("--limit", "2"), [7, 5]),
    ],
)
def test_search(run: Run, criteria: tuple[str, ...], requests: list[int]) -> None:
    result = run("search", "--json", *criteria)
    assert found(result) == [f"request-{number}" for number in requests]
    assert result.exit_code == (0 if requests else 1)


def test_export_has_the_same_oldest_first(run: Run) -> None:
    assert found(run("export")) == [f"request-{number}" for number in (0, 1, 2, 3, 4, 5, 7)]
    assert found(run("export", "--perspective", "singapore")) == ["request-4", "request-5"]
    rows = list(csv.DictReader(io.StringIO(run("export", "--format", "csv").stdout)))
    assert [row["name"] for row in rows][-1] == "'*.example.org"[1:]
    assert rows[4]["dissenting"] == "ashburn singapore"
    assert rows[4]["reason"] == "REASON_QUORUM_NOT_MET"
    assert rows[4]["error"] == "338"


@pytest.mark.parametrize(
    ("criteria", "says"),
    [
        (("--reason", "QUORUM_NOT_MEET"), "Did you mean QUORUM_NOT_MET?"),
        (("--name", "a b"), "--name"),
        (("--since", "yesterday"), "--since"),
    ],
)
def test_what_cannot_be_meant_is_wrong_usage(
    run: Run, criteria: tuple[str, ...], says: str
) -> None:
    result = run("search", *criteria)
    assert result.exit_code == 2
    assert says in " ".join(result.stderr.replace("│", " ").split())


def test_show_by_record_and_by_request(run: Run) -> None:
    record = RECORDS[4]
    for identifier in (show_id(record.id), record.request_id):
        shown = run("show", identifier)
        assert shown.exit_code == 0
        for fact in ("error 338", "5/5", "ashburn", CALLER, show_id(record.id), "203.0.113.100"):
            assert fact in shown.stdout
    assert found(run("show", record.request_id, "--json")) == [record.request_id]
    assert run("show", "request-99").exit_code == 1
    assert run("show", record.request_id, "--caller", "spiffe://x/y").exit_code == 1


def append(store: SqliteStore, entry: r.RecordEntry, record: bytes) -> None:
    content = entry.SerializeToString()
    batch = seal_batch(store.head("main.0"), [content], 1)
    store.append(batch, [Entry(record, content, find_terms(entry))])


def test_show_says_what_was_asked_about_which_names(run: Run, store: SqliteStore) -> None:
    record = sample_record(20)
    other = record.names.add()
    other.CopyFrom(record.names[0])
    other.asked = other.looked_up = "www.example.org"
    other.checks[0].caa.validation_method = "dns-01"
    fill(store, [record])
    shown = [
        line for line in run("show", show_id(record.id)).stdout.splitlines() if "asked " in line
    ]
    asked = [" ".join(line.split()) for line in shown if "about" in line]
    assert len(asked) == 3
    assert asked[0].startswith('asked caa {"issuer_domains": ["ca.example.test"]}')
    assert asked[0].endswith(f"about {record.names[0].asked}")
    assert asked[1] == ('asked addresses {"agreement": "ADDRESS_AGREEMENT_EXACT"} about all names')
    assert '"validation_method": "dns-01"' in asked[2]
    assert asked[2].endswith("about www.example.org")


def test_what_was_recorded_before_names_had_their_checks_is_read_like_the_rest(
    run: Run, store: SqliteStore
) -> None:
    """It verifies as it was written, and is shown, searched, exported and judged as it is meant."""
    failed = OlderReply(4, (caa(), failed_addresses()))
    content = older_record(OlderName(7, {0: failed}, quorum="0/5"), number=20)
    entry = r.RecordEntry.FromString(content)
    record = entry.question.id
    batch = seal_batch(store.head("main.0"), [content], entry.question.asked_at_us)
    store.append(batch, [Entry(record, content, find_terms(entry))])
    assert run("verify").exit_code == 0
    assert found(run("search", "--json", "--reason", "primary_failed")) == ["older-20"]
    assert found(run("show", show_id(record), "--json")) == ["older-20"]
    shown = run("show", show_id(record)).stdout
    assert "PRIMARY_FAILED" in shown
    assert 'asked caa {"issuer_domains": ["ca.example.test"]} about all names' in (
        " ".join(shown.split())
    )
    since = ("--since", "2026-11-23T12:00:20")
    (row,) = csv.DictReader(io.StringIO(run("export", "--format", "csv", *since).stdout))
    assert (row["reason"], row["check"]) == ("REASON_PRIMARY_FAILED", "addresses")
    assert (
        run("replay", *since).stdout == "1 questions judged again: 0 verdicts change, 0 reversed\n"
    )


def test_show_says_what_came_late_and_what_was_issued(run: Run, store: SqliteStore) -> None:
    record = RECORDS[0]
    late = r.RecordEntry()
    late.late.record_id = record.id
    came = late.late.replies.add(name=0, perspective_id="singapore")
    came.reply.elapsed_us = 912_000
    never = late.late.replies.add(name=0, perspective_id="ashburn")
    never.reply.dissent, never.reply.detail = c.DISSENT_LATE, "no answer within 11 s"
    append(store, late, record.id)
    issued = r.RecordEntry()
    issued.issuance.record_id = record.id
    issued.issuance.issuance.serial_number = b"\x04\x17"
    issued.issuance.issuance.not_after.FromDatetime(datetime(2027, 2, 1, tzinfo=UTC))
    append(store, issued, record.id)
    shown = " ".join(run("show", record.request_id).stdout.split())
    assert "late: singapore about child.parent.example.co.jp: answered after 912.0 ms" in shown
    assert "never answered, LATE no answer within 11 s" in shown
    assert "issued: serial 0417" in shown
    assert "expires 2027-02-01" in shown
    exported = json.loads(run("show", record.request_id, "--json").stdout)
    assert len(exported["late"]) == 2
    assert exported["issuances"][0]["serial_number"] == "BBc="


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, ""),
        ({"dry_run": True}, "issued on a dry run, which permits nothing"),
        ({"superseded_by": bytes(16)}, "issued on a verdict that was told to nobody"),
    ],
)
def test_show_says_what_a_certificate_rests_on(
    run: Run, store: SqliteStore, change: dict[str, object], said: str
) -> None:
    record = sample_record(20)
    record.MergeFrom(r.Record(**change))
    fill(store, [record])
    add_issuance(store, record, START)
    (line,) = [
        one for one in run("show", show_id(record.id)).stdout.splitlines() if "serial 04" in one
    ]
    assert line.endswith(f"Z: {said}" if said else "Z")


def test_show_says_that_a_certificate_came_late(run: Run, store: SqliteStore) -> None:
    record = sample_record(20)
    record.names[0].usable_until_us[:] = [to_us(START), 0]
    fill(store, [record])
    add_issuance(store, record, START)
    assert "reported after" not in run("show", show_id(record.id)).stdout
    add_issuance(store, record, START + timedelta(hours=1))
    shown = run("show", show_id(record.id)).stdout
    assert (
        "reported after 2026-11-23 12:00:00.000Z, when its checks could no longer be used" in shown
    )


def add_issuance(store: SqliteStore, record: r.Record, at: datetime) -> None:
    entry = r.RecordEntry()
    entry.issuance.record_id = record.id
    entry.issuance.issuance.serial_number = b"\x04"
    entry.issuance.issuance.reported_at.FromDatetime(at)
    append(store, entry, record.id)


def test_verify_and_heads(run: Run, store: SqliteStore, tmp_path: Path) -> None:
    whole = run("verify")
    assert whole.exit_code == 0
    assert whole.stdout.endswith("\nwhole: 1 chains, 3 batches, 7 entries\n")
    heads = tmp_path / "heads.jsonl"
    heads.write_text(run("head").stdout)
    shutil.copy(tmp_path / "record.sqlite3", tmp_path / "kept")
    fill(store, [sample_record(9)])
    assert run("verify", "--heads", str(heads)).exit_code == 0
    store.close()
    with sqlite3.connect(tmp_path / "record.sqlite3") as db:
        db.execute("DELETE FROM entry WHERE number > 6")
        db.execute("DELETE FROM batch WHERE sequence > 2")
        db.execute("DELETE FROM term WHERE record NOT IN (SELECT record FROM entry)")
    db.close()
    assert run("verify").exit_code == 0
    cut = run("verify", "--heads", str(heads))
    assert cut.exit_code == 1
    assert "are missing at the end" in cut.stdout


def test_verify_names_the_record_that_was_changed(
    run: Run, store: SqliteStore, tmp_path: Path
) -> None:
    store.close()
    changed = r.Record()
    changed.CopyFrom(RECORDS[4])
    changed.names[0].reason = c.REASON_CORROBORATED
    with sqlite3.connect(tmp_path / "record.sqlite3") as db:
        db.execute("UPDATE entry SET content = ? WHERE number = 5", (to_entry(changed).content,))
    db.close()
    flawed = run("verify")
    assert flawed.exit_code == 1
    assert show_id(RECORDS[4].id) in flawed.stdout
    assert "was changed" in flawed.stdout
    assert flawed.stdout.splitlines()[-1].startswith("1 flaws")


def test_heads_that_are_none_are_said(run: Run, tmp_path: Path) -> None:
    heads = tmp_path / "heads.jsonl"
    for text in ("", "nonsense\n", '{"chain": "a", "sequence": 1, "hash": "00"}\n'):
        heads.write_text(text)
        result = run("verify", "--heads", str(heads))
        assert isinstance(result.exception, Flaw)
        assert "there is no head in it" in str(result.exception)
    result = run("verify", "--heads", str(tmp_path / "missing"))
    assert isinstance(result.exception, Flaw)
    assert "there is no such file" in str(result.exception)


def test_heads_that_cannot_be_read_are_said_and_the_others_count(
    run: Run, store: SqliteStore, tmp_path: Path
) -> None:
    """A program that was killed, or a full disk, leaves half a line."""
    heads = tmp_path / "heads.jsonl"
    line = own_line(store)
    heads.write_text(f"{line[:100]}\n{line}\n")
    result = run("verify", "--heads", str(heads))
    assert result.exit_code == 0
    assert "heads.jsonl: 1 lines of heads cannot be read" in result.stderr
    assert "held against 1 kept heads" in result.stdout


def own_line(store: SqliteStore, chain: str = "main.0") -> str:
    """The line that the coordinator of a chain writes."""
    return encode_head(store.head(chain), to_us(START), is_own=True)


def test_verify_states_what_no_kept_head_covers(
    run: Run, store: SqliteStore, tmp_path: Path
) -> None:
    first = "2026-11-23 12:00:00.000Z"
    assert f"unprotected: all 7 entries, written since {first}. No heads" in run("verify").stdout
    heads = tmp_path / "heads.jsonl"
    heads.write_text(own_line(store) + "\n")
    said = run("verify", "--heads", str(heads)).stdout
    newest = f"the newest kept head (batch 3, noted at {first})"
    assert f"protected: all 7 entries of chain main.0 by {newest}" in said.splitlines()
    fill(store, [sample_record(20), sample_record(21)], batch=1)
    said = run("verify", "--heads", str(heads)).stdout
    tail = "2 of 9 entries of chain main.0, written since 2026-11-23 12:00:20.000Z"
    assert f"unprotected: {tail}, stand behind {newest}" in said.splitlines()
    later = tmp_path / "later.jsonl"
    later.write_text(own_line(store) + "\n")
    for files in ((heads, later), (later, heads)):
        said = run("verify", *(word for file in files for word in ("--heads", str(file)))).stdout
        assert "protected: all 9 entries of chain main.0 by the newest kept head (batch 5" in said
        assert "unprotected" not in said


def test_a_chain_that_nobody_configured_is_named_and_how_that_is_answered(
    run: Run, config: Path, store: SqliteStore, tmp_path: Path
) -> None:
    """An approval that was made up is properly chained, in a chain of its own."""
    fill(store, [sample_record(30)], chain="main.1")
    named = run("verify")
    assert named.exit_code == 3
    assert "chain main.1 (1 entries, from 2026-11-23 12:00:30.000Z" in named.stdout
    assert "list it in [record] other_chains" in named.stdout
    assert named.stdout.splitlines()[-1].startswith("whole: 2 chains, 1 of them known to nobody")
    heads = tmp_path / "heads.jsonl"
    heads.write_text(run("head").stdout)
    assert run("verify", "--heads", str(heads)).exit_code == 3
    heads.write_text(own_line(store, "main.1"))
    assert run("verify", "--heads", str(heads)).exit_code == 0
    text = config.read_text()
    for entry, code in (("main.1", 0), ("main", 0), ("main.10", 3), ("mai", 3)):
        config.write_text(text.replace("# other_chains = []", f'other_chains = ["{entry}"]'))
        assert run("verify").exit_code == code, entry
    config.write_text(text.replace("# workers = 1\n# Seconds to wait", "workers = 2\n# Seconds"))
    assert run("verify").exit_code == 0


def test_what_was_changed_outweighs_what_nobody_configured(run: Run, store: SqliteStore) -> None:
    fill(store, [sample_record(30)], chain="other.0")
    store.close()
    with sqlite3.connect(store._path) as db:
        db.execute("DELETE FROM entry WHERE number = 5")
    db.close()
    assert run("verify").exit_code == 1


def test_a_pruning_leaves_its_head(
    run: Run, config: Path, store: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No coordinator writes the chain of prunings."""
    text = config.read_text()
    assert '# file = "/mnt/other-host/heads.jsonl"' in text
    config.write_text(text.replace('# file = "/mnt/other-host/heads', 'file = "heads'))
    now = datetime(2032, 1, 1, tzinfo=UTC)
    monkeypatch.setattr(upkeep, "_now", lambda: now)
    pruned = run("prune", "--yes")
    head = store.head("pruning")
    (kept,) = read_heads((tmp_path / "heads.jsonl").read_text().splitlines()).heads
    assert kept.head.hash == head.hash
    assert head.hash.hex() in pruned.stdout
    assert not kept.is_own
    config.write_text(text.replace('# file = "/mnt/other-host/heads', 'file = "none/heads'))
    fill(store, [sample_record(1, asked_at=datetime(2026, 12, 1, tzinfo=UTC))])
    pruned = run("prune", "--yes")
    assert pruned.exit_code == 0
    assert "there is no such file, so the head is not in it" in pruned.stderr


def test_replay_of_what_was_decided(run: Run, config: Path) -> None:
    child = ("--name", "child.parent.example.co.jp")
    same = run("replay", *child, "--until", "2026-11-23T12:00:04")
    assert same.exit_code == 0
    assert same.stdout == "3 questions judged again: 0 verdicts change, 0 reversed\n"
    # The sample's dissents are not what its observations say.
    result = run("replay", *child)
    assert result.exit_code == 1
    assert "QUORUM_NOT_MET 5/5 -> CORROBORATED 5/5  REVERSED" in result.stdout
    assert show_id(RECORDS[4].id) in result.stdout
    text = config.read_text().replace("[policy]", "[policy]\nbroken = 1", 1)
    (config.parent / "rules.toml").write_text(text)
    assert run("replay", "--rules", str(config.parent / "rules.toml")).exit_code != 0


def test_prune_says_first_and_removes_then(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("prune").stdout == "No month may be removed\n"

    monkeypatch.setattr(upkeep, "_now", lambda: datetime(2032, 1, 1, tzinfo=UTC))
    assert run("prune").stdout.startswith("May be removed, with --yes: 2026-11: 7 entries")
    assert found(run("export"))
    assert run("prune", "--yes").stdout.startswith("Removed 2026-11: 7 entries")
    assert run("export").stdout == ""
    assert run("verify").exit_code == 0


def test_a_record_that_is_not_there_is_not_made(config: Path, tmp_path: Path) -> None:
    for command in ("verify", "head", "export", "search", "replay", "prune"):
        result = CliRunner().invoke(app, [command, "--config", str(config)])
        assert result.exit_code == 9
        assert "record.sqlite3" in result.stderr
    assert not (tmp_path / "record.sqlite3").exists()
    migrated = CliRunner().invoke(app, ["migrate", "--config", str(config)])
    assert migrated.exit_code == 0
    assert (tmp_path / "record.sqlite3").exists()


HOSTILE = st.text(min_size=1, max_size=60) | st.sampled_from(
    ["=cmd|' /C calc'!A0", "\x1b[2J\x1b]0;x\x07", "a\r\nb", "\u202eevil", "@SUM(1)", "-1", "\t="]
)


def hostile(text: str, rdata: bytes) -> RecordEntries:
    record = sample_record(reason=c.REASON_PRIMARY_FAILED)
    (name,) = record.names
    name.asked = name.detail = text
    record.request_id = text
    lookup = o.Lookup(name=text, dnssec=o.DNSSEC_SECURE)
    lookup.records.CopyFrom(o.RecordSet(owner=text, ttl=1, rdata=[rdata]))
    walk = o.Finding(caa_walk=o.CaaFinding(levels=[lookup]))
    failure = o.Failure(kind=o.FAILURE_KIND_SERVFAIL, detail=text)
    failure.extended_error.text = text
    failed = o.Lookup(name=text, failure=failure)
    addresses = o.Finding(addresses=o.AddressFinding(lookup=failed))
    name.observations[0] = o.Observation(name=text, findings=[walk, addresses]).SerializeToString()
    name.determinations[0].record = text
    for reply in name.replies:
        reply.dissent, reply.detail = c.DISSENT_FAILED, text
    return RecordEntries(question=record)


@given(HOSTILE.filter(lambda text: text.isprintable() or "\ud800" not in text), st.binary())
def test_what_strangers_wrote_reaches_nobody_as_it_is(text: str, rdata: bytes) -> None:
    """No octet of it controls a terminal, breaks a line, or is a formula (BR 5.4.1 records)."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    entries = hostile(text, rdata)
    line = to_json(entries)
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["verdict"]["request_id"] == text
    for row in to_rows(entries):
        assert len(row) == len(COLUMNS)
        assert all(cell.isprintable() and not cell.startswith(("=", "+", "-", "@")) for cell in row)
    page = io.StringIO()
    console = Console(file=page, width=200, force_terminal=False)
    print_record(entries, console)
    print_list([entries], console)
    lines = page.getvalue().split("\n")
    assert all(one.isprintable() for line in lines for one in line.replace("\t", ""))
    # Tabs stand between the cells of the list alone.
    assert {line.count("\t") for line in lines} <= {0, 6}


def test_a_row_of_the_list_names_who_dissents_on_that_name() -> None:
    """Not who dissents on another name of the record."""
    record = sample_record(4, reason=c.REASON_QUORUM_NOT_MET, dissenting=("ashburn", "singapore"))
    reason = c.REASON_QUORUM_NOT_MET
    other = sample_record(5, name="www.example.org", reason=reason, dissenting=("frankfurt",))
    record.names.extend(other.names)
    page = io.StringIO()
    assert print_list([RecordEntries(question=record)], Console(file=page, width=300)) == 1
    head, first, second = page.getvalue().splitlines()
    assert head.split()[-1] == "dissenting"
    assert first.split()[-2:] == ["ashburn", "singapore"]
    assert second.split()[-1] == "frankfurt"
    assert "ashburn" not in second
    assert show_id(record.id) in first
    assert show_id(record.id) in second
    assert (first + second).isascii()


def test_an_observation_that_is_garbage_is_shown_as_such() -> None:
    entries = hostile("x", b"")
    entries.question.names[0].observations[0] = b"\xff\xff"
    assert json.loads(to_json(entries))["verdict"]["names"]
    print_record(entries, Console(file=io.StringIO()))


def test_an_export_holds_one_record_at_a_time(store: SqliteStore) -> None:
    """It is written while the rest is still in the store."""
    selected = _select(store, RecordCriteria())
    first = next(selected)
    assert first.question.request_id == "request-0"
    fill(store, [sample_record(50)])
    assert [one.question.request_id for one in selected][-1] == "request-50"


def test_a_stored_record_reads_as_it_was_written(store: SqliteStore) -> None:
    stored = store.read(read_id(show_id(RECORDS[0].id)))
    assert stored is not None
    assert read_entries(stored.contents).question == RECORDS[0]


def test_a_second_question_under_an_old_id_is_not_shown_in_place_of_the_first(
    run: Run, store: SqliteStore
) -> None:
    """Properly chained, by whoever may append: the later one was told before."""
    other = r.Record()
    other.CopyFrom(RECORDS[4])
    other.names[0].reason = c.REASON_CORROBORATED
    fill(store, [other])
    for command in (("show", show_id(other.id)), ("search", "--json"), ("export",)):
        result = run(*command)
        assert other.request_id not in result.stdout
        assert f"Record {show_id(other.id)} is not as it was written" in result.stderr
    assert run("show", show_id(other.id)).exit_code == 1
    flawed = run("verify")
    assert flawed.exit_code == 1
    assert "one of several questions under one id" in flawed.stdout


def test_ids_that_were_swapped_are_named_and_shown_under_neither(
    run: Run, store: SqliteStore, tmp_path: Path
) -> None:
    store.close()
    one, two = RECORDS[0].id, RECORDS[1].id
    with sqlite3.connect(tmp_path / "record.sqlite3") as db:
        for old, new in ((one, b"x" * 16), (two, one), (b"x" * 16, two)):
            db.execute("UPDATE entry SET record = ? WHERE record = ?", (new, old))
    db.close()
    flawed = run("verify")
    assert flawed.exit_code == 1
    assert flawed.stdout.count("which is not its own") == 2
    shown = run("show", show_id(one))
    assert (shown.exit_code, shown.stdout) == (1, "")
    assert f"an entry of record {show_id(two)} stands among its entries" in shown.stderr


def test_a_pruning_that_was_made_up_is_named(run: Run, store: SqliteStore) -> None:
    """It hides what is a week old, with every hash as it must be."""
    now = datetime(2026, 11, 30, tzinfo=UTC)
    remove_months(store, store.months(), now)
    assert "does not say when" in run("verify").stdout


def test_a_pruning_before_its_time_is_named(run: Run, store: SqliteStore) -> None:
    now = datetime(2026, 11, 30, tzinfo=UTC)
    remove_months(store, may_go(store.months(), now.replace(year=2029)), now)
    flawed = run("verify")
    assert flawed.exit_code == 1
    assert "they had to be kept until 2029-11-30" in flawed.stdout


def test_a_record_that_was_dated_back_is_named(run: Run, store: SqliteStore) -> None:
    """An approval of last year, made up today and properly chained (BR 5.4.1)."""
    record = sample_record(1, asked_at=datetime(2025, 11, 23, tzinfo=UTC))
    entry = to_entry(record)
    at = to_us(datetime(2026, 11, 23, 13, tzinfo=UTC))
    store.append(seal_batch(store.head("main.0"), [entry.content], at), [entry])
    flawed = run("verify")
    assert flawed.exit_code == 1
    assert "says to have been asked at 2025-11-23" in flawed.stdout
    assert show_id(record.id) in flawed.stdout


def test_every_kept_head_is_held_against_the_record(
    run: Run, store: SqliteStore, tmp_path: Path
) -> None:
    """One of before a chain was computed anew counts, though later ones were kept as well."""
    early = run("head").stdout
    fill(store, [sample_record(9)])
    late = run("head").stdout
    heads = tmp_path / "heads.jsonl"
    heads.write_text(early + late)
    assert run("verify", "--heads", str(heads)).exit_code == 0
    fields = json.loads(early)
    heads.write_text(json.dumps({**fields, "hash": "11" * 32}) + "\n" + late)
    flawed = run("verify", "--heads", str(heads))
    assert flawed.exit_code == 1
    assert f"batch {fields['sequence']}" in flawed.stdout
    assert "is not the batch whose head was kept" in flawed.stdout


def test_a_row_says_by_which_method_steps_and_evidence_and_who_saw_it() -> None:
    """BR 5.4.1: an auditor reads it of each name, and of no other name of the record."""
    record = sample_record(name="www.example.com")
    record.names.add().CopyFrom(sample_record(name="b.example", dissenting=["ashburn"]).names[0])
    first = record.names[0]
    control = first.checks.add().domain_control.control
    control.authorization_domain_name = "example.com"
    control.dns_change.label = "_dnsauth"
    found = c.Determination(
        check="domain_control",
        outcome=c.OUTCOME_PASSED,
        clause="BR 3.2.2.4.7",
        found_at="_dnsauth.example.com",
    )
    found.steps.add(kind=c.AUTHORIZATION_STEP_KIND_PRUNE, to="example.com")
    first.determinations.append(found)
    for reply in first.replies:
        reply.determinations.append(3)
    first.usable_until_us.extend([0, 0, 1_800_000_000_000_000])
    one, other = (
        dict(zip(COLUMNS, row, strict=True)) for row in to_rows(RecordEntries(question=record))
    )
    assert one["method"] == "dns_change"
    assert one["authorization_domain_name"] == "example.com"
    assert one["steps"] == "prune to example.com"
    assert one["clause"] == "BR 3.2.2.4.7"
    assert one["found_at"] == "_dnsauth.example.com"
    assert one["usable_until"] == "2027-01-15T08:00:00Z"
    assert one["quorum_of_checks"] == "caa 5/5, addresses 5/5, domain_control 5/5"
    assert one["corroborating"].split() == [place.id for place in PLACES[:6]]
    assert one["dissenting"] == ""
    assert other["dissenting"] == "ashburn"
    assert "ashburn" not in other["corroborating"]
    assert other["method"] == other["clause"] == other["usable_until"] == ""
