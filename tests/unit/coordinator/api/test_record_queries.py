"""What is asked about the record: by whom, of which record, and what is added to it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import grpc
import pytest
from structlog.testing import capture_logs

from coordinator.api.answers import Answers
from coordinator.api.record_queries import RecordQueries
from coordinator.decision.attempt_id import make_id, show_id
from coordinator.record.basis import Basis
from coordinator.record.chain import seal_batch
from coordinator.record.index_terms import find_terms, request_term
from coordinator.record.reader import Reader
from coordinator.record.stores.base import Entry
from coordinator.record.stores.sqlite.store import SqliteStore
from coordinator.record.timestamps import to_us
from coordinator.record.writer import RecordWriter
from mpic.runtime.grpc.errors import RequestError
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import record_pb2 as r
from tests.world.records import CALLER, START, sample_record, to_entry

OTHER = "spiffe://mpic.test/caller/other"
AUDITOR = "spiffe://mpic.test/caller/auditor"
REPORTED = datetime(2026, 11, 23, 13, tzinfo=UTC)


class Room:
    """An archive over a store, and what was added to it."""

    def __init__(self, directory: Path) -> None:
        self._store = SqliteStore(directory / "record.sqlite3").open()
        self.reader = Reader(SqliteStore(directory / "record.sqlite3"))
        record_writer = cast("RecordWriter", self)
        auditors = frozenset({AUDITOR})
        self.archive = RecordQueries(
            self.reader, record_writer, auditors, lambda: REPORTED, Answers()
        )
        self.written: list[r.RecordedIssuance] = []

    async def close(self) -> None:
        await self.reader.close()
        self._store.close()

    def keep(self, record: r.Record) -> r.Record:
        self._append(to_entry(record), record.asked_at_us)
        return record

    async def write(self, record: bytes, entry: r.RecordEntry) -> None:
        """Stand for the record's writer."""
        self.written.append(entry.issuance)
        self._append(Entry(record, entry.SerializeToString(), find_terms(entry)), to_us(REPORTED))

    def add_late(self, record: r.Record, *replies: r.LateReply) -> None:
        entry = r.RecordEntry(late=r.LateReplies(record_id=record.id, replies=replies))
        self._append(Entry(record.id, entry.SerializeToString(), find_terms(entry)), to_us(START))

    def _append(self, entry: Entry, now_us: int) -> None:
        batch = seal_batch(self._store.head("main.0"), [entry.content], now_us)
        self._store.append(batch, [entry])

    def counted(self) -> dict[Basis, float]:
        (family,) = self.archive.reported.collect()
        counts = [one for one in family.samples if one.name.endswith("_total") and one.value]
        return {Basis(one.labels["basis"]): one.value for one in counts}

    async def get(self, caller: str = CALLER, **by: object) -> c.GetCorroborationResponse:
        return await self.archive.get(c.GetCorroborationRequest(**by), caller)

    async def report(
        self, issuance: c.Issuance, caller: str = CALLER, **by: object
    ) -> c.RecordIssuanceResponse:
        request = c.RecordIssuanceRequest(issuance=issuance, **by)
        return await self.archive.record_issuance(request, caller)


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    one = Room(tmp_path)
    yield one
    await one.close()


def certificate(serial: bytes = b"\x01", **more: object) -> c.Issuance:
    issuance = c.Issuance(serial_number=serial, **more)
    issuance.not_after.FromDatetime(datetime(2027, 2, 1, tzinfo=UTC))
    return issuance


async def refused(asking: Awaitable[object]) -> RequestError:
    with pytest.raises(RequestError) as raised:
        await asking
    return raised.value


async def test_a_caller_reads_what_it_asked_by_either_id(room: Room) -> None:
    record = room.keep(sample_record())
    for by in ({"record_id": show_id(record.id)}, {"request_id": record.request_id}):
        response = await room.get(**by)
        assert response.verdict.record_id == show_id(record.id)
        assert response.verdict.request_id == record.request_id
        assert [name.name for name in response.verdict.names] == [record.names[0].asked]


