"""Calls about the record: read what was answered, and report a certificate that was issued."""

from collections.abc import Callable
from datetime import UTC, datetime

import grpc
import structlog
from prometheus_client import Counter

from coordinator.api.answers import Answers
from coordinator.api.response import add_all_late
from coordinator.decision.attempt_id import read_id, show_id
from coordinator.record.basis import Basis, describe_basis, find_basis
from coordinator.record.determination import NEWEST, is_determination
from coordinator.record.entries import RecordEntries
from coordinator.record.index_terms import request_term
from coordinator.record.reader import Reader
from coordinator.record.writer import RecordWriter
from mpic.bounds import MAX_NAMES, MAX_REQUEST_ID
from mpic.fields import discard_unknown
from mpic.runtime.grpc.errors import RequestError, Violation, invalid_argument
from mpic.text import shorten
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import record_pb2 as r

log = structlog.get_logger()

_MOST_SERIAL = 20  # octets, RFC 5280 section 4.1.2.2
_SHA256 = 32
_MOST_ISSUANCES = 500
"""Issuances of one record that are told; each has some hundred octets."""
MOST_RECORDED = 1_000
"""Issuances of one record; all are read each time one is reported."""

By = c.GetCorroborationRequest | c.RecordIssuanceRequest


class RecordQueries:
    """Reads the record for callers, and adds what they report."""

    def __init__(
        self,
        reader: Reader,
        record_writer: RecordWriter,
        auditors: frozenset[str],
        clock: Callable[[], datetime],
        answers: Answers,
    ) -> None:
        """Let auditors read everything, and other callers what they asked themselves."""
        self._answers = answers
        self._reader = reader
        self._record_writer = record_writer
        self._auditors = auditors
        self._clock = clock
        self.reported = Counter(
            "mpic_issuances_reported",
            "Certificates that pipelines reported, by the basis they were issued on.",
            ["basis"],
            registry=None,
        )
        for basis in Basis:
            self.reported.labels(basis.value)

    async def get(
        self, request: c.GetCorroborationRequest, caller: str
    ) -> c.GetCorroborationResponse:
        """Return what the record has, as far as it can be sent; raises RequestError."""
        check_reading(request)
        entries, question = await self._find(request, caller, may_audit=True)
        response = c.GetCorroborationResponse()
        self._answers.fill(response.verdict, question, wanted=request.names)
        add_all_late(response, entries.late, question)
        latest = entries.issuances[-_MOST_ISSUANCES:]
        response.issuances.extend([one.issuance for one in latest])
        response.issuances_left_out = len(entries.issuances) - len(latest)
        if question.superseded_by:
            response.superseded_by = show_id(question.superseded_by)
        return response

    async def read_own(self, record_id: str, caller: str) -> r.Record:
        """Return a record that a caller may read; raises RequestError."""
        request = c.GetCorroborationRequest(record_id=record_id)
        _, question = await self._find(request, caller, may_audit=True)
        return question

    async def read_linked(self, record_id: str) -> r.Record:
        """Return a record to whoever may read it because of a signed link; raises RequestError."""
        try:
            question = (await self._reader.read(read_id(record_id))).question
        except ValueError:
            question = None
        if question is None:
            raise _refuse_unknown()
        return question

    async def record_issuance(
        self, request: c.RecordIssuanceRequest, caller: str
    ) -> c.RecordIssuanceResponse:
        """Write down that a certificate was issued; raises RequestError."""
        check_issuance(request.issuance)
        check_id(request)
        try:
            entries, question = await self._find(request, caller, may_audit=False)
        except RequestError as error:
            if error.reason == "RECORD_NOT_FOUND":
                self._complain(Basis.UNKNOWN, request, caller, r.Record())
            raise
        record_id = show_id(question.id)
        entry = r.RecordEntry()
        issuance = entry.issuance
        issuance.record_id, issuance.caller = question.id, caller
        issuance.issuance.CopyFrom(request.issuance)
        issuance.issuance.reported_at.FromDatetime(self._clock())
        if any(_is_same(issuance.issuance, one.issuance) for one in entries.issuances):
            return c.RecordIssuanceResponse(record_id=record_id)
        basis = find_basis(question, issuance.issuance)
        if basis is Basis.APPROVED:
            self.reported.labels(basis.value).inc()
        else:
            # It is recorded all the same, and logged as an error even if it cannot be recorded.
            self._complain(basis, request, caller, question)
        if len(entries.issuances) >= MOST_RECORDED:
            text = f"{MOST_RECORDED} certificates are recorded on it already"
            raise RequestError(grpc.StatusCode.FAILED_PRECONDITION, "TOO_MANY_ISSUANCES", text)
        await self._record_writer.write(question.id, entry)
        return c.RecordIssuanceResponse(record_id=record_id)

    def _complain(
        self, basis: Basis, request: c.RecordIssuanceRequest, caller: str, question: r.Record
    ) -> None:
        """Count a certificate that rests on no approval that held, and say so in the log."""
        self.reported.labels(basis.value).inc()
        told = request.record_id or request.request_id
        log.error(
            "issued_without_approval",
            basis=basis.value,
            what=describe_basis(basis, question),
            record_id=show_id(question.id) if question.id else None,
            asked_by=shorten(told, MAX_REQUEST_ID),
            caller=caller,
            serial_number=request.issuance.serial_number.hex(),
            sha256_fingerprint=request.issuance.sha256_fingerprint.hex(),
        )

    async def _find(
        self, request: By, caller: str, *, may_audit: bool
    ) -> tuple[RecordEntries, r.Record]:
        """Return the record asked for, if the caller may read it; raises RequestError.

        Of several records with one request id, it is the latest that determined something, if any
        did.
        """
        is_auditor = may_audit and caller in self._auditors
        is_by_id = request.WhichOneof("by") == "record_id"
        found: tuple[RecordEntries, r.Record] | None = None
        for record in reversed((await self._find_ids(request, caller))[-NEWEST:]):
            entries = await self._reader.read(record)
            question = entries.question
            if question is None or not (question.caller == caller or is_auditor):
                continue
            if not is_by_id and question.request_id != request.request_id:
                continue
            if is_by_id or is_determination(question):
                return entries, question
            found = found or (entries, question)
        if found is not None:
            return found
        raise _refuse_unknown()

    async def _find_ids(self, request: By, caller: str) -> list[bytes]:
        if request.WhichOneof("by") == "request_id":
            return await self._reader.find(request_term(caller, request.request_id))
        try:
            return [read_id(request.record_id)]
        except ValueError as error:
            text = "must be an answer's record_id; or give a request_id"
            raise invalid_argument([Violation("record_id", text)]) from error


