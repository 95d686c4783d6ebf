"""Whether the record can be written (BR 5.4.1). It writes nothing and makes no file."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from coordinator.record.settings import RecordTable
from coordinator.record.stores.base import StoreError
from mpic.runtime.doctor import DoctorFinding, Facts

# Room for about a million records: an operator who is warned then has days.
_FREE_OCTETS = 2 * 1024**3


def examine_record(table: RecordTable) -> Sequence[DoctorFinding]:
    """Open the store and read from it; if the file does not exist yet, check its directory."""
    if table.allow_unrecorded:
        what = "nothing that is decided is recorded: that is for labs only"
        return [DoctorFinding("warning", what, "Remove allow_unrecorded under [record]")]
    in_file = table.store == "sqlite"
    if in_file and not table.path.exists():
        return [_examine_directory(table.path)]
    findings = [_examine_store(table)]
    if in_file:
        findings.append(judge_space(table.path, shutil.disk_usage(table.path.parent).free))
    return findings


def _examine_store(table: RecordTable) -> DoctorFinding:
    store = table.make_store()
    try:
        chains = store.open().chains()
    except StoreError as error:
        return DoctorFinding("error", f"nothing can be recorded: {error.message}", error.mend)
    finally:
        store.close()
    facts: Facts = {"store": table.store, "chains": chains}
    return DoctorFinding("ok", "the store opens and can be read", facts=facts)


def _examine_directory(path: Path) -> DoctorFinding:
    facts: Facts = {"path": str(path)}
    if not path.parent.is_dir():
        what = f"nothing can be recorded: there is no directory {path.parent}"
        mend = "Make it, on a local disk, for the user that runs the coordinator"
        return DoctorFinding("error", what, mend, facts)
    if not os.access(path.parent, os.W_OK | os.X_OK):
        what = f"nothing can be recorded: this user may not write to {path.parent}"
        mend = "Give it to the user that runs the coordinator, and run this as that user"
        return DoctorFinding("error", what, mend, facts)
    return DoctorFinding("ok", f"{path} will be made at the first start", facts=facts)


def judge_space(path: Path, free: int) -> DoctorFinding:
    """Say whether there is room for what is to come. Pure."""
    facts: Facts = {"path": str(path), "free_mib": free // 1024**2}
    if free < _FREE_OCTETS:
        what = f"the disk of {path} has {free // 1024**2} MiB left; a full one stops every approval"
        return DoctorFinding(
            "warning", what, "Free space, or move the record to a larger disk", facts
        )
    return DoctorFinding("ok", "its disk has room", facts=facts)