@pytest.mark.parametrize("caller", [OTHER, "", CALLER + "2", CALLER[:-1]])
async def test_a_stranger_reads_nothing_and_learns_nothing(room: Room, caller: str) -> None:
    record = room.keep(sample_record())
    there = await refused(room.get(caller, record_id=show_id(record.id)))
    by_request = await refused(room.get(caller, request_id=record.request_id))
    missing = await refused(room.get(caller, record_id=show_id(make_id(START))))
    assert there.status is grpc.StatusCode.NOT_FOUND
    assert there == by_request == missing


async def test_an_auditor_reads_what_others_asked(room: Room) -> None:
    record = room.keep(sample_record())
    response = await room.get(AUDITOR, record_id=show_id(record.id))
    assert response.verdict.request_id == record.request_id


@pytest.mark.parametrize("caller", [AUDITOR, OTHER])
async def test_who_did_not_ask_reports_no_certificate(room: Room, caller: str) -> None:
    record = room.keep(sample_record())
    error = await refused(room.report(certificate(), caller, record_id=show_id(record.id)))
    assert error.status is grpc.StatusCode.NOT_FOUND
    assert not room.written


async def test_of_an_ids_records_the_latest_is_shown(room: Room) -> None:
    """A request id may be used anew once its window is over."""
    room.keep(sample_record(0))
    latest = sample_record(3600)
    latest.request_id = "request-0"
    room.keep(latest)
    response = await room.get(request_id="request-0")
    assert response.verdict.record_id == show_id(latest.id)


async def test_what_determined_nothing_hides_no_verdict(room: Room) -> None:
    """The same id may be asked again after our own failure; where all failed, that is told."""
    missing = sample_record(60, reason=c.REASON_PRIMARY_UNAVAILABLE)
    missing.names[0].replies[0].dissent = c.DISSENT_UNREACHABLE
    missing.request_id = "request-0"
    room.keep(missing)
    response = await room.get(request_id="request-0")
    assert response.verdict.record_id == show_id(missing.id)
    decided = room.keep(sample_record(0))
    response = await room.get(request_id="request-0")
    assert response.verdict.record_id == show_id(decided.id)
    response = await room.get(record_id=show_id(missing.id))
    assert response.verdict.names[0].reason == c.REASON_PRIMARY_UNAVAILABLE