def _refuse_unknown() -> RequestError:
    text = "there is no such record, or none that this caller may have"
    return RequestError(grpc.StatusCode.NOT_FOUND, "RECORD_NOT_FOUND", text)


def open_record(record_queries: RecordQueries | None) -> RecordQueries:
    """Return what answers about the record; raises RequestError if nothing is recorded."""
    if record_queries is None:
        text = "this service records nothing: [record] allow_unrecorded is set"
        raise RequestError(grpc.StatusCode.FAILED_PRECONDITION, "NOTHING_RECORDED", text)
    return record_queries


def check_id(request: By) -> None:
    """Check the key that a record is asked for by; raises RequestError."""
    if len(request.request_id) > MAX_REQUEST_ID:
        text = f"is longer than {MAX_REQUEST_ID} characters, which none is"
        raise invalid_argument([Violation("request_id", text)])


def check_reading(request: c.GetCorroborationRequest) -> None:
    """Check what is asked of the record; raises RequestError."""
    check_id(request)
    if len(request.names) > MAX_NAMES:
        text = f"are {len(request.names)}, and no question has more than {MAX_NAMES}"
        raise invalid_argument([Violation("names", text)])


def check_issuance(issuance: c.Issuance) -> None:
    """Check a report of a certificate; raises RequestError that names every wrong field."""
    violations = []
    if discard_unknown(issuance):
        text = "has a field that this service does not know; it is older than the caller"
        violations.append(Violation("issuance", text))
    serial, fingerprint = issuance.serial_number, issuance.sha256_fingerprint
    if not serial and not fingerprint:
        text = "is empty, and so is sha256_fingerprint; give one of them"
        violations.append(Violation("issuance.serial_number", text))
    if len(serial) > _MOST_SERIAL or serial[:1] == b"\0":
        text = "must be 1 to 20 octets without leading zeros (RFC 5280 section 4.1.2.2)"
        violations.append(Violation("issuance.serial_number", text))
    if fingerprint and len(fingerprint) != _SHA256:
        violations.append(Violation("issuance.sha256_fingerprint", "must be 32 octets"))
    try:
        expires = issuance.not_after.ToDatetime(UTC) if issuance.HasField("not_after") else None
    except (ValueError, OverflowError):
        expires = None
    if expires is None:
        text = "must be the certificate's notAfter; how long the record is kept depends on it"
        violations.append(Violation("issuance.not_after", text))
    if violations:
        raise invalid_argument(violations)


def _is_same(one: c.Issuance, two: c.Issuance) -> bool:
    return (
        one.serial_number == two.serial_number
        and one.sha256_fingerprint == two.sha256_fingerprint
        and one.not_after == two.not_after
    )
