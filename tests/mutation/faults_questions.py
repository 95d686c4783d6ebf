"""Faults in what is done with a question from the door to the answer."""

from tests.mutation.fault import Fault

ADMISSION = "coordinator/overload/admission.py"
ANSWER = "coordinator/api/response.py"
VERDICT = "coordinator/decision/verdict.py"
BALLOT = "coordinator/decision/vote.py"
CLERK = "coordinator/request_handler.py"
CORROBORATION = "coordinator/corroboration.py"

FAULTS = [
    # What is decided, by whom, once.
    Fault("a remote's leniency is the primary's where both saw the same", BALLOT, "        sight = self._sights.get((id(ask), octets))\n        if sight is None:\n            sight = self._sights[id(ask), octets] = _see(octets, ask)", "        sight = self._sights.get((0, octets))\n        if sight is None:\n            sight = self._sights[0, octets] = _see(octets, ask)"),
    Fault("the leniency of remotes is everybody's", BALLOT, "        self.ask = ask\n        self.terms", "        self.ask = ask._replace(believed=UNVALIDATED_TOO)\n        self.terms"),
    Fault("a thousand names", "proto/mpic/bounds.py", "MAX_NAMES = 100", "MAX_NAMES = 1000"),
    Fault("usable as long as the longest", ANSWER, "min(name.caa_usable_until_us for name in record.names)", "max(name.caa_usable_until_us for name in record.names)"),
    Fault("usable as long as the first", ANSWER, "min(name.caa_usable_until_us for name in record.names)", "record.names[0].caa_usable_until_us"),
    Fault("usable from the question on, whenever the lookups were sent", VERDICT, "attempt.asked_at - timedelta(microseconds=longest) + ", "attempt.asked_at + "),
    Fault("the whole roster counts though a set was asked", CORROBORATION, "Attempt(question, asked, self._clock()", "Attempt(question, self.roster, self._clock()"),
    Fault("the whole roster is asked though a set counts", CORROBORATION, "self._fanout.ask(asked, inquiry", "self._fanout.ask(self.roster, inquiry"),
    Fault("who cannot be asked is drawn like others", CORROBORATION, "choose_set(self.roster, row, self._fanout.ready(), _LOT)", "choose_set(self.roster, row, (), _LOT)"),
    Fault("the terms are those of the whole roster", CLERK, "remotes=row.remotes_asked(len(self._corroborator.roster.remotes))", "remotes=len(self._corroborator.roster.remotes)"),
    Fault("a roster that breaks the distances is asked", CORROBORATION, "        if self._breaches[row]:", "        if False:"),
    Fault("the caller's deadline is not the attempt's", CORROBORATION, "Inquiry(names, self._checks[row], budget, traceparent)", "Inquiry(names, self._checks[row], None, traceparent)"),
    Fault("what the caller no longer waits for is looked up on", CORROBORATION, "            asking.withdraw()\n            raise", "            raise"),
    Fault("nobody lingers", CORROBORATION, "    if seconds > 0:", "    if False:"),
    # The clerk.
    Fault("a stopping coordinator still decides", CLERK, "        if self._is_stopping():", "        if False:"),
    Fault("two requests are the same whatever their names", CLERK, "hashlib.sha256(request.SerializeToString(deterministic=True))", 'hashlib.sha256(f"{request.request_id} {request.issuer}".encode())'),
    Fault("two requests are the same whether or not one is a dry run", CLERK, "hashlib.sha256(request.SerializeToString(deterministic=True))", 'hashlib.sha256(f"{request.request_id} {request.issuer} {request.names} {request.account_uri} {request.validation_method}".encode())'),
    Fault("a request id is everybody's", CLERK, "RequestKey(call.caller, request.request_id,", 'RequestKey("", request.request_id,'),
    Fault("a hundred names weigh as one", CLERK, "weigh(len(request.names))", "1"),
    Fault("what was cut short is answered", CLERK, "        if error is not None:\n            raise error\n", ""),
    Fault("the caller's deadline is not heeded", CLERK, "budget = self.gate.find_budget(call.remaining())", "budget = None"),
    Fault("an attempt is recorded as nobody's", CLERK, "Asked(call.caller, request, digest)", 'Asked("", request, digest)'),
    Fault("the issuers of a reload are not in force", CLERK, "        self._counter = replace(self._counter, issuers=issuers)\n", ""),
    Fault("the bounds of a reload are not in force", CLERK, "        self.gate.admission.bounds = bounds\n", ""),
    Fault("the rules of a reload are not written down", CLERK, "        self._registry = replace(self._registry, record_builder=record_builder)\n", ""),
]  # fmt: skip
