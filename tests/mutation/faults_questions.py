"""Faults in what is done with a question from the door to the answer."""

from tests.mutation.fault import Fault

ADMISSION = "coordinator/overload/admission.py"
ANSWER = "coordinator/api/response.py"
VERDICT = "coordinator/decision/verdict.py"
CHANGE = "coordinator/reload.py"
DECISION = "coordinator/decision/name_decision.py"
CORROBORATION = "coordinator/corroboration.py"

FAULTS = [
    # What is decided, by whom, once.
    Fault("a remote's leniency is the primary's where both saw the same", DECISION, "        key = believed is VALIDATED, reply", "        key = True, reply"),
    Fault("a thousand names", "proto/mpic/bounds.py", "MAX_NAMES = 100", "MAX_NAMES = 1000"),
    Fault("usable as long as the longest", ANSWER, "_set(response.caa_usable_until, min(ends))", "_set(response.caa_usable_until, max(ends))"),
    Fault("usable as long as the first", ANSWER, "_set(response.caa_usable_until, min(ends))", "_set(response.caa_usable_until, ends[0])"),
    Fault("usable from the question on, whenever the lookups were sent", VERDICT, "    since = attempt.asked_at - timedelta(microseconds=longest)", "    since = attempt.asked_at"),
    Fault("the whole roster counts though a set was asked", CORROBORATION, "Attempt(request, roster, clock()", "Attempt(request, self.rules.roster, clock()"),
    Fault("the whole roster is asked though a set counts", CORROBORATION, "fanout.ask(roster, questions", "fanout.ask(self.rules.roster, questions"),
    Fault("who cannot be asked is drawn like others", CORROBORATION, "choose_set(self.rules.roster, request.rules.row, ready, _LOT)", "choose_set(self.rules.roster, request.rules.row, (), _LOT)"),
    Fault("the terms are those of the whole roster", CORROBORATION, "remotes = row.remotes_asked(len(in_force.rules.roster.remotes))", "remotes = len(in_force.rules.roster.remotes)"),
    Fault("a roster that breaks the distances is asked", CORROBORATION, "        if self._breaches[row]:", "        if False:"),
    Fault("the caller's deadline is not the attempt's", CORROBORATION, "AttemptQuestions(request.names, budget, traceparent)", "AttemptQuestions(request.names, None, traceparent)"),
    Fault("what the caller no longer waits for is looked up on", CORROBORATION, "            asking.withdraw()\n            raise", "            raise"),
    Fault("nobody lingers", CORROBORATION, "    if seconds > 0:", "    if False:"),
    # The way in.
    Fault("a stopping coordinator still decides", CORROBORATION, "        if self._parts.is_stopping():", "        if False:"),
    Fault("two requests are the same whatever their names", CORROBORATION, "hashlib.sha256(message.SerializeToString(deterministic=True))", 'hashlib.sha256(f"{message.request_id} {message.issuer}".encode())'),
    Fault("two requests are the same whether or not one is a dry run", CORROBORATION, "hashlib.sha256(message.SerializeToString(deterministic=True))", 'hashlib.sha256(f"{message.request_id} {message.issuer} {message.names} {message.account_uri}".encode())'),
    Fault("a request id is everybody's", CORROBORATION, "RequestKey(call.caller, message.request_id,", 'RequestKey("", message.request_id,'),
    Fault("a hundred names weigh as one", CORROBORATION, "weigh(len(message.names))", "1"),
    Fault("what was cut short is answered", CORROBORATION, "        if error is not None:\n            raise error\n", ""),
    Fault("the caller's deadline is not heeded", CORROBORATION, "budget = self.limiter.find_budget(call.remaining())", "budget = None"),
    Fault("an attempt is recorded as nobody's", CORROBORATION, "AskedBy(call.caller, key.digest)", 'AskedBy("", key.digest)'),
    Fault("the issuers of a reload are not in force", CHANGE, "InForce(rules, settings.issuers(), record_builder)", "InForce(rules, self.corroborator._in_force.issuers, record_builder)"),
    Fault("the bounds of a reload are not in force", CHANGE, "        self.corroborator.limiter.admission.bounds = settings.limits.bounds()\n", ""),
    Fault("the rules of a reload are not written down", CHANGE, "InForce(rules, settings.issuers(), record_builder)", "InForce(rules, settings.issuers(), self.corroborator._in_force.record_builder)"),
]  # fmt: skip
