"""Whether a reported certificate was issued on a valid approval. Pure.

A correct pipeline issues only on an approval that it was told, and only while its checks may be
used (for CAA: BR 4.2.2.1). The coordinator does not know when the pipeline issued, only when it
reported. So it must report at once.
"""

from enum import StrEnum

from coordinator.record.timestamps import SECOND_US, show_moment
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import record_pb2 as r


class Basis(StrEnum):
    """What a reported certificate was issued on. All but the first must be looked into."""

    APPROVED = "approved"
    LATE = "late"
    """Reported when a check could no longer be used to issue."""
    REFUSED = "refused"
    DRY_RUN = "dry_run"
    VALIDATION = "validation"
    """It was asked for a corroborated validation alone."""
    SUPERSEDED = "superseded"
    """The record's verdict was told to nobody: another record's was."""
    UNKNOWN = "unknown"
    """There is no such record, or none of the caller that reports."""


_WRONG = {
    Basis.REFUSED: "issued though it was refused",
    Basis.DRY_RUN: "issued on a dry run, which permits nothing",
    Basis.VALIDATION: "issued on a validation alone, which permits nothing",
    Basis.SUPERSEDED: "issued on a verdict that was told to nobody",
    Basis.UNKNOWN: "issued on no record of this caller's",
}


def find_basis(record: r.Record, issuance: c.Issuance) -> Basis:
    """Return what a certificate was issued on, that was reported on a record at a time."""
    if any(name.reason != c.REASON_CORROBORATED for name in record.names) or not record.names:
        return Basis.REFUSED
    if record.dry_run:
        return Basis.DRY_RUN
    if record.purpose == c.PURPOSE_VALIDATION:
        return Basis.VALIDATION
    if record.superseded_by:
        return Basis.SUPERSEDED
    until = find_end(record)
    return Basis.LATE if until and _reported_us(issuance) > until else Basis.APPROVED


def find_end(record: r.Record) -> int:
    """Return until when every check of every name could be used to issue; 0: it is not told."""
    return min(_find_ends(record), default=0)


def find_last_end(record: r.Record) -> int:
    """Return until when any check of any name may be used to issue; 0: it is not told."""
    return max(_find_ends(record), default=0)


def _find_ends(record: r.Record) -> list[int]:
    return [end for name in record.names for end in name.usable_until_us if end]


def describe_basis(basis: Basis, record: r.Record) -> str:
    """Say what is wrong with a certificate issued on this basis; "" if nothing is."""
    if basis is Basis.LATE:
        end = show_moment(find_end(record))
        return f"reported after {end}, when its checks could no longer be used"
    return _WRONG.get(basis, "")


def _reported_us(issuance: c.Issuance) -> int:
    at = issuance.reported_at
    return at.seconds * SECOND_US + at.nanos // 1000
