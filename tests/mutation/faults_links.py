"""Faults in the link to a perspective and in what is believed of what comes over it."""

from tests.mutation.fault import Fault

LINK = "coordinator/link.py"
OBSERVATION = "coordinator/observation.py"
PENDING = "coordinator/pending.py"
PROBLEM = "coordinator/link_problem.py"
STATEMENT = "coordinator/statement.py"

FAULTS = [
    # Who is asked, and who answers.
    Fault("two answers to one question are both taken", PENDING, "self._open.pop(question_id, None)\n        if receive", "self._open.get(question_id)\n        if receive"),
    Fault("what was never asked is passed over", PENDING, 'raise _garbage("it answers', '_garbage("it answers'),
    Fault("an answer that comes late is garbage", PENDING, "        if self._open.pop(question_id, None) is not None:\n            self._expect_late(1)", "        self._open.pop(question_id, None)"),
    Fault("what was given up is answered", PENDING, "        if self._open.pop(question_id, None) is not None:\n            self._expect_late(1)", "        self._expect_late(1)"),
    Fault("any number of late answers", PENDING, "min(self._late + answers, MOST_LATE)", "self._late + answers"),
    Fault("any number of empty messages", PENDING, "        if self._empty > MOST_EMPTY:", "        if False:"),
    Fault("empty messages count for ever", PENDING, "        if now - self._since > EMPTY_SECONDS:", "        if self._since < 0:"),
    Fault("what is lost is answered by nobody", PENDING, "            receive(self._perspective, question_id, problem)", "            pass"),
    Fault("answers of any size are kept", PENDING, "receive(self._perspective, question_id, check_answer(encoded))", "receive(self._perspective, question_id, encoded)"),
    Fault("a link that does not stand is asked", LINK, "        if self._outbox is None or self.problem is not None:", "        if self._outbox is None:"),
    Fault("any number of questions may be open", LINK, "if len(self._pending) >= self._options.limit or self._outbox.is_full:", "if self._outbox.is_full:"),
    Fault("any number of questions wait to be sent", LINK, "if len(self._pending) >= self._options.limit or self._outbox.is_full:", "if len(self._pending) >= self._options.limit:"),
    Fault("nobody waits for what was asked", LINK, "        self._pending.add(question_id, receive)\n", ""),
    Fault("what is asked is not sent", LINK, "        self._outbox.put(entry)\n        self._pending", "        self._pending"),
    Fault("what is withdrawn is not sent", LINK, "not self._outbox.is_full:\n            self._outbox.put(entry)", "not self._outbox.is_full:\n            pass"),
    Fault("who was given up is asked again over the same connection", LINK, "        elif self._breaker.state is State.LIVE:\n            self._admit", "        else:\n            self._admit"),
    Fault("an agent that answers is not heard", LINK, "        self._breaker.hear()\n", ""),
    Fault("an agent that hangs is waited for", LINK, "            if self._breaker.state is State.HUNG:", "            if False:"),
    Fault("what hangs fails when the connection is closed", LINK, "                self._lose(problem)  # at once: to close a connection takes its time\n", ""),
    Fault("nobody asks for a sign of life", LINK, "                outbox.put(_HEARTBEAT)\n", "                pass\n"),
    Fault("who cannot look is asked", LINK, "        if cannot_look:\n", "        if False:\n"),
    Fault("who cannot look is out of reach", LINK, "Problem(c.DISSENT_NOT_LOOKED, cannot_look)", "Problem(c.DISSENT_UNREACHABLE, cannot_look)"),
    Fault("who leaves is asked on", LINK, "        if response.leaving:\n", "        if False:\n"),
    Fault("who leaves is not told which is the last", LINK, "            self.withdraw(_LAST)\n", ""),
    Fault("who leaves is taken for gone", LINK, "        self._absence.note()\n", ""),
    Fault("what waited for who is back is not asked", LINK, "            self._absence.end()\n", ""),
    Fault("what is open is not failed when the link is lost", LINK, "        self._pending.fail(problem)\n", ""),
    Fault("a lost link stands", LINK, "        self.problem = problem\n        self._pending", "        self._pending"),
    Fault("a connection that is over is written to", LINK, "        self._channel = self._outbox = None\n", ""),
    Fault("a start waits for who is never heard", LINK, "        self._channel = self._outbox = None\n        self._settled.set()", "        self._channel = self._outbox = None"),
    Fault("a link ends with its first connection", LINK, "        while True:\n            started", "        for _ in range(1):\n            started"),
    Fault("what cannot be handled ends a link for ever", LINK, "        except Exception:  # whatever an agent", "        except ZeroDivisionError:  # whatever an agent"),
    Fault("an agent whose stream ends is asked on", LINK, "        return _LEFT if self.problem is _LEFT else ended", "        return _LEFT"),
    Fault("any certificate of the authority is this agent's", LINK, "self.address, self._options.tls, perspective.server_name", "self.address, self._options.tls, self.address.partition(':')[0]"),
    Fault("late answers of one connection may come over the next", LINK, "        self._pending = Pending(self.perspective)\n        self._clock", "        self._clock"),
    # What is believed.
    Fault("an agent may state another's id", STATEMENT, "(stated.perspective_id, stated.rir) != (expected.id, expected.rir)", "stated.rir != expected.rir"),
    Fault("an agent may state another region", STATEMENT, "(stated.perspective_id, stated.rir) != (expected.id, expected.rir)", "stated.perspective_id != expected.id"),
    Fault("who answers is not asked who he is", STATEMENT, "    check_identity(response, expected, address)\n    return response", "    return response"),
    Fault("who describes himself is not asked who he is", STATEMENT, "    check_identity(description, expected, address)\n", ""),
    Fault("another agent is out of reach", STATEMENT, "LinkError(Problem(c.DISSENT_MISIDENTIFIED, detail))", "LinkError(Problem(c.DISSENT_UNREACHABLE, detail))"),
    Fault("garbage is out of reach", STATEMENT, "return LinkError(Problem(c.DISSENT_GARBAGE, detail))", "return LinkError(Problem(c.DISSENT_UNREACHABLE, detail))"),
    Fault("garbage ends in a trace", STATEMENT, '    except DecodeError as error:\n        raise _garbage(f"the agent sent', '    except KeyError as error:\n        raise _garbage(f"the agent sent'),
    Fault("any number of fields is read", STATEMENT, "    if len(message) > _LARGE and count_fields(message, _MOST_FIELDS) > _MOST_FIELDS:", "    if False:"),
    Fault("observations of any size are kept", STATEMENT, "if octets <= OBSERVATION_OCTETS and lookups <= LOOKUPS:", "if lookups <= LOOKUPS:"),
    Fault("any number of times is kept", STATEMENT, "if octets <= OBSERVATION_OCTETS and lookups <= LOOKUPS:", "if octets <= OBSERVATION_OCTETS:"),
    Fault("an observation one octet too large", STATEMENT, "if octets <= OBSERVATION_OCTETS and", "if octets <= OBSERVATION_OCTETS + 1 and"),
    Fault("descriptions of any size are read", STATEMENT, "        if len(message) > _DESCRIPTION_OCTETS:", "        if False:"),
    Fault("what an agent says of itself is kept whole", STATEMENT, "    return cut_description(description)", "    return description"),
    Fault("unknown fields of a description are kept", STATEMENT, "    kept.DiscardUnknownFields()\n", ""),
    Fault("any number of checks is kept", STATEMENT, "for one in kept.checks[:_MOST_CHECKS]]", "for one in kept.checks]"),
    Fault("a certificate of another is a network's failure", PROBLEM, 'return Problem(c.DISSENT_MISIDENTIFIED, f"the certificate', 'return Problem(c.DISSENT_UNREACHABLE, f"the certificate'),
    Fault("what is too large is a network's failure", PROBLEM, 'return Problem(c.DISSENT_GARBAGE, f"the agent sent more', 'return Problem(c.DISSENT_UNREACHABLE, f"the agent sent more'),
    Fault("what an agent says is told as it is", PROBLEM, 'object.__setattr__(self, "detail", shorten(self.detail, DETAIL_OCTETS))', "pass"),
    Fault("observations of any size are read", OBSERVATION, "    if len(octets) > OBSERVATION_OCTETS:", "    if False:"),
    Fault("unknown fields are handed on", OBSERVATION, "    if discard_unknown(observation):", "    if False:"),
    Fault("any number of findings", OBSERVATION, "    if len(observation.findings) > _FINDINGS:", "    if False:"),
    Fault("any number of records", OBSERVATION, "        if len(lookup.records.rdata) > RECORDS:", "        if False:"),
    Fault("any number of aliases", OBSERVATION, "        if len(lookup.aliases) > ALIASES:", "        if False:"),
    Fault("only walks are counted", OBSERVATION, "(*finding.caa_walk.levels, finding.addresses.lookup)", "finding.caa_walk.levels"),
    Fault("an observation that does not parse is sound", OBSERVATION, '        raise MalformedFindingError(f"{len(octets)} octets that do not parse") from error', "        return"),
]  # fmt: skip
