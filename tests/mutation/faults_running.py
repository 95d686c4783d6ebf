"""Faults all over what keeps programs running and tells of it: a slip here, a default there."""

from tests.mutation.fault import Fault

ABSENCE = "coordinator/perspectives/restart_queue.py"
AGENT = "perspective_agent/app.py"
APP = "coordinator/app.py"
ATTEMPT_SET = "coordinator/rules/perspective_selection.py"
BREAKER = "coordinator/perspectives/liveness.py"
CAPACITY = "perspective_agent/unbound/capacity.py"
EXIT = "proto/mpic/ask/exit_status.py"
FACTS = "proto/mpic/words/facts.py"
CONFIG = "proto/mpic/runtime/config.py"
CONTROL = "perspective_agent/unbound/control.py"
EXAMINE = "perspective_agent/examine.py"
GATHER = "proto/mpic/runtime/grpc/batching.py"
IDS = "coordinator/decision/attempt_id.py"
ISSUER = "coordinator/checks/caa/issuer.py"
LIMITS = "coordinator/overload/settings.py"
METRICS = "coordinator/telemetry/metrics.py"
OPEN_FILES = "proto/mpic/runtime/open_files.py"
OWNER = "proto/mpic/runtime/certificate_owner.py"
PAIR = "proto/mpic/runtime/certificate_check.py"
PKI = "proto/mpic/runtime/pki.py"
PULSE = "perspective_agent/unbound/liveness.py"
READING = "coordinator/commands/record/read.py"
READINESS = "coordinator/telemetry/readiness.py"
RECALL = "coordinator/overload/retry_after.py"
RELOAD = "proto/mpic/runtime/reload.py"
SEEN = "coordinator/record/bloom_filter.py"
SERVICER = "perspective_agent/servicer.py"
SIEVE = "coordinator/commands/record/query.py"
STREAM = "coordinator/api/stream.py"
TEXT = "proto/mpic/text.py"
TRACE = "proto/mpic/trace.py"
WALK = "coordinator/checks/caa/walk.py"
WORKERS = "proto/mpic/runtime/workers.py"