async def test_a_record_found_by_a_digest_that_collides_is_another(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = room.keep(sample_record())
    term = request_term(CALLER, record.request_id)
    monkeypatch.setattr("coordinator.api.record_queries.request_term", lambda *_: term)
    assert (await room.get(request_id=record.request_id)).verdict.request_id == record.request_id
    error = await refused(room.get(request_id="another"))
    assert error.reason == "RECORD_NOT_FOUND"


@pytest.mark.parametrize("record_id", ["", "x", "018f", "018f0000-0000-7000-8000-00000000000g"])
async def test_what_is_no_record_id_is_the_callers_fault(room: Room, record_id: str) -> None:
    error = await refused(room.get(record_id=record_id))
    assert [one.field for one in error.violations] == ["record_id"]


async def test_what_came_late_and_what_was_issued_is_told(room: Room) -> None:
    record = room.keep(sample_record())
    who = record.perspectives[5].id
    reply = r.RecordedReply(dissent=c.DISSENT_LATE, detail="no answer within 11 s")
    room.add_late(record, r.LateReply(name=0, perspective_id=who, reply=reply))
    await room.report(certificate(b"\x07"), record_id=show_id(record.id))
    response = await room.get(request_id=record.request_id)
    assert [(one.report.perspective_id, one.report.dissent) for one in response.late] == [
        (who, c.DISSENT_LATE)
    ]
    assert [one.serial_number for one in response.issuances] == [b"\x07"]


async def test_a_report_says_who_made_it_and_when(room: Room) -> None:
    record = room.keep(sample_record())
    issuance = certificate()
    issuance.reported_at.FromDatetime(datetime(2020, 1, 1, tzinfo=UTC))
    with capture_logs() as lines:
        response = await room.report(issuance, record_id=show_id(record.id))
    assert response.record_id == show_id(record.id)
    (written,) = room.written
    assert (written.record_id, written.caller) == (record.id, CALLER)
    assert written.issuance.reported_at.ToDatetime(UTC) == REPORTED
    assert not lines


async def test_a_report_that_comes_again_is_kept_once_and_another_certificate_too(
    room: Room,
) -> None:
    record = room.keep(sample_record())
    by = {"record_id": show_id(record.id)}
    one, digest = certificate(b"\x01"), bytes(range(32))
    longer = certificate(b"\x01")
    longer.not_after.FromDatetime(datetime(2027, 3, 1, tzinfo=UTC))
    different = [one, certificate(b"\x02"), certificate(b"\x01", sha256_fingerprint=digest), longer]
    for issuance in (*different, *different):
        await room.report(issuance, **by)
    assert len(room.written) == len(different)


def refuse(record: r.Record) -> None:
    record.names[0].reason = c.REASON_QUORUM_NOT_MET


def refuse_one_of_two(record: r.Record) -> None:
    record.names.append(record.names[0])
    record.names[1].reason = c.REASON_QUORUM_NOT_MET


def ask_of_nothing(record: r.Record) -> None:
    del record.names[:]


def try_only(record: r.Record) -> None:
    record.dry_run = True


def tell_another(record: r.Record) -> None:
    record.superseded_by = make_id(START)


def let_end(*seconds: float) -> Callable[[r.Record], None]:
    """Let the CAA checks of its names end so many seconds after the report."""

    def change(record: r.Record) -> None:
        first = record.names[0]
        del record.names[:]
        for one in seconds:
            name = record.names.add()
            name.CopyFrom(first)
            name.usable_until_us[:] = [to_us(REPORTED + timedelta(seconds=one)), 0]

    return change


def end_by_addresses(record: r.Record) -> None:
    """Let another check than that of CAA end before the report."""
    hour = timedelta(hours=1)
    record.names[0].usable_until_us[:] = [to_us(REPORTED + hour), to_us(REPORTED - hour)]


@pytest.mark.parametrize(
    ("change", "basis"),
    [
        (refuse, Basis.REFUSED),
        (refuse_one_of_two, Basis.REFUSED),
        (ask_of_nothing, Basis.REFUSED),
        (try_only, Basis.DRY_RUN),
        (tell_another, Basis.SUPERSEDED),
        (let_end(-0.000001), Basis.LATE),
        (let_end(-3600), Basis.LATE),
        (let_end(3600, -1, 3600), Basis.LATE),
        (end_by_addresses, Basis.LATE),
        (let_end(0), Basis.APPROVED),
        (let_end(3600), Basis.APPROVED),
        (lambda _: None, Basis.APPROVED),
    ],
)
async def test_a_certificate_that_no_approval_held_for_is_written_down_counted_and_shouted_about(
    room: Room, change: Callable[[r.Record], None], basis: Basis
) -> None:
    """BR 4.2.2.1: within the time of every check; and only on what permits anything."""
    record = sample_record()
    change(record)
    room.keep(record)
    with capture_logs() as lines:
        for _ in range(2):  # reported again: once is enough
            await room.report(certificate(), record_id=show_id(record.id))
    assert len(room.written) == 1
    assert room.counted() == {basis: 1}
    assert [line["log_level"] for line in lines] == ["error"] * (basis is not Basis.APPROVED)
    for line in lines:
        assert line["event"] == "issued_without_approval"
        assert (line["basis"], line["record_id"]) == (basis.value, show_id(record.id))
        assert line["what"]
        assert line["serial_number"] == "01"


async def test_a_report_that_came_in_time_and_comes_again_late_is_not_late(room: Room) -> None:
    """A pipeline that did not hear our answer reports again, maybe after hours."""
    record = room.keep(sample_record())
    await room.report(certificate(), record_id=show_id(record.id))
    record.names[0].usable_until_us[:] = [to_us(REPORTED) - 1, 0]
    with capture_logs() as lines:
        await room.report(certificate(), record_id=show_id(record.id))
    assert not lines
    assert room.counted() == {Basis.APPROVED: 1}


@pytest.mark.parametrize("caller", [CALLER, OTHER])
async def test_a_certificate_that_no_record_is_of_is_counted_and_shouted_about(
    room: Room, caller: str
) -> None:
    """It was issued without asking, or on what another caller was told."""
    record = room.keep(sample_record())
    by = {"record_id": show_id(record.id)} if caller == OTHER else {"request_id": "never asked"}
    with capture_logs() as lines:
        error = await refused(room.report(certificate(), caller, **by))
    assert error.reason == "RECORD_NOT_FOUND"
    assert room.counted() == {Basis.UNKNOWN: 1}
    (line,) = lines
    assert (line["log_level"], line["basis"]) == ("error", "unknown")
    assert line["asked_by"] in by.values()


async def test_certificates_of_one_record_have_a_bound(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All are read for each that is reported. What is beyond is shouted about all the same."""
    monkeypatch.setattr("coordinator.api.record_queries.MOST_RECORDED", 3)
    record = sample_record()
    refuse(record)
    room.keep(record)
    by = {"record_id": show_id(record.id)}
    for serial in (b"\x01", b"\x02", b"\x03"):
        await room.report(certificate(serial), **by)
    with capture_logs() as lines:
        error = await refused(room.report(certificate(b"\x04"), **by))
    assert (error.status, error.reason) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "TOO_MANY_ISSUANCES",
    )
    assert [line["serial_number"] for line in lines] == ["04"]
    await room.report(certificate(b"\x01"), **by)
    assert len(room.written) == 3


async def test_who_reads_the_record_is_bounded_in_what_he_asks_by(room: Room) -> None:
    record = room.keep(sample_record())
    by = {"request_id": record.request_id}
    assert (await room.get(**by, names=["x"] * 100)).HasField("verdict")
    error = await refused(room.get(**by, names=["x"] * 101))
    assert [one.field for one in error.violations] == ["names"]
    for asking in (
        room.get(request_id="x" * 129),
        room.report(certificate(), request_id="x" * 129),
    ):
        error = await refused(asking)
        assert [one.field for one in error.violations] == ["request_id"]
    error = await refused(room.get(request_id="x" * 128))
    assert error.reason == "RECORD_NOT_FOUND"


async def test_of_many_certificates_the_latest_are_told(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coordinator.api.record_queries._MOST_ISSUANCES", 2)
    record = room.keep(sample_record())
    for serial in (b"\x01", b"\x02", b"\x03"):
        await room.report(certificate(serial), record_id=show_id(record.id))
    response = await room.get(record_id=show_id(record.id))
    assert len(response.issuances) == 2
    assert response.issuances_left_out == 1


@pytest.mark.parametrize(
    ("fields", "places"),
    [
        ({"serial_number": b""}, ["serial_number"]),
        ({"serial_number": b"", "sha256_fingerprint": bytes(32)}, []),
        ({"serial_number": b"\x7f" * 20}, []),
        ({"serial_number": b"\x7f" * 21}, ["serial_number"]),
        ({"serial_number": b"\x00\x01"}, ["serial_number"]),
        ({"sha256_fingerprint": bytes(31)}, ["sha256_fingerprint"]),
        ({"sha256_fingerprint": bytes(20)}, ["sha256_fingerprint"]),
        ({"sha256_fingerprint": bytes(33)}, ["sha256_fingerprint"]),
        ({"not_after": None}, ["not_after"]),
        ({"not_after": {"seconds": 2**62}}, ["not_after"]),
        ({"serial_number": b"", "not_after": None}, ["serial_number", "not_after"]),
    ],
)
async def test_what_is_reported_is_checked(
    room: Room, fields: dict[str, Any], places: list[str]
) -> None:
    record = room.keep(sample_record())
    whole: dict[str, Any] = {"serial_number": b"\x01", "not_after": {"seconds": 1_800_000_000}}
    reporting = room.report(c.Issuance(**(whole | fields)), record_id=show_id(record.id))
    if places:
        error = await refused(reporting)
        assert [one.field for one in error.violations] == [f"issuance.{one}" for one in places]
    else:
        await reporting
    assert len(room.written) == (not places)


async def test_what_nobody_here_knows_of_a_certificate_is_not_kept_as_known(room: Room) -> None:
    record = room.keep(sample_record())
    issuance = c.Issuance.FromString(certificate().SerializeToString() + b"\xfa\x01\x01x")
    error = await refused(room.report(issuance, record_id=show_id(record.id)))
    assert [one.field for one in error.violations] == ["issuance"]
    assert not room.written
