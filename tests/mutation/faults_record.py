"""Faults in the record: its chain, its store, what is told before it is durable."""

from tests.mutation.fault import Fault

CHAIN = "coordinator/record/chain.py"
SQLITE = "coordinator/record/stores/sqlite/store.py"
COMPANY = "proto/mpic/runtime/in_flight.py"
RECORDER = "coordinator/record/writer.py"
REPEATS = "coordinator/record/idempotency.py"
POSTGRESQL = "coordinator/record/stores/postgresql/store.py"
CONNECTION = "coordinator/record/stores/postgresql/connection.py"
SCHEMA = "coordinator/record/stores/postgresql/schema.py"
REMOVAL = "coordinator/record/stores/postgresql/prune.py"
WAITING = "coordinator/record/write_queue.py"
ROWS = "coordinator/record/stores/sqlite/rows.py"
DETERMINATION = "coordinator/record/determination.py"
INSPECTION = "coordinator/record/inspection.py"
PRUNED = "coordinator/record/prunings.py"
HEADS = "coordinator/record/heads.py"
COVERAGE = "coordinator/record/coverage.py"
PUBLISHER = "coordinator/record/publisher.py"
CHAIN_WRITER = "coordinator/record/chain_writer.py"
UPKEEP = "coordinator/commands/record/maintain.py"
RECORD_SETTINGS = "coordinator/record/settings.py"
LOGS = "proto/mpic/runtime/logs.py"
OPENING = "coordinator/record/opening.py"
END_TEST = ("tests/integration/test_heads.py::test_at_an_orderly_end_nothing_is_left_unprotected",)
SEEN_TEST = ("tests/integration/test_heads.py::test_the_head_of_the_last_record_leaves_by_itself",)

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
        WAITING,
        "        return await _outlast(self._durable)",
        "        return None",
    ),
    Fault(
        "told though it could not be written",
        RECORDER,
        '            _tell_failed(waiting, "its record could not be written")',
        "            for one in waiting:\n                if isinstance(one, Place):\n"
        "                    one.tell_written({})",
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
        "            _tell_failed(self._queue, _ENDED)",
        "            pass",
    ),
    Fault(
        "a complaint comes before who waits is told",
        RECORDER,
        '            _tell_failed(waiting, "its record could not be written")',
        '            self._complain(error)\n            _tell_failed(waiting, "it could not be")',
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
        "_find_claim(entry, self._since) if self._since is not None else None",
        "None",
    ),
    Fault(
        "what determined nothing claims its request",
        WAITING,
        'entry.WhichOneof("kind") != "question" or not is_determination(entry.question)',
        'entry.WhichOneof("kind") != "question"',
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
        "a writer does not gather",
        RECORDER,
        "        if not self._closing:\n            # Twice",
        "        if False:\n            # Twice",
    ),
    Fault(
        "who waits hears not that nothing is under way",
        COMPANY,
        "        if not self._count:",
        "        if False:",
    ),
    Fault(
        "nobody is counted out",
        COMPANY,
        "        self._count -= 1\n",
        "",
    ),
    Fault(
        "little under way is waited for",
        COMPANY,
        "if self._count >= MANY:",
        "if self._count:",
    ),
    Fault(
        "much under way is not waited for",
        COMPANY,
        "if self._count >= MANY:",
        "if self._count > MANY:",
    ),
    Fault(
        "a head is written of a chain that rests as soon as ever",
        HEADS,
        "now_us - last.noted_at_us >= AGAIN_US",
        "True",
    ),
    Fault(
        "a chain that rests is never noted again",
        HEADS,
        "now_us - last.noted_at_us >= AGAIN_US",
        "False",
    ),
    Fault("a chain that moved is not noted", HEADS, "last.head != head or ", ""),
    Fault("a head of nothing", HEADS, "    if not head.sequence:\n", "    if False:\n"),
    Fault(
        "a head that was read from the store is its coordinator's word",
        HEADS,
        'noted_at_us, fields.get("event") == EVENT)',
        "noted_at_us, True)",
    ),
    Fault(
        "a line of the file does not say that it is its coordinator's",
        HEADS,
        'event = {"event": EVENT} if is_own else {}',
        "event: dict[str, str] = {}",
    ),
    Fault("a head of half a hash counts", HEADS, "len(digest) != DIGEST or ", ""),
    Fault(
        "a line cut off is not told of",
        HEADS,
        "unreadable += fields is not None or EVENT in line",
        "unreadable += 0",
    ),
    Fault(
        "what a caller writes into our log is a head",
        HEADS,
        'if not isinstance(value.get("event"), str) else ()',
        "if True else ()",
    ),
    Fault(
        "a line about something else is a head",
        HEADS,
        'value.get("event") == EVENT or ("event" not in value and ',
        'True or ("event" not in value and ',
    ),
    Fault(
        "of a chain that rests the first line counts",
        HEADS,
        "key=lambda one: one.noted_at_us)",
        "key=lambda one: -one.noted_at_us)",
    ),
    Fault("a log that a collector wrapped is not read", HEADS, "key in _WRAPPED and", "False and"),
    Fault(
        "a log that a collector parsed is not read",
        HEADS,
        "        if isinstance(inner, dict):\n",
        "        if False:\n",
    ),
    Fault(
        "a log in the console form is not read",
        HEADS,
        '    return fields if fields.get("event") == EVENT else None',
        "    return None",
    ),
    Fault(
        "everything is protected",
        COVERAGE,
        "if chain.newest is None or batch.sequence > chain.newest.head.sequence:",
        "if False:",
    ),
    Fault(
        "the batch of the head is unprotected",
        COVERAGE,
        "batch.sequence > chain.newest.head.sequence",
        "batch.sequence >= chain.newest.head.sequence",
    ),
    Fault(
        "the oldest head of a chain counts as its newest",
        COVERAGE,
        "_rank(one) > _rank(chain.newest)",
        "_rank(one) < _rank(chain.newest)",
    ),
    Fault(
        "the tail began when its last batch was written",
        COVERAGE,
        "chain.tail_since_us or batch.written_at_us",
        "batch.written_at_us",
    ),
    Fault(
        "without heads nothing is said to be unprotected",
        COVERAGE,
        "    if not any(one.newest for one in coverage.chains.values()):",
        "    if False:",
    ),
    Fault("every chain is known", COVERAGE, "chain not in own and not is_known(chain)", "False"),
    Fault(
        "a head that anybody read from the store vouches for its chain",
        COVERAGE,
        "for one in kept if one.is_own}",
        "for one in kept}",
    ),
    Fault(
        "a coordinator's own head does not vouch for its chain",
        COVERAGE,
        "chain not in own and not",
        "chain != PRUNING_CHAIN and not",
    ),
    Fault("the chain of prunings is nobody's", COVERAGE, " | {PRUNING_CHAIN}", ""),
    Fault(
        "a chain of another name is known by its beginning",
        RECORD_SETTINGS,
        "base in self.other_chains",
        "any(chain.startswith(one) for one in self.other_chains)",
    ),
    Fault(
        "a worker that is not configured is known",
        RECORD_SETTINGS,
        "for worker in range(workers)}",
        "for worker in range(workers + 1)}",
    ),
    Fault(
        "a heads file beside the record is not warned of",
        RECORD_SETTINGS,
        " or file.parent != self.path.parent:",
        " or True:",
    ),
    Fault(
        "a chain that is nobody's is whole", UPKEEP, "    if flaws or strange:\n", "    if flaws:\n"
    ),
    Fault(
        "a chain that is nobody's outweighs what was changed",
        UPKEEP,
        "FLAWED if flaws else STRANGE",
        "STRANGE if strange else FLAWED",
    ),
    Fault(
        "a file without a head is held against the record",
        UPKEEP,
        "    if not found.heads:\n",
        "    if False:\n",
    ),
    Fault(
        "of several heads files the first counts",
        UPKEEP,
        "for file in heads or ()",
        "for file in (heads or ())[:1]",
    ),
    Fault(
        "the head of a pruning stays here",
        UPKEEP,
        '        append_durably(file, f"\\n{line}\\n")',
        "        pass",
    ),
    Fault(
        "a head is not in the log",
        PUBLISHER,
        "            write_always(EVENT, **word_head(kept.head, now_us))\n",
        "            pass\n",
    ),
    Fault(
        "a head is not in the file",
        PUBLISHER,
        "            await self._put(self._file, kept)\n",
        "            pass\n",
    ),
    Fault(
        "a head that the log lost is not logged again",
        PUBLISHER,
        "kept if SINK.lost == lost else None",
        "kept",
    ),
    Fault(
        "a head that the file lost is not written again",
        PUBLISHER,
        "            self.failure = what\n            return\n",
        "            self.failure = what\n            self._filed = kept\n            return\n",
    ),
    Fault(
        "a file that cannot be written is said each time",
        PUBLISHER,
        "            if what != self.failure:\n",
        "            if True:\n",
    ),
    Fault(
        "a file that cannot be written is not said",
        PUBLISHER,
        "            if what != self.failure:\n",
        "            if False:\n",
    ),
    Fault(
        "a file that can be written again still fails",
        PUBLISHER,
        '            self.failure = ""\n            log.info',
        "            log.info",
    ),
    Fault(
        "at an orderly end a head that rests is not told",
        PUBLISHER,
        "        self._logged = self._filed = None\n        await",
        "        await",
    ),
    Fault(
        "half a line spoils the next",
        PUBLISHER,
        '        self._is_torn = True\n        """Whether',
        '        self._is_torn = False\n        """Whether',
    ),
    Fault("a head is not fsynced", PUBLISHER, "        os.fsync(descriptor)\n", ""),
    Fault(
        "half a head is enough",
        PUBLISHER,
        "        if os.write(descriptor, data) != len(data):",
        "        if not os.write(descriptor, data):",
    ),
    Fault(
        "a heads file begins anew",
        PUBLISHER,
        "os.O_WRONLY | os.O_APPEND | os.O_CREAT",
        "os.O_WRONLY | os.O_TRUNC | os.O_CREAT",
    ),
    Fault("a pipe that nobody reads holds heads up", PUBLISHER, " | os.O_NONBLOCK", ""),
    Fault(
        "the line before is not waited for",
        PUBLISHER,
        "        if self._under_way is not None:\n            await _wait_for(self._under_way)\n",
        "",
    ),
    Fault(
        "a head is what the store says",
        CHAIN_WRITER,
        'known to be durable."""\n        return self._last',
        'known to be durable."""\n        return self._store.head(self._chain)',
    ),
    Fault(
        "after a restart there is no head until something is written",
        CHAIN_WRITER,
        "        self._last = self._store.head(self._chain)\n",
        "        pass\n",
    ),
    Fault(
        "a line that others rely on is below the level",
        LOGS,
        "if not event.pop(_ALWAYS, False) and",
        "if event.pop(_ALWAYS, False) is not None and",
    ),
    Fault(
        "heads do not leave by themselves", OPENING, "        publisher.start()\n", "", SEEN_TEST
    ),
    Fault(
        "at the end the last head does not leave",
        OPENING,
        "        stack.push_async_callback(publisher.close)\n",
        "",
        END_TEST,
    ),
    Fault(
        "each chain's heads are compared with another's",
        CHAIN,
        "    heads = [head for head in kept if head.chain == chain]",
        "    heads = [head for head in kept if head.chain != chain]",
    ),
]
