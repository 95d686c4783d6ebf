"""Faults in what a caller's library repeats, loses or tells, and in how `mpic` finds its parts."""

from tests.mutation.fault import Fault

CONVERSATION = "proto/mpic/client/conversation.py"
ERRORS = "proto/mpic/client/errors.py"
RETRY = "proto/mpic/client/retry.py"
REQUEST = "proto/mpic/client/request.py"
CLI = "proto/mpic/runtime/cli.py"
SERVING = "proto/mpic/runtime/grpc/serving.py"
DIAGNOSIS = "proto/mpic/client/diagnosis.py"
ASYNC = "proto/mpic/client/asynchronous.py"
SYNC = "proto/mpic/client/synchronous.py"
CONNECT = ("tests/integration/test_client.py::test_each_reason_for_no_connection_is_told_apart",)
CALLS = ("tests/integration/test_client.py",)
COMMANDS = ("tests/unit/mpic/runtime/test_command_line.py",)
STREAMS = ("tests/unit/mpic/client/test_conversation.py",)

FAULTS = [
    # What is asked again.
    Fault("a wrong request is asked again", RETRY, "    return error.status in _PASSING and not", "    return error.retry_after is not None or error.status in _PASSING and not"),
    Fault("a busy service is asked again though it does not say when", RETRY, "        return error.retry_after is not None", "        return True"),
    Fault("a busy service is given up", RETRY, "        return error.retry_after is not None", "        return False"),
    Fault("a certificate that is not accepted is shown again and again", RETRY, " and not isinstance(error, TrustError)", ""),
    Fault("UNAVAILABLE is the end", RETRY, "        grpc.StatusCode.UNAVAILABLE,\n", ""),
    Fault("the service is asked earlier than it says", RETRY, "error.retry_after * (1 + chance / 4)", "error.retry_after * chance"),
    Fault("attempts are not counted", RETRY, "return None if calls >= self.attempts else", "return None if False else"),
    Fault("one attempt is two", RETRY, "if self.attempts == 1 or not may_pass(error):", "if not may_pass(error):"),
    Fault("INTERNAL is asked again for ever", RETRY, "        if error.reason == _ONCE and calls > 1:\n            return None\n", ""),
    Fault("delays do not grow", RETRY, "2.0 ** min(failures - 1, 30)", "1.0"),
    Fault("delays grow without a bound", RETRY, "min(delay, self.longest_delay)", "delay"),
    Fault("all callers come back at the same moment", RETRY, "* (1 + chance) / 2", "* 1.0"),
    Fault("a determined refusal is asked again", RETRY, "bool(refused) and all(one", "bool(refused) and any(one"),
    Fault("an undetermined refusal is asked again though nobody wants it", RETRY, "if not self.undetermined or calls", "if calls"),
    Fault("an approval is undetermined", RETRY, "return bool(refused) and", "return"),
    # Ids.
    Fault("an id that is given is replaced", REQUEST, "    if not request.request_id:", "    if True:", STREAMS),
    Fault("a question without an id has none", REQUEST, "        request.request_id = str(uuid.uuid4())", "        pass", STREAMS),
    Fault("a text is a list of letters", REQUEST, "    elif isinstance(question, str) or not", "    elif not", STREAMS),
    Fault("a name may be any object", REQUEST, " or not all(isinstance(name, str) for name in question)", "", STREAMS),
    # Streams.
    Fault("what is unanswered when a stream breaks is lost", CONVERSATION, "                self._ask_unanswered()\n", ""),
    Fault("what was answered is asked again on the next stream", CONVERSATION, "        del self._open[opened.request.request_id]\n", ""),
    Fault("a question that waits is asked as soon as a stream breaks", CONVERSATION, " if not one.is_waiting)", ")"),
    Fault("questions are taken without end", CONVERSATION, "while self._open and self._names + opened.weight > self._limits.open_names:", "while False:"),
    Fault("a question beyond the bound is never asked", CONVERSATION, "while self._open and self._names", "while self._names"),
    Fault("room is never given back", CONVERSATION, "        self._room.set()\n", ""),
    Fault("names of answered questions still count", CONVERSATION, "        self._names -= opened.weight\n", ""),
    Fault("a silent service is waited for without end", CONVERSATION, "<= 0:\n                    raise self._no_time()", "<= 0:\n                    left = 9.0"),
    Fault("whoever reads slowly hears of a silent service", CONVERSATION, "                            self._since = self._loop.time()  # the reader may be slow, not we\n", ""),
    Fault("what does not pass is tried again", CONVERSATION, " or (self._trouble and not may_pass(self._trouble)):", ":"),
    Fault("a service that never answered is tried for a minute", CONVERSATION, "if not self._was_answered and failures >= self._retry.attempts:", "if False:"),
    Fault("a service that is started again is given up", CONVERSATION, "if not self._was_answered and failures", "if failures"),
    Fault("one attempt opens another stream", CONVERSATION, "if self._retry.attempts == 1 or (", "if ("),
    Fault("an id twice under way is taken", CONVERSATION, "        if request_id in self._open:", "        if False:"),
    Fault("an id that is too long is sent, and never matched", CONVERSATION, "if len(request_id) > MAX_REQUEST_ID or opened", "if opened"),
    Fault("a message that is too large ends the stream", CONVERSATION, " or opened.request.ByteSize() > REQUEST_OCTETS // 2:", ":"),
    Fault("an outcome of nobody ends it", CONVERSATION, "            if opened is None:\n", "            if False:\n"),
    Fault("an error that may pass is told", CONVERSATION, "return delay if is_in_time else None", "return None"),
    Fault("a question is asked again beyond its time", CONVERSATION, "return delay if is_in_time else None", "return delay"),
    Fault("what the source raises is not heard", CONVERSATION, "    if taking.done() and not taking.cancelled() and (error := taking.exception()):", "    if error := None:"),
    Fault("a stream goes on when nobody reads", CONVERSATION, "            stream.cancel()\n", ""),
    Fault("the source goes on when nobody reads", CONVERSATION, "            taking.cancel()\n", "            pass\n"),
    Fault("a stream is not ended when all is answered", CONVERSATION, "                    await stream.done_writing()\n", ""),
    # What is told.
    Fault("the reason of somebody else is ours", ERRORS, 'info.reason if info.domain == _DOMAIN else ""', "info.reason"),
    Fault("wrong fields are not told", ERRORS, "for f in bad.field_violations]", "for f in ()]"),
    Fault("when to ask again is not read", ERRORS, 'if retry.HasField("retry_delay") else None', "if False else None"),
    Fault("a stream says that asking again helps at once", ERRORS, 'if error.HasField("retry_after")', "if True"),
    Fault("details that are none break the client", ERRORS, "with suppress(DecodeError):", "with suppress():"),
    Fault("a service that is shutting down was not reached", ERRORS, "if failure.status is grpc.StatusCode.UNAVAILABLE and not failure.reason:", "if failure.status is grpc.StatusCode.UNAVAILABLE:"),
    Fault("whatever has a reason is the service's failure", ERRORS, "c.RESPONSIBLE_CALLER if self.reason in _CALLERS else", "c.RESPONSIBLE_CALLER if False else"),
    Fault("too little time is the service's failure", ERRORS, '        "DEADLINE_TOO_SHORT",\n', ""),
    # Why there is no connection.
    Fault("a wrong name is a wrong authority", DIAGNOSIS, "if found.verify_code not in _WRONG_NAME:", "if True:", CONNECT),
    Fault("the names of a certificate are not told", DIAGNOSIS, 'if kind in {"DNS", "IP Address"}]', 'if kind == "URI"]', CONNECT),
    Fault("the name that must be there is the host", DIAGNOSIS, "return self.server_name or self.host_port[0]", "return self.host_port[0]", CONNECT),
    Fault("a server that refuses our certificate is unreachable", DIAGNOSIS, "else CertificateRefusedError(_unavailable(text))", "else NoConnectionError(_unavailable(text))", CONNECT),
    Fault("a key of another certificate is used", DIAGNOSIS, "                _make_context(paths)\n    except", "                pass\n    except", CONNECT),
    Fault("nobody finds out why there is no connection", ASYNC, "if not isinstance(error, NoConnectionError) or seconds <= 0:", "if True:", CONNECT),
    # The library as a whole.
    Fault("a call is not asked again", ASYNC, "                if delay is None or time.monotonic() + delay >= deadline:\n                    raise", "                if True:\n                    raise", ("tests/integration/test_client_calls.py",)),
    Fault("a call goes on after its time", ASYNC, "                if delay is None or time.monotonic() + delay >= deadline:\n                    raise", "                if delay is None:\n                    raise", ("tests/integration/test_client_calls.py",)),
    Fault("the time of a call is that of the client", ASYNC, "(self._timeout if timeout is None else timeout)", "self._timeout", ("tests/integration/test_client_calls.py",)),
    Fault("neither id is an id", ASYNC, "    if bool(record_id) == bool(request_id):", "    if False:", ("tests/integration/test_client_calls.py",)),
    Fault("the thread of a source never ends", SYNC, "        self._is_stopped = True\n", "        pass\n", ("tests/integration/test_client_calls.py",)),
    # The command.
    Fault("a module of ours that is missing is said to be another's", CLI, '        if (error.name or "").partition(".")[0] in _OURS:\n            raise\n', "", COMMANDS),
    Fault("every command has the same extra", CLI, "    extra = _EXTRAS.get(word)", '    extra = "agent"', COMMANDS),
    Fault("a shell's line is not read", CLI, '    if "_MPIC_COMPLETE" in environment:', "    if False:", COMMANDS),
    # Reflection.
    Fault("reflection does not tell what there is", SERVING, "reflection.aio.ReflectionServicer((*self._services, *_OF_EVERYBODY))", "reflection.aio.ReflectionServicer(_OF_EVERYBODY)"),
    Fault("nobody may ask for reflection", SERVING, "    return {**allowed, **dict.fromkeys(_OF_EVERYBODY, everybody)}", "    return {**allowed, HEALTH: everybody}"),
]  # fmt: skip
