"""Faults in the record: its chain, its store, what is told before it is durable."""

from tests.mutation.fault import Fault

CHAIN = "coordinator/record/chain.py"
SQLITE = "coordinator/record/sqlite.py"
COMPANY = "proto/mpic/company.py"
RECORDER = "coordinator/record/recorder.py"
REPEATS = "coordinator/record/repeats.py"
POSTGRESQL = "coordinator/record/postgresql.py"
CONNECTION = "coordinator/record/postgresql_connection.py"
SCHEMA = "coordinator/record/postgresql_schema.py"
REMOVAL = "coordinator/record/postgresql_removal.py"
WAITING = "coordinator/record/waiting.py"
ROWS = "coordinator/record/sqlite_rows.py"
DETERMINATION = "coordinator/record/determination.py"
INSPECTION = "coordinator/record/inspection.py"
PRUNED = "coordinator/record/pruned.py"

FAULTS = [
    Fault(
        "an entry under another's id passes",
        INSPECTION,
        "    if own != record or len(own) != OCTETS:",
        "    if len(own) != OCTETS:",
    ),
    Fault(
        "an entry with an old date passes",
        INSPECTION,
        "        if abs(at_us - written_at_us) > _TOLERANCE_US:",
        "        if False:",
    ),
    Fault(
        "a second question under one id passes",
        INSPECTION,
        '    if kinds.count("question") > 1:',
        "    if False:",
    ),
    Fault(
        "a record that the index does not have passes",
        INSPECTION,
        "    if expected - set(terms):",
        "    if False:",
    ),
    Fault(
        "a row of the index that is of no record passes",
        INSPECTION,
        "    if set(terms) - expected:",
        "    if False:",
    ),
    Fault(
        "a pruning before its time passes",
        PRUNED,
        "    if until > pruned_at_us:",
        "    if False:",
    ),
    Fault(
        "a pruning that says nothing of times passes",
        PRUNED,
        "    if not (first and last and until and pruned_at_us):",
        "    if False:",
    ),
    Fault(
        "of several kept heads the latest alone counts",
        CHAIN,
        "any(head.hash != batch.hash for head in by_number.get(batch.sequence, ()))",
        "any(head.hash != batch.hash for head in by_number.get(batch.sequence, ()) if head is kept[-1])",
    ),
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
        "    if last > expected.sequence:",
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
        "        outcome = await outlast(done)",
        "        outcome = None",
    ),
    Fault(
        "told though it could not be written",
        RECORDER,
        '            tell_failed(waiting, "its record could not be written")',
        "            tell_written(waiting, {})",
    ),
    Fault(
        "workers that begin a file together fail",
        SQLITE,
        "            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:\n                raise\n",
        "            raise\n",
    ),
    Fault(
        "what a process decides while it ends is forgotten",
        REPEATS,
        "min(now + ENDING, self._complete_at)",
        "now",
    ),
    Fault(
        "another body gets the verdict", REPEATS, "    if key.digest != digest:", "    if False:"
    ),
    Fault(
        "a wait that is cancelled ends",
        WAITING,
        "        with suppress(asyncio.CancelledError):\n            await asyncio.shield(done)",
        "        await asyncio.shield(done)",
    ),
    Fault(
        "a writer that has ended is not noticed",
        RECORDER,
        "        if self._running is not None and self._running.done():",
        "        if False:",
    ),
    Fault(
        "who waits for a writer that ends waits for ever",
        RECORDER,
        "            tell_failed(self._queue, _ENDED)",
        "            pass",
    ),
    Fault(
        "a complaint comes before who waits is told",
        RECORDER,
        '            tell_failed(waiting, "its record could not be written")',
        '            self._complain(error)\n            tell_failed(waiting, "it could not be")',
    ),
    Fault(
        "a batch that hangs is not noticed",
        RECORDER,
        "        if seconds > _HUNG_SECONDS:",
        "        if False:",
    ),
    Fault(
        "a verdict claims nothing",
        WAITING,
        "_find_claim(worded, since) if since is not None else None",
        "None",
    ),
    Fault(
        "what determined nothing claims its request",
        WAITING,
        'worded.WhichOneof("kind") != "question" or not is_determination(worded.question)',
        'worded.WhichOneof("kind") != "question"',
    ),
    Fault(
        "the first verdict on a request is written over",
        ROWS,
        "excluded.record WHERE record < ?",
        "excluded.record WHERE record >= ?",
    ),
    Fault(
        "what determined nothing is remembered",
        DETERMINATION,
        "return not refused or any(",
        "return True or any(",
    ),
    Fault(
        "one refusal of ours undoes the domain's",
        DETERMINATION,
        "return not refused or any(",
        "return not refused or all(",
    ),
    Fault(
        "the first records of a request are read and not the last",
        REPEATS,
        "[-NEWEST:]):",
        "[:NEWEST]):",
    ),
    Fault(
        "a refusal is never remembered",
        DETERMINATION,
        "return not refused or any(",
        "return not refused and any(",
    ),
    Fault("a commit is not durable", CONNECTION, "ELSE 'on' END", "ELSE 'off' END"),
    Fault(
        "a commit that no standby has passes",
        CONNECTION,
        "        if warnings:\n",
        "        if False:\n",
    ),
    Fault(
        "a hung server is waited for",
        CONNECTION,
        "gen, interval, timeout or self.patience)",
        "gen, interval, timeout)",
    ),
    Fault(
        "a server without fsync passes",
        CONNECTION,
        'if row is None or row[-1] != "on":',
        "if row is None:",
    ),
    Fault(
        "another's batch is taken for ours",
        POSTGRESQL,
        "key).fetchone() != (True,):",
        "key).fetchone() is None:",
    ),
    Fault(
        "a lost connection costs an answer",
        POSTGRESQL,
        "        is_lost = not db.is_hung\n",
        "        is_lost = False\n",
    ),
    Fault(
        "a standby is written to",
        POSTGRESQL,
        "db.is_idle and not isinstance(error, ReadOnlySqlTransaction)",
        "db.is_idle",
    ),
    Fault(
        "what is recent is not found",
        POSTGRESQL,
        "    return (first - timedelta(days=1)).replace(day=1)",
        "    return first + timedelta(days=40)",
    ),
    Fault(
        "the writer can change",
        SCHEMA,
        "GRANT SELECT, INSERT ON mpic.batch",
        "GRANT SELECT, INSERT, UPDATE ON mpic.batch",
    ),
    Fault("two migrate at once", SCHEMA, "        db.execute(_LOCK)\n", ""),
    Fault(
        "later tables pass",
        SCHEMA,
        "    if version > VERSION:\n        raise",
        "    if False:\n        raise",
    ),
    Fault(
        "a month goes though another chain is in it",
        REMOVAL,
        "for month in numbers if _is_empty(db, month)]",
        "for month in numbers]",
    ),
    Fault(
        "a busy writer does not gather",
        RECORDER,
        "        if self._is_busy and not self._closing:",
        "        if False:",
    ),
    Fault(
        "a busy writer waits for nobody",
        COMPANY,
        "        if not self._count:",
        "        if False:",
    ),
    Fault(
        "a busy writer counts nobody out",
        COMPANY,
        "        self._count -= 1\n",
        "",
    ),
]
