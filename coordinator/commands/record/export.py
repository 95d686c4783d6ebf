"""A record as others read it: one JSON object, or rows of a table. Pure. See deploy/record.md.

Strangers wrote much of a record: names, CAA values, errors of foreign servers. JSON is written in
ASCII, so that none of their octets reaches a terminal unchanged. In rows, characters that do not
print are escaped. Text that a spreadsheet would take for a formula is marked as text.
"""

import json
from collections.abc import Iterator
from typing import Any

from google.protobuf import json_format

from coordinator.api.response import fill_late, fill_whole_answer
from coordinator.commands.record.query import dissenting_on
from coordinator.decision.attempt_id import show_id
from coordinator.record.entries import RecordEntries
from mpic.ask.answer_lines import show_steps
from mpic.text import escape_cell
from mpic.v1 import corroboration_pb2 as c

SCHEMA = "mpic.record.v1"

COLUMNS = (
    "record_id",
    "request_id",
    "caller",
    "asked_at",
    "decided_at",
    "approved",
    "dry_run",
    "name",
    "looked_up",
    "reason",
    "check",
    "error",
    "quorum",
    "required",
    "dissenting",
    "detail",
    "purpose",
    "corroborated",
    "method",
    "authorization_domain_name",
    "steps",
    "clause",
    "found_at",
    "usable_until",
    "quorum_of_checks",
    "corroborating",
    "responsible",
)


def to_json(entries: RecordEntries) -> str:
    """Return all that is recorded about a question as one line; raises ValueError without one."""
    return json.dumps(to_object(entries), separators=(",", ":"))


def to_object(entries: RecordEntries) -> dict[str, Any]:
    """Return the object: parts of the agreement in its JSON mapping, under their field names."""
    record = entries.question
    if record is None:
        raise ValueError("there is no question")
    response = c.GetCorroborationResponse()
    fill_whole_answer(response.verdict, record)
    for late in entries.late:
        fill_late(response.late.add(), late, record)
    response.issuances.extend([one.issuance for one in entries.issuances])
    if record.superseded_by:
        response.superseded_by = show_id(record.superseded_by)
    tightening = _to_dict(record.tightening) if record.HasField("tightening") else {}
    return {
        "schema": SCHEMA,
        "record_id": response.verdict.record_id,
        "caller": record.caller,
        "issuer": record.issuer,
        "tightening": tightening,
        "request_sha256": record.request_digest.hex(),
        "policy_version": record.policy_version.hex(),
        "coordinator_version": record.coordinator_version,
        "late": [],
        "issuances": [],
        **_to_dict(response),
    }


def to_rows(entries: RecordEntries) -> Iterator[list[str]]:
    """Yield a row of COLUMNS for each name of a question."""
    record = entries.question
    if record is None:
        return
    verdict = c.CorroborateResponse()
    fill_whole_answer(verdict, record)
    common = [
        verdict.record_id,
        verdict.request_id,
        record.caller,
        verdict.asked_at.ToJsonString(),
        verdict.decided_at.ToJsonString(),
        str(verdict.approved).lower(),
        str(verdict.dry_run).lower(),
    ]
    for index, name in enumerate(verdict.names):
        rest = [
            name.name,
            name.looked_up,
            c.Reason.Name(name.reason),
            name.check,
            str(name.error.code or ""),
            name.quorum,
            str(name.required),
            " ".join(sorted(dissenting_on(entries, record, index))),
            name.detail,
            c.Purpose.Name(verdict.purpose).removeprefix("PURPOSE_").lower(),
            str(name.reason == c.REASON_CORROBORATED).lower(),
            *_domain_control_of(name),
            *_evidence_of(name),
            ", ".join(f"{one.check} {one.quorum}" for one in name.corroborations),
            " ".join(one.perspective_id for one in name.perspectives if one.corroborates),
            c.Responsible.Name(name.responsible).removeprefix("RESPONSIBLE_").lower()
            if name.responsible
            else "",
        ]
        yield [escape_cell(value) for value in (*common, *rest)]


def _domain_control_of(name: c.NameVerdict) -> tuple[str, str]:
    """Return the method and the authorization domain name (BR 5.4.1); empty: it was not asked."""
    for check in name.checks:
        if check.HasField("domain_control"):
            control = check.domain_control.control
            return control.WhichOneof("method") or "", control.authorization_domain_name
    return "", ""


def _evidence_of(name: c.NameVerdict) -> tuple[str, str, str, str]:
    """Return the steps, the clause, the place and the end of use of domain control (BR 5.4.1)."""
    for found in name.determinations:
        if found.check == "domain_control":
            until = found.usable_until.ToJsonString() if found.HasField("usable_until") else ""
            return show_steps(found.steps, "en"), found.clause, found.found_at, until
    return "", "", "", ""


def _to_dict(message: Any) -> dict[str, Any]:  # noqa: ANN401 - any protobuf message
    return json_format.MessageToDict(message, preserving_proto_field_name=True)
