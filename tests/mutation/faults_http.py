"""HTTP/JSON: who is let in, what is read and told, what a stranger may take up."""

from collections.abc import Sequence

from tests.mutation.fault import Fault

_HTTP = "coordinator/api/http"
AUTHENTICATION = f"{_HTTP}/authentication.py"
TOKENS = f"{_HTTP}/tokens.py"
GATE = f"{_HTTP}/gate.py"
FAILURES = f"{_HTTP}/failures.py"
CHECK = f"{_HTTP}/json_check.py"
MESSAGES = f"{_HTTP}/json_messages.py"
WRITING = f"{_HTTP}/json_writing.py"
CALLS = f"{_HTTP}/calls.py"
PROBLEMS = f"{_HTTP}/problems.py"
PATHS = f"{_HTTP}/json_paths.py"
NDJSON = f"{_HTTP}/ndjson.py"
LINES = f"{_HTTP}/line_streams.py"
BODIES = f"{_HTTP}/bodies.py"
ROUTES = f"{_HTTP}/routes.py"
SERVER = f"{_HTTP}/server.py"
CONNECTION = f"{_HTTP}/connection.py"
SETTINGS = f"{_HTTP}/settings.py"
SCHEMAS = f"{_HTTP}/schemas.py"
COMMENTS = f"{_HTTP}/comments.py"

PORT = ("tests/integration/test_http_port.py",)

