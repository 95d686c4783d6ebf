"""Faults in whose failure it is, and in that a request has one verdict."""

from tests.mutation.fault import Fault

ANSWER = "coordinator/api/response.py"
REPORT = "coordinator/api/report.py"
FITTING = "coordinator/api/shortening.py"
OBSERVATION = "coordinator/decision/observation.py"
CORROBORATION = "coordinator/corroboration.py"
DETERMINATION = "coordinator/record/determination.py"
INSERTION = "coordinator/record/stores/postgresql/insert.py"
RECORDER = "coordinator/record/writer.py"
CHAIN_WRITER = "coordinator/record/chain_writer.py"
REPEATS = "coordinator/record/idempotency.py"
RESPONSIBILITY = "coordinator/rules/responsibility.py"
ROWS = "coordinator/record/stores/sqlite/rows.py"
WAITING = "coordinator/record/write_queue.py"

FAULTS = [
    # Whose failure it is.
    Fault("an agent out of reach is the domain's failure", RESPONSIBILITY, "c.DISSENT_UNREACHABLE: OURS", "c.DISSENT_UNREACHABLE: DOMAIN"),
    Fault("an agent that is late is the domain's failure", RESPONSIBILITY, "c.DISSENT_LATE: OURS", "c.DISSENT_LATE: DOMAIN"),
    Fault("an agent that did not look is the domain's failure", RESPONSIBILITY, "c.DISSENT_NOT_LOOKED: OURS", "c.DISSENT_NOT_LOOKED: DOMAIN"),
    Fault("addresses that differ are our failure", RESPONSIBILITY, "c.DISSENT_DIFFERS: DOMAIN", "c.DISSENT_DIFFERS: OURS"),
    Fault("a set that forbids is our failure", RESPONSIBILITY, "c.REASON_PRIMARY_FORBIDS: DOMAIN", "c.REASON_PRIMARY_FORBIDS: OURS"),
    Fault("a primary out of reach is the domain's failure", RESPONSIBILITY, "c.REASON_PRIMARY_UNAVAILABLE: OURS", "c.REASON_PRIMARY_UNAVAILABLE: DOMAIN"),
    Fault("a resolver that cannot be reached is the domain's failure", RESPONSIBILITY, "o.FAILURE_KIND_RESOLVER_UNAVAILABLE: OURS", "o.FAILURE_KIND_RESOLVER_UNAVAILABLE: DOMAIN"),
    Fault("a dissent of a later release is the domain's failure", RESPONSIBILITY, "OF_DISSENT.get(dissent, OURS)", "OF_DISSENT.get(dissent, DOMAIN)"),
    Fault("338 is always the domain's", RESPONSIBILITY, "return OURS if may_be_ours(remotes, needed) else DOMAIN", "return DOMAIN"),
    Fault("338 is always ours", RESPONSIBILITY, "return OURS if may_be_ours(remotes, needed) else DOMAIN", "return OURS"),
    Fault("who failed by our fault would not have corroborated", RESPONSIBILITY, "if blame_dissent(one.dissent) is not DOMAIN]", "if blame_dissent(one.dissent) is None]"),
    Fault("a roster that could not meet it is the domain's", RESPONSIBILITY, " or not _is_met(remotes, needed)", ""),
    Fault("regions are not needed", RESPONSIBILITY, " and len(regions) >= needed.regions", ""),
    Fault("what was cut short is always the caller's", RESPONSIBILITY, "return OURS if any(blame_dissent(one) is OURS for one in dissents) else CALLER", "return CALLER"),
    Fault("what our primary cut short is the caller's", RESPONSIBILITY, "[primary, *(one.dissent for one in remotes)]", "[one.dissent for one in remotes]"),
    Fault("the primary votes", DETERMINATION, "for one, dissent in pairs][1:]", "for one, dissent in pairs]"),
    Fault("what determined nothing is remembered", DETERMINATION, "return not refused or any(blame_name(record, one) is Responsible.DOMAIN for one in refused)", "return True"),
    Fault("a refusal is not remembered", DETERMINATION, "return not refused or any(blame_name(record, one) is Responsible.DOMAIN for one in refused)", "return not refused"),
    Fault("one name of which nothing is known forgets the others", DETERMINATION, "any(blame_name(record, one) is Responsible.DOMAIN for one in refused)", "all(blame_name(record, one) is Responsible.DOMAIN for one in refused)"),
    Fault("a verdict that was not told is remembered", DETERMINATION, "    if record.superseded_by:\n        return False\n", ""),
    Fault("ours is told as the domain's", REPORT, "Responsible.OURS: c.RESPONSIBLE_SERVICE", "Responsible.OURS: c.RESPONSIBLE_DOMAIN"),
    Fault("who is responsible is not told", ANSWER, "        verdict.responsible = to_message(blame_name(record, name))", "        pass"),
    # An answer has a bound, whatever was seen.
    Fault("an answer is larger than callers take", ANSWER, "    if left >= 0:\n", "    if True:\n"),
    Fault("a stream's message has no end", ANSWER, "        return room - left\n", "        return 0\n"),
    Fault("a check corroborates though the primary failed", ANSWER, "sum(passes[1:]) if passes and passes[0] else 0", "sum(passes[1:])"),
    Fault("what a remote did not pass corroborates", ANSWER, "its[index] == c.OUTCOME_PASSED for its", "True for its"),
    Fault("one perspective is described as another", REPORT, "@lru_cache(1024)  # nearly all records have the same few perspectives\ndef _describe(recorded: bytes) -> c.PerspectiveReport:", "def _describe(recorded: bytes, _made=[]) -> c.PerspectiveReport:\n    _made.append(recorded)\n    recorded = _made[0]"),
    Fault("what came late has no bound", ANSWER, "        if room < 0:\n            break\n        fill =", "        fill ="),
    Fault("how much came late is not told", ANSWER, "    response.late_left_out = len(late) - len(response.late)\n", ""),
    Fault("nobody says that something is left out", REPORT, "    report.left_out = True\n", "", ["tests/unit/coordinator/api/test_response.py::test_no_answer_is_larger_than_clients_take"]),
    Fault("an observation that is garbage is handed on", REPORT, "    except MalformedFindingError:\n        return None\n", "    except MalformedFindingError:\n        return o.Observation.FromString(octets)\n", ["tests/unit/coordinator/api/test_response.py::test_an_observation_that_nobody_could_read_is_not_handed_on"]),
    Fault("names that are wanted come last", FITTING, "(not wanted(one), whole[one])", "(wanted(one), whole[one])", ["tests/unit/coordinator/api/test_response.py::test_of_the_names_that_are_wanted_nothing_is_left_out"]),
    Fault("who sends much leaves out others", FITTING, "(not wanted(one), whole[one])", "(not wanted(one), -whole[one])", ["tests/unit/coordinator/api/test_response.py::test_who_sends_much_leaves_out_itself_and_nobody_else"]),
    Fault("what a large lookup has is not counted", OBSERVATION, "        if lookup.ByteSize() > _FEW:", "        if False:"),
    Fault("what a large finding has is not counted", OBSERVATION, "    if finding.ByteSize() <= _FEW:", "    if True:"),
    Fault("an observation is taken for another", OBSERVATION, "lru_cache(_KEPT)(_read)", "lru_cache(_KEPT)(lambda _: _read(b''))"),
    # One verdict for a request.
    Fault("what came second is told", CORROBORATION, "            return await self._parts.idempotency.read_first(key, superseded_by)", "            return entry.question"),
    Fault("another request's verdict is told in its place", REPEATS, "        _check_same(key, question.request_digest)\n        return question\n\n    async", "        return question\n\n    async"),
    Fault("where the first cannot be read nothing is told", REPEATS, '        if question is None:\n            text = "the audit', '        if False:\n            text = "the audit'),
    Fault("another caller's verdict is told", REPEATS, "question.caller != key.caller or ", ""),
    Fault("a verdict whose term collides is told", REPEATS, "            if question.request_id == key.request_id:", "            if True:"),
    Fault("an undetermined attempt is told again", REPEATS, " or not is_determination(question):", ":"),
    Fault("who asks again while it is decided has it decided again", REPEATS, "            if found := await asyncio.shield(running[1]):\n                return found\n", "            break\n"),
    Fault("who asks again ends the first when he goes", REPEATS, "await asyncio.shield(running[1])", "await running[1]"),
    Fault("a call that was cancelled goes on", REPEATS, "        if is_cancelled():  # it", "        if False:  # it"),
    Fault("what others write is not looked for", REPEATS, "is_known or memory.is_shared or now < self._complete_at", "is_known or now < self._complete_at"),
    Fault("what was asked before the start is not looked for", REPEATS, "is_known or memory.is_shared or now < self._complete_at", "is_known or memory.is_shared"),
    Fault("what was asked is forgotten at once", REPEATS, "            self._recent.add(key.term)", "            pass"),
    Fault("a full memory forgets", REPEATS, "            self._complete_at = now + window\n        self._older", "            pass\n        self._older"),
    Fault("half of what was asked is forgotten early", REPEATS, "self._older, self._recent = self._recent, BloomFilter()", "self._older, self._recent = BloomFilter(), BloomFilter()"),
    Fault("nothing is ever forgotten", REPEATS, "        if now - self._turned_at < window and not is_full:\n            return\n", "        return\n"),
    Fault("verdicts older than the window are told", REPEATS, "since = lowest_id(memory.clock() - memory.window)", "since = bytes(16)"),
    Fault("a store that cannot be read has no verdict", REPEATS, "            wanted.set_exception(found)", "            wanted.set_result([])"),
    Fault("no verdict claims its request", WAITING, "    return Claim(request_term(question.caller, question.request_id), since)", "    return None"),
    Fault("what determined nothing claims its request", WAITING, " or not is_determination(entry.question):", ":"),
    Fault("a request id is claimed from all callers", WAITING, "request_term(question.caller, question.request_id)", 'request_term("", question.request_id)'),
    Fault("a call that goes takes its record along", WAITING, "    while not done.done():\n        with suppress(asyncio.CancelledError):\n            await asyncio.shield(done)\n", "    await asyncio.shield(done)\n"),
    Fault("nobody is told that his verdict came second", WAITING, "self._durable.set_result(superseded.get(self.entry.record))", "self._durable.set_result(None)"),
    Fault("what came second does not say so in the record", WAITING, "    written.question.superseded_by = holder\n", ""),
    Fault("what came second claims on", WAITING, "return Entry(entry.record, written.SerializeToString(), entry.terms)", "return Entry(entry.record, written.SerializeToString(), entry.terms, entry.claim)"),
    Fault("what came second is not recorded", CHAIN_WRITER, "supersede(one, lost[one.record]) if one.record in lost else one\n                    for one in entries", "one\n                    for one in entries if one.record not in lost"),
    Fault("the claim of one loses the whole batch", CHAIN_WRITER, "            except ClaimedError as error:", "            except ZeroDivisionError as error:"),
    Fault("claims are of all time", RECORDER, "since = lowest_id(self._clock() - self._window) if self._window else None", "since = bytes(16) if self._window else None"),
    Fault("nothing is claimed", RECORDER, "since = lowest_id(self._clock() - self._window) if self._window else None", "since = None"),
    Fault("who holds a claim is overrun", ROWS, "excluded.record WHERE record < ?", "excluded.record WHERE record < ? OR 1"),
    Fault("an old claim is held for ever", ROWS, "excluded.record WHERE record < ?", "excluded.record WHERE record < ? AND 0"),
    Fault("a claim that is held passes", ROWS, "    raise ClaimedError({term: record for term, record in found if record not in ours})", "    return"),
    Fault("own claims are another's", ROWS, " if record not in ours})", "})"),
    Fault("old requests are never forgotten", ROWS, "        if batch.sequence % _BATCHES_TO_FORGET == 0:", "        if False:"),
    Fault("requests are forgotten while they count", ROWS, "DELETE FROM verdict WHERE record < ?", "DELETE FROM verdict WHERE record >= ?"),
    Fault("an old claim is held for ever in a database", INSERTION, "for term, record, is_old in holders if not is_old", "for term, record, is_old in holders"),
    Fault("a claim that is held passes in a database", INSERTION, "        if held := {", "        if False and {"),
    Fault("any conflict is one of claims", INSERTION, "        if error.diag.constraint_name != _VERDICT_KEY:\n            raise\n", ""),
    # Who came second.
    Fault("what came second counts as a verdict", CORROBORATION, "            log_superseded(attempt, superseded_by, call.caller, call.trace_id)\n", "            self._show(attempt, entry.question, call)\n"),
    Fault("who has gone counts as told", CORROBORATION, "        if not is_cancelled():\n            self", "        if True:\n            self"),
    # A place in the next batch.
    Fault("a place that is left holds up the batch", WAITING, '        """Let the batch go without an entry where none was written."""\n        self._leave()', '        """Let the batch go without an entry where none was written."""'),
    Fault("a place without a write spoils the batch", WAITING, "return [entry for entry in written if entry is not None]", "return list(written)"),
    Fault("the batch goes without those that write", WAITING, "    for place in places:\n        await place.is_taken\n", ""),
    Fault("a verdict is frozen before its turn", WAITING, "        await _outlast(self._turn)\n", ""),
    Fault("who waits for his turn is not told that it fails", WAITING, "for waits_for in (self._turn, self._durable):", "for waits_for in (self._durable,):"),
    Fault("who has written is not told that it fails", WAITING, "for waits_for in (self._turn, self._durable):", "for waits_for in (self._turn,):"),
    Fault("an entry that cannot be worded ends who adds it", RECORDER, "        except Exception as error:  # noqa: BLE001 - nobody is there to be told", "        except KeyError as error:"),
    Fault("late replies to what is not written are kept", RECORDER, "        return not isinstance(waiting, Place) and waiting.record in self._unwritten", "        return False"),
    Fault("a record id leads to what is not recorded", "coordinator/record/unrecorded.py", '        entry.question.ClearField("id")\n', "        pass\n"),
]  # fmt: skip
