"""Whether the record can be written (BR 5.4.1). It writes nothing and makes no file."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from coordinator.record.settings import RecordTable
from coordinator.record.stores.base import StoreError
from mpic.runtime.doctor import Facts, Finding

# Room for about a million records: an operator who is warned then has days.
_FREE_OCTETS = 2 * 1024**3


def examine_record(table: RecordTable) -> Sequence[Finding]:
    """Open the store and read from it; if the file does not exist yet, check its directory."""
    if table.allow_unrecorded:
        what = "nothing that is decided is recorded: that is for labs only"
        return [Finding("warning", what, "Remove allow_unrecorded under [record]")]
    in_file = table.store == "sqlite"
    if in_file and not table.path.exists():
        return [_examine_directory(table.path)]
    findings = [_examine_store(table)]
    if in_file:
        findings.append(judge_space(table.path, shutil.disk_usage(table.path.parent).free))
    return findings


def _examine_store(table: RecordTable) -> Finding:
    store = table.make_store()
    try:
        chains = store.open().chains()
    except StoreError as error:
        return Finding("error", f"nothing can be recorded: {error.message}", error.mend)
    finally:
        store.close()
    facts: Facts = {"store": table.store, "chains": chains}
    return Finding("ok", "the store opens and can be read", facts=facts)


def _examine_directory(path: Path) -> Finding:
    facts: Facts = {"path": str(path)}
    if not path.parent.is_dir():
        what = f"nothing can be recorded: there is no directory {path.parent}"
        mend = "Make it, on a local disk, for the user that runs the coordinator"
        return Finding("error", what, mend, facts)
    if not os.access(path.parent, os.W_OK | os.X_OK):
        what = f"nothing can be recorded: this user may not write to {path.parent}"
        mend = "Give it to the user that runs the coordinator, and run this as that user"
        return Finding("error", what, mend, facts)
    return Finding("ok", f"{path} will be made at the first start", facts=facts)


def judge_space(path: Path, free: int) -> Finding:
    """Say whether there is room for what is to come. Pure."""
    facts: Facts = {"path": str(path), "free_mib": free // 1024**2}
    if free < _FREE_OCTETS:
        what = f"the disk of {path} has {free // 1024**2} MiB left; a full one stops every approval"
        return Finding("warning", what, "Free space, or move the record to a larger disk", facts)
    return Finding("ok", "its disk has room", facts=facts)