FAULTS = [
    # Who is asked.
    Fault("the lot can be foreseen", "coordinator/corroboration.py", "_LOT = SystemRandom()", "from random import Random\n\n_LOT = Random(1)"),
    Fault("a set with too few regions is asked", ATTEMPT_SET, "    return regions >= row.minimum_regions", "    return True"),
    Fault("a set is resilient whatever may fail", ATTEMPT_SET, "        regions -= may_fail >= 0", "        pass"),
    Fault("sets are one too large", ATTEMPT_SET, "return Roster(roster.primary, order[:size])", "return Roster(roster.primary, order[: size + 1])"),
    Fault("sets smaller than the row demands pass", ATTEMPT_SET, "(wanted < row.minimum_remotes, ", "(False, "),
    Fault("sets that cannot meet the quorum pass", ATTEMPT_SET, "(wanted < row.minimum_corroborating, ", "(False, "),
    Fault("an agent that is silent lives", BREAKER, "            self.state = State.HUNG", "            pass"),
    Fault("an agent is hung one beat late", BREAKER, "if self._silent > PATIENCE:", "if self._silent > PATIENCE + 1:"),
    Fault("what is hung lives when it says something", BREAKER, "        if self.state is State.TRYING:", "        if True:"),
    Fault("a sign of life is asked for at each beat", BREAKER, "return self._silent == 1", "return True"),
    Fault("who left is waited for without end", ABSENCE, "call_later(self._patience, self._give_up)", "call_later(3600, self._give_up)"),
    Fault("questions for who left are kept without bound", ABSENCE, "if self.is_short and len(self) < self._limit:", "if self.is_short:"),
    Fault("what was kept for who left is not asked when he is back", ABSENCE, "            ask()\n", "            pass\n"),
    Fault("what nobody waits for is asked when he is back", ABSENCE, "        self._kept.pop(question_id, None)\n", "        pass\n"),
    # What is ready.
    Fault("a coordinator without its primary is ready", READINESS, 'return _explain(primary) if primary.problem else ""', 'return ""'),
    Fault("who is away counts for readiness", READINESS, "for one in asked if one.id in ready]", "for one in asked]"),
    Fault("a roster that breaks the policy is ready", READINESS, "        return str(error)\n", '        return ""\n'),
    Fault("readiness counts the primary", READINESS, "remotes = [link for link in links if not link.perspective.is_primary]", "remotes = list(links)"),
    # How much is let in.
    Fault("a bound smaller than one question", LIMITS, "Names = Annotated[int, Field(ge=MAX_NAMES", "Names = Annotated[int, Field(ge=1"),
    Fault("those turned away come back together", RECALL, "self._lot.uniform(soonest, 2 * soonest)", "soonest"),
    Fault("those turned away come back at once", RECALL, "min(bounds.least * times, bounds.most / 2)", "0.0"),
    Fault("those turned away wait longer than the most", RECALL, "min(bounds.least * times, bounds.most / 2)", "bounds.least * times"),
    Fault("a batch grows without end", GATHER, "total < BATCH_OCTETS:", "True:"),
    Fault("any number of answers wait", GATHER, "        if self.is_full:\n", "        if False:\n"),
    Fault("a full outbox is never full", GATHER, "return len(self._items) >= self._limit", "return False"),
    Fault("a stream answers one question by another's id", STREAM, "outcome.request_id = question.request_id[:MAX_REQUEST_ID]", 'outcome.request_id = "r"'),
    Fault("a defect ends a stream", STREAM, "        except Exception:\n            log.exception", "        except KeyError:\n            log.exception"),
    Fault("a stream ends before its answers", STREAM, "            if self._running:\n                await asyncio.wait(list(self._running))\n", ""),
    Fault("one stream takes any number of names", STREAM, "while self._taken and self._taken + names > min(self._most, self._limit()):", "while False:"),
    Fault("a question larger than a stream's room is never read", STREAM, "while self._taken and self._taken", "while self._taken"),
    Fault("what was answered gives no room back", STREAM, "            self._room.give_back(weight)\n", ""),
    Fault("what a newer caller demands of a message is passed over", STREAM, "    if len(UnknownFieldSet(request)):", "    if False:", ("tests/unit/coordinator/api/test_servicer.py",)),
    Fault("large questions whose answers are not taken fill the memory", STREAM, "max(weigh(len(question.names)), -(-octets // NAME_OCTETS))", "weigh(len(question.names))"),
    Fault("when to ask again is not told on a stream", STREAM, "    if error.retry_after is not None:\n        message", "    if False:\n        message"),
    Fault("nobody is told which field is wrong on a stream", STREAM, "    for one in error.violations:", "    for one in ():"),
    # The agent.
    Fault("an agent asked too much looks all the same", SERVICER, "        elif self._is_full():", "        elif False:"),
    Fault("an agent that cannot look answers that there is nothing", SERVICER, "        if resolver.cannot_look:\n            stream.report", "        if False:\n            stream.report"),
    Fault("a resolver that hangs is looked through", SERVICER, "        if self.hangs:\n", "        if False:\n"),
    Fault("a resolver not shown to validate is looked through", SERVICER, "if self.require_validation and not self.probe.validates:", "if False:"),
    Fault("a resolver that hangs is described as validating", SERVICER, "validates=self.probe.validates and not self.hangs", "validates=self.probe.validates"),
    Fault("who leaves does not say so", SERVICER, "leaving=stream.is_leaving", "leaving=False"),
    Fault("a question may take as long as it likes", EXAMINE, "min(question.timeout_ms / 1000 or timeout, timeout)", "question.timeout_ms / 1000 or timeout"),
    Fault("an agent at rest is asked for a sign of life", "coordinator/perspectives/client.py", "            if self._is_at_rest():\n", "            if False:\n"),
    Fault("an agent that is asked may rest", "coordinator/perspectives/client.py", "is_asked = len(self._pending) > 0 or self._clock.is_asked", "is_asked = self._clock.is_asked"),
    Fault("an agent that does not tell its time may rest", "coordinator/perspectives/client.py", "is_asked = len(self._pending) > 0 or self._clock.is_asked", "is_asked = len(self._pending) > 0"),
    Fault("an agent that was never heard may rest", "coordinator/perspectives/client.py", "return self._breaker.state is State.LIVE and not is_asked", "return not is_asked"),
    Fault("silence goes on after rest", BREAKER, "        self._heard = False\n        self._silent = 0\n\n    def beat", "        self._heard = False\n\n    def beat"),
    Fault("what was heard before rest is a sign after it", BREAKER, "        self._heard = False\n        self._silent = 0\n\n    def beat", "        self._silent = 0\n\n    def beat"),
    Fault("a resolver at rest is checked", PULSE, "at_rest = is_proven and not self._resolver.in_flight and not self._misses", "at_rest = False"),
    Fault("a resolver that was not proven may rest", PULSE, "at_rest = is_proven and not self", "at_rest = not self"),
    Fault("a resolver that missed may rest", PULSE, "in_flight and not self._misses", "in_flight"),
    Fault("a resolver that is heard hangs", PULSE, "        if self._resolver.heard != self._heard:", "        if False:"),
    Fault("one miss is a hang", PULSE, "_MISSES = 2", "_MISSES = 1"),
    Fault("a resolver that never replies lives", PULSE, 'return problem if self._misses >= _MISSES else ""', 'return ""'),
    Fault("a refusal is no sign of life", PULSE, "        except ValueError:\n            pass  # a refusal is a sign of life", '        except ValueError:\n            return "refused"'),
    Fault("a refused command succeeded", CONTROL, '        if reply.startswith("error"):', "        if False:"),
    Fault("a resolver that cannot be told to forget has forgotten", CONTROL, "            return False\n        return True", "            return True\n        return True"),
    Fault("servers given up are not asked anew", CONTROL, '                await self._control.command(f"flush_infra {server}")', "                pass"),
    Fault("bogus keys are not forgotten", CONTROL, '            await self._control.command("flush_bogus")\n', ""),
    Fault("one that comes while others are erased is not erased", CONTROL, "failed, self._failed, self._erasing = self._failed, set(), None", "failed, self._failed = self._failed, set()"),
    Fault("Unbound is given more than it has sockets for", CAPACITY, "    connections = int(FULL.connections * share)", "    connections = FULL.connections"),
    Fault("with few files as many questions are let in", CAPACITY, "questions=max(int(FULL.questions * share), _LEAST_QUESTIONS)", "questions=FULL.questions"),
    Fault("too few files are enough", OPEN_FILES, "    if limit < LEAST:", "    if False:"),
    Fault("the limit is lowered", OPEN_FILES, "else max(soft, most)", "else min(soft, most)"),
    # Certificates.
    Fault("a certificate of an agent is a coordinator's", OWNER, 'found["kind"] == owner.kind and ', ""),
    Fault("a certificate of any agent is this agent's", OWNER, ' and owner.id in ("", found["id"])', ""),
    Fault("a key of another certificate fits", PAIR, "        if key.public_key() != certificate.public_key():", "        if False:"),
    Fault("a certificate of another authority fits", PAIR, "    if chain and authorities and not _is_signed(chain, authorities):", "    if False:"),
    Fault("a certificate that has ended is good", PAIR, "        elif self.now > last:", "        elif False:"),
    Fault("a certificate that is yet to begin is good", PAIR, "        if self.now < first:", "        if False:"),
    Fault("a certificate that soon ends is told nobody", PAIR, "        elif self.now > last - RENEWAL:", "        elif False:"),
    Fault("a key everybody can read is told nobody", PAIR, "& stat.S_IROTH:", "& stat.S_IXOTH:"),
    Fault("an authority may have authorities below it", PKI, "path_length=0", "path_length=None"),
    Fault("a certificate may sign others", PKI, "x509.BasicConstraints(ca=False", "x509.BasicConstraints(ca=True"),
    Fault("a certificate outlives its authority", PKI, ".not_valid_after(min(start + timedelta(days=days), last))", ".not_valid_after(start + timedelta(days=days))"),
    Fault("a new authority takes the place of the old", PKI, "        if file.exists():\n            mend", "        if False:\n            mend"),
    # Configuration and reload.
    Fault("unknown keys are passed over", CONFIG, 'extra="forbid"', 'extra="ignore"'),
    Fault("text is taken for a number", CONFIG, "            strict=True,\n", ""),
    Fault("errors are warnings", CONFIG, "if errors := [problem for problem in problems if not problem.warning]:", "if errors := [problem for problem in problems if False]:"),
    Fault("a path begins where the program was started", CONFIG, "    return base / path", "    return path"),
    Fault("what needs a restart is reloaded", RELOAD, "            self._refuse_what_is_fixed(settings)\n", ""),
    Fault("files that change while they are read are taken", RELOAD, "            if self._look() != before:", "            if False:"),
    Fault("settings that were refused are in force", RELOAD, "            self._program.show_reload(succeeded=False)\n            return False", "            self._program.show_reload(succeeded=False)"),
    Fault("a refused reload succeeded", RELOAD, "self._program.show_reload(succeeded=False)", "self._program.show_reload(succeeded=True)"),
    Fault("a file that is being written is read", RELOAD, " or now != await self._look_again():", ":"),
    # The record.
    Fault("ids are not in the order of asking", IDS, "_milliseconds(moment).to_bytes(6) + os.urandom(10)", "os.urandom(16)"),
    Fault("two ids of one moment are the same", IDS, "os.urandom(10))", "bytes(10))"),
    Fault("a number that was seen was not", SEEN, "        self._bits[two >> 3] |= 1 << (two & 7)\n", ""),
    Fault("every number was seen", SEEN, "return bool(bits[one >> 3] >> (one & 7) & 1 and bits[two >> 3] >> (two & 7) & 1)", "return True"),
    Fault("a search finds what it was not asked for", SIEVE, 'self.caller in ("", record.caller)\n', "True\n"),
    Fault("a search for a name finds what collides", SIEVE, "            and (not self.name or self._has_name(record))\n", ""),
    Fault("a search for a reason finds all", SIEVE, "            and (not self.reason or any(name.reason == self.reason for name in record.names))\n", ""),
    Fault("a search for who dissents knows nothing of late replies", SIEVE, "    return told | {one.perspective_id for one in late if one.reply.dissent not in _NO_DISSENT}", "    return told"),
    Fault("a late reply about one name is one about all", SIEVE, "for one in entries.late if one.name == index", "for one in entries.late"),
    Fault("a search leaves out the moment it begins at", SIEVE, "lowest_id(self.since) if self.since else bounds.since", "bounds.since"),
    Fault("a search goes on past its end", SIEVE, "lowest_id(self.until) if self.until else bounds.until", "bounds.until"),
    # What callers and people are told.
    Fault("a worker that served and ended has not started", WORKERS, "has_started = has_started or started", "has_started = False"),
    Fault("a worker that never served is started again", WORKERS, "            if not has_started:\n", "            if False:\n"),
    Fault("nobody hears that a worker serves", WORKERS, '            parent.write(b"1")\n', "            pass\n"),
    Fault("what is ended before it serves leaves its files", "proto/mpic/runtime/grpc/serving.py", "        loop.add_signal_handler(number, task.cancel)  #", "        del number  #", ("tests/integration/test_commands.py::test_an_agent_that_is_ended_before_its_first_proof_leaves_nothing",)),
    Fault("too few files are mended by installing Unbound", "perspective_agent/doctor/resolver.py", ", mend=HOW_TO_SET", ""),
    Fault("a refusal ends in 0", EXIT, "any(is_determined(one) for one in refused) else REFUSED", "any(is_determined(one) for one in refused) else APPROVED"),
    Fault("what could not be determined is a refusal", EXIT, "    return UNDETERMINED if not any(", "    return UNDETERMINED if not refused and any("),
    Fault("one name that could not be determined hides a refusal", EXIT, "if not any(is_determined(one)", "if not all(is_determined(one)"),
    Fault("error 338 that is ours alone is a refusal", FACTS, "    if refused.responsible:\n        return refused.responsible == c.RESPONSIBLE_DOMAIN\n", ""),
    Fault("what an old coordinator could not determine is a refusal", FACTS, "return refused.reason not in _UNDETERMINED", "return True"),
    Fault("what a stranger wrote reaches the terminal", TEXT, "    if text.isprintable():\n        return text", "    if True:\n        return text"),
    Fault("what is short is told as a stranger wrote it", TEXT, "text.isascii() and text.isprintable():\n        return", "text.isascii():\n        return"),
    Fault("a short text of many octets is not cut", TEXT, "len(text) <= octets and text.isascii() and", "len(text) <= octets and"),
    Fault("a text is cut one octet late", TEXT, "    if len(encoded) <= octets:", "    if len(encoded) <= octets + 1:"),
    Fault("a trace of zeros", TRACE, '    if not int(found["trace"], 16) or not int(found["parent"], 16):\n        return None\n', ""),
    Fault("any text is a trace", TRACE, "found = _FORM.fullmatch(header) if len(header) <= _MOST else None", "found = _FORM.match(header) if len(header) <= _MOST else None"),
    Fault("a dry run is counted as an approval to issue", METRICS, "self._verdict(decision.reason, decision.check, dry_run).inc()", "self._verdict(decision.reason, decision.check, False).inc()"),
    # CAA, again.
    Fault("always understood: nothing", ISSUER, 'ALWAYS_UNDERSTOOD = frozenset({"issue", "issuewild", "iodef", "issuemail"})', 'ALWAYS_UNDERSTOOD = frozenset({"issue", "issuewild", "iodef"})'),
    Fault("a tag that is misspelt is configured", ISSUER, "    if text not in _REGISTERED and get_close_matches(text, _REGISTERED, n=1):", "    if False:"),
    Fault("a tag in capitals is configured", ISSUER, "    if text != text.lower() and _TAG.fullmatch(text.lower()):", "    if False:"),
    Fault("an excused failure ends the walk", WALK, "            excused.append(level)\n", "            excused.append(level)\n            return Walk(name, level, excused)\n"),
    Fault("a failure above an excused one is passed over", WALK, '        elif kind != "absence":\n            return', '        elif kind != "absence" and not excused:\n            return'),
    Fault("a walk that stops below the top is whole", WALK, '    if not kinds or kinds[-1] != "failure":\n        raise', "    if False:\n        raise"),
    Fault("a walk of another name is this name's", WALK, "        if level.name != domain:", "        if False:"),
]  # fmt: skip