FAULTS: Sequence[Fault] = (
    # Who is let in.
    Fault("a certificate of a stranger lets in", AUTHENTICATION, "        if not named:\n            return _refuse_names(names)\n", ""),
    Fault("whoever has a certificate is on the list", AUTHENTICATION, "named = [one for one in names if one in access.allowed]", "named = list(names)"),
    Fault("a required certificate is not", AUTHENTICATION, 'if certificate is None and access.client_certificates == "required":', "if False:"),
    Fault("a certificate counts where none is asked for", AUTHENTICATION, 'certificate = None if access.client_certificates == "none" else shown.certificate', "certificate = shown.certificate"),
    Fault("a token of another caller than the certificate's is taken", AUTHENTICATION, "if named is not None and caller not in named:", "if False:"),
    Fault("a token's caller need not be on the list", AUTHENTICATION, "if caller not in access.allowed:", "if False:"),
    Fault("of a token that is sent beside a certificate nothing is looked at", AUTHENTICATION, "    if not shown.authorization:\n        if named:", "    if not shown.authorization or named:\n        if named:"),
    Fault("without anything all are let in", AUTHENTICATION, "        if named:\n            return Admitted(named)\n", "        return Admitted(named or sorted(access.allowed))\n"),
    Fault("a token counts for all that the certificate names", AUTHENTICATION, "    return Admitted([caller])", "    return Admitted(named or [caller])"),
    Fault("of two headers the first token counts", AUTHENTICATION, "    if len(authorization) != 1:\n        return None\n", ""),
    Fault("any scheme has a token", AUTHENTICATION, "scheme.lower() == _SCHEME and is_token(token)", "is_token(token)"),
    Fault("a short token is looked up", AUTHENTICATION, "scheme.lower() == _SCHEME and is_token(token)", "scheme.lower() == _SCHEME"),
    Fault("a certificate that is garbage is an error of ours", AUTHENTICATION, "    except ValueError:\n        return ()\n", "    except KeyError:\n        return ()\n"),
    Fault("a token is known by its beginning", TOKENS, "hmac.compare_digest(one, presented)", "hmac.compare_digest(one[:1], presented[:1])"),
    Fault("the first token is everybody's", TOKENS, "            found = caller\n", "            found = next(iter(callers.values()))\n"),
    Fault("a new token has little chance", TOKENS, "_OCTETS = 32", "_OCTETS = 8"),
    Fault("a new token has no prefix", TOKENS, "    return _PREFIX + secrets", "    return secrets"),
    Fault("failures are not counted", GATE, "        self._metrics.failures[refused.failure].inc()\n", "", PORT),
    Fault("who is known is asked who it is", GATE, "    if refused.failure in _FORBIDDEN:", "    if False:", PORT),
    Fault("nobody is told to send a token", GATE, "headers: dict[str, str] = {hdrs.WWW_AUTHENTICATE: challenge}", "headers: dict[str, str] = {}", PORT),
    Fault("a new list is not in force over HTTP", GATE, "        self._access = access\n        for task", "        for task", ("tests/integration/test_http.py",)),
    Fault("who leaves the list goes on over its lines", GATE, "                self._closed.add(task)\n                task.cancel()", "                pass", ("tests/integration/test_http_lines.py",)),
    Fault("failures have no bound", FAILURES, "return since + _WINDOW - now if count >= _MOST else None", "return None"),
    Fault("one failure is too many", FAILURES, "if count >= _MOST else None", "if count >= 1 else None"),
    Fault("a window of failures never ends", FAILURES, "        if now - since >= _WINDOW:\n            since, count = now, 0\n", ""),
    Fault("addresses are remembered without end", FAILURES, "        if len(self._windows) > _ADDRESSES:\n            self._windows.popitem(last=False)\n", ""),
    Fault("each IPv6 address counts alone", FAILURES, "_IPV6_PREFIX = 64", "_IPV6_PREFIX = 128"),
    # What is read.
    Fault("an unknown member is passed over", CHECK, "        if key not in fields:", "        if False:"),
    Fault("no nearest name is told", CHECK, 'f"there is no such field. {suggest(to_camel(key[:_SHOWN]), known)}"', '"there is no such field"'),
    Fault("a member twice is taken", CHECK, '        yield Violation(below(path, key), "is there twice")', "        continue"),
    Fault("a member in both forms is taken", CHECK, "        if name in forms:", "        if False:"),
    Fault("two methods of one name are taken", CHECK, "        if choice.name in chosen and", "        if False and"),
    Fault("true is a number", CHECK, "if isinstance(number, bool) or not isinstance(number, int):", "if not isinstance(number, int):"),
    Fault("a number has no range", CHECK, "elif not least <= number <= most:", "elif False:"),
    Fault("a value that no enum has is taken", CHECK, "        if value not in kind.values_by_name:", "        if False:"),
    Fault("a lone surrogate is text", CHECK, "    except UnicodeEncodeError:\n        return False", "    except UnicodeEncodeError:\n        return True"),
    Fault("what is no base64 is octets", CHECK, "isinstance(value, str) and _BASE64.fullmatch(value) is not None", "isinstance(value, str)"),
    Fault("one thing is a list", CHECK, '    elif not isinstance(value, list):\n        yield _want(path, "a list", value)', "    elif not isinstance(value, list):\n        return"),
    Fault("of a list only the first is looked at", CHECK, "for index, one in enumerate(value):", "for index, one in enumerate(value[:1]):"),
    Fault("any text is a time", CHECK, "        if not (isinstance(value, str) and form.fullmatch(value)):", "        if not isinstance(value, str):"),
    Fault("every wrong place is told, however many", CHECK, "islice(_check_message(value, kind, path), most)", "_check_message(value, kind, path)"),
    Fault("NaN is a number", MESSAGES, ", parse_constant=_refuse_constant", ""),
    Fault("of a member twice the last counts", MESSAGES, "return found if len(found) == len(pairs) else Repeated(found, pairs)", "return found"),
    Fault("a text without end of levels is our error", MESSAGES, "    except RecursionError:", "    except KeyError:"),
    Fault("what is no UTF-8 is read all the same", MESSAGES, 'body.decode("utf-8")', 'body.decode("utf-8", "replace")'),
    Fault("what is wrong is not told", MESSAGES, "    if violations:\n        raise invalid_argument(violations)\n", ""),
    # What is told.
    Fault("what has no value is left out", WRITING, "            plan.empty[field.json_name] = default if convert is None else convert(default)", "            pass"),
    Fault("an empty list is left out", WRITING, "            plan.empty[field.json_name] = []", "            pass"),
    Fault("enums are told as numbers", WRITING, "return lambda number: names.get(number, number)", "return lambda number: number"),
    Fault("a value of a newer agreement is our error", WRITING, "names.get(number, number)", "names[number]"),
    Fault("long numbers are told as numbers", WRITING, "return str if field.cpp_type in _LONG else None", "return None"),
    Fault("when to ask again is told too early", PROBLEMS, "math.ceil(self.retry_after)", "math.floor(self.retry_after)"),
    Fault("when to ask again is not told", PROBLEMS, '{"Retry-After": str(math.ceil(self.retry_after)), **self.headers}', "dict(self.headers)"),
    Fault("a lack of ours is the caller's conflict", PROBLEMS, "    if status is StatusCode.FAILED_PRECONDITION and blame_error(reason) is Responsible.OURS:", "    if False:"),
    Fault("a defect is told with its text", PROBLEMS, '        text = "internal error; nothing was decided"', "        text = str(error)"),
    Fault("texts of strangers go into errors whole", PROBLEMS, "text = shorten(detail, _DETAIL_OCTETS)", "text = detail"),
    Fault("places are told as the agreement writes them", PATHS, 'f"{ROOT}.{to_camel(field)}"', 'f"{ROOT}.{field}"'),
    Fault("a key breaks out of its quotes", PATHS, """key.replace("\\\\", "\\\\\\\\").replace("'", "\\\\'")""", "key"),
    # Headers.
    Fault("a deadline that is none is none", CALLS, '    if found is None:\n        text = "must be one number', '    if found is None and not values:\n        text = "must be one number'),
    Fault("a deadline in minutes is one in seconds", CALLS, '"M": 60.0', '"M": 1.0'),
    Fault("a deadline does not come nearer", CALLS, "    return lambda: end - time.monotonic()", "    return lambda: seconds"),
    Fault("the header overrules the body's id", CALLS, "    if in_body:\n", "    if False:\n"),
    Fault("an unknown parameter is passed over", CALLS, "    if strangers:\n", "    if False:\n"),
    Fault("one of two traces is taken", CALLS, "return read_traceparent(values[0]) if len(values) == 1 else None", "return read_traceparent(values[0]) if values else None"),
    # Lines.
    Fault("a line without end is kept", NDJSON, "        if len(self._line) > self._most:\n            self._is_long = True\n            self._line.clear()\n", ""),
    Fault("the rest of a long line is a line", NDJSON, "        if is_long:\n            yield self._number, None\n", "        if is_long and not line:\n            yield self._number, None\n"),
    Fault("empty lines are not counted", NDJSON, "        self._number += 1\n        line, is_long", "        self._number += bool(self._line.strip() or self._is_long)\n        line, is_long"),
    Fault("the last line without a newline is lost", NDJSON, '"""Yield the last line, if it does not end with a newline."""\n        yield from self._end()', '"""Yield the last line, if it does not end with a newline."""\n        yield from ()'),
    Fault("a line that cannot be read ends all", NDJSON, "    except RequestError as error:", "    except KeyError as error:"),
    Fault("an id of any length is sent back", NDJSON, "line.request_id[:MAX_REQUEST_ID]", "line.request_id"),
    Fault("a stream without lines never ends", LINES, "asyncio.timeout(_IDLE_SECONDS)", "asyncio.timeout(None)", PORT),
    Fault("who hangs up is asked for all the same", LINES, "            stream.cancel()\n", "            pass\n", PORT),
    Fault("a second answer is sent into a stream", LINES, "            raise hang_up(visit.request) from None", "            raise", PORT),
    Fault("a stream that the service ends looks whole", LINES, "        if reader.problem is None and not reader.is_at_end:", "        if False:", ("tests/integration/test_http_lines.py",)),
    Fault("a stream whose reading fails looks whole", LINES, "            self.problem = to_problem(error)\n", "            self.is_at_end = True\n", PORT),
    # What a stranger may take up.
    Fault("a body is as large as it says", BODIES, "    if (request.content_length or 0) > most:\n        raise refuse_large(most)\n", "", PORT),
    Fault("chunks are kept without end", BODIES, "                if len(body) > most:\n                    raise refuse_large(most)\n", "", PORT),
    Fault("a body is waited for without end", BODIES, "asyncio.timeout(_BODY_SECONDS)", "asyncio.timeout(None)", PORT),
    Fault("a packed body is taken as it is", BODIES, '    if any(one.strip().lower() not in ("", "identity") for one in encodings):', "    if False:", PORT),
    Fault("connections have no bound", SERVER, "if len(self._connections) >= _CONNECTIONS or not self._arrivals.enter(address):", "if not self._arrivals.enter(address):", PORT),
    Fault("a handshake is waited for without end", SERVER, "ssl_handshake_timeout=_HANDSHAKE_SECONDS", "ssl_handshake_timeout=60.0", PORT),
    Fault("connections whose handshake fails count for ever", SERVER, "                return\n            self._forget(connection)\n", "                return\n", PORT),
    Fault("TLS 1.2 is spoken", SERVER, "    context.minimum_version = ssl.TLSVersion.TLSv1_3\n", "", PORT),
    Fault("no certificate is asked for", SERVER, "context.verify_mode = _VERIFY[client_certificates]", "context.verify_mode = ssl.CERT_NONE", PORT),
    Fault("a new certificate is not shown", SERVER, "        known, self._context = self._context, context", "        known = self._context", PORT),
    Fault("new connections are taken at the end", SERVER, "        for task in self._tasks:\n            task.cancel()\n", "", PORT),
    Fault("who hangs up gets its question decided", SERVER, "handler_cancellation=True", "handler_cancellation=False", PORT),
    Fault("headers are waited for without end", CONNECTION, "keepalive_timeout=_IDLE_SECONDS", "keepalive_timeout=3600.0", PORT),
    Fault("what is no HTTP is told as text", CONNECTION, "        response = tell_problem(error.details)\n", "        response = web.Response(status=error.details.status)\n", PORT),
    Fault("an answer that is not taken is held for ever", ROUTES, "async with asyncio.timeout(_WRITE_SECONDS):", "async with asyncio.timeout(None):", PORT),
    Fault("a deadline does not end the waiting", ROUTES, "async with asyncio.timeout(visit.call.remaining()) as deadline:", "async with asyncio.timeout(None) as deadline:", PORT),
    Fault("answers may be kept by others", ROUTES, '    response.headers.setdefault(hdrs.CACHE_CONTROL, "no-store")\n', "", PORT),
    # The file.
    Fault("nobody could call, and that is fine", SETTINGS, "if self.listen and self.client_certificates ==", "if False and self.client_certificates =="),
    Fault("one token is of two callers", SETTINGS, "            if one in hashes[:number]:", "            if False:"),
    Fault("a token for who may not call", SETTINGS, "            if token.caller not in allowed:", "            if False:"),
    Fault("the authority of callers is that of [tls], whatever is said", SETTINGS, "authority = self.tls.authority or shared.authority", "authority = shared.authority"),
    # The description.
    Fault("requests may have any member", SCHEMAS, '            schemas[name]["additionalProperties"] = False', "            pass"),
    Fault("comments are of their neighbour", COMMENTS, "for index, field in enumerate(message.field):", "for index, field in enumerate(message.field, 1):"),
)  # fmt: skip
