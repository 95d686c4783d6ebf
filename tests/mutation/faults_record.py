"""Faults in the record: its chain, its store, what is told before it is durable."""

from tests.mutation.fault import Fault

CHAIN = "coordinator/record/chain.py"
SQLITE = "coordinator/record/sqlite.py"
RECORDER = "coordinator/record/recorder.py"
REPEATS = "coordinator/record/repeats.py"

FAULTS = [
    Fault(
        "a batch does not commit to the one before",
        CHAIN,
        "        batch.previous,\n        batch.written_at_us.to_bytes(8),",
        "        batch.written_at_us.to_bytes(8),",
    ),
    Fault(
        "a batch does not commit to its time",
        CHAIN,
        "        batch.written_at_us.to_bytes(8),\n",
        "",
    ),
    Fault(
        "a changed entry passes",
        CHAIN,
        "    if written == found:",
        "    if len(written) == len(found):",
    ),
    Fault(
        "a missing batch passes",
        CHAIN,
        "    if batch.sequence > expected.sequence + 1:",
        "    if False:",
    ),
    Fault(
        "a tail cut off passes",
        CHAIN,
        "    if kept and kept.sequence > expected.sequence:",
        "    if False:",
    ),
    Fault(
        "a commit is not fsynced",
        SQLITE,
        "PRAGMA synchronous = FULL",
        "PRAGMA synchronous = NORMAL",
    ),
    Fault("a file that is gone is begun anew", SQLITE, "'rwc' if create else 'rw'", "'rwc'"),
    Fault(
        "a batch is half written",
        SQLITE,
        '                    db.execute("ROLLBACK")',
        '                    db.execute("COMMIT")',
    ),
    Fault(
        "told before it is written",
        RECORDER,
        "        if error := await asyncio.shield(done):",
        "        if error := None:",
    ),
    Fault(
        "told though it could not be written",
        RECORDER,
        '            _tell(waiting, _not_written("its record could not be written"))',
        "            _tell(waiting, None)",
    ),
    Fault(
        "another body gets the verdict", REPEATS, "    if key.digest != digest:", "    if False:"
    ),
    Fault(
        "what was cut short is a verdict",
        REPEATS,
        "    return reasons != {c.REASON_CUT_SHORT}",
        "    return True",
    ),
]
