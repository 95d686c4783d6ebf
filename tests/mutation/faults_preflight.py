"""Faults in the officer's page."""

from tests.mutation.fault import Fault

_FILE = "tests/browser/test_preflight.py"
BROWSER = (
    f"{_FILE}::test_a_token_gets_a_cookie_that_no_script_and_no_other_site_gets",
    f"{_FILE}::test_a_form_of_another_site_does_nothing",
    f"{_FILE}::test_what_is_no_list_is_told_on_the_page",
)

FAULTS = [
    # The officer's page.
    Fault("a list is anybody's", "coordinator/api/preflight/jobs.py", "if job is not None and job.caller == caller else None", ""),
    Fault("lists are kept for ever", "coordinator/api/preflight/jobs.py", "if now - one.began >= SECONDS]", "if False]"),
    Fault("a caller has two lists checked at a time", "coordinator/api/preflight/jobs.py", "        if any(one.is_running for one in mine):", "        if False:"),
    Fault("there are lists without end", "coordinator/api/preflight/jobs.py", "        if len(self._jobs) >= MOST:", "        if False:"),
    Fault("a caller has lists without end", "coordinator/api/preflight/jobs.py", "        if len(mine) >= MOST_OF_CALLER:", "        if False:"),
    Fault("a list is asked about for issuance", "coordinator/api/preflight/asking.py", "issuer=job.issuer, dry_run=True", "issuer=job.issuer, dry_run=False"),
    Fault("a caller that has left goes on asking", "coordinator/api/preflight/asking.py", "            if not self._is_allowed(job.caller):", "            if False:"),
    Fault("what has no room is not asked again", "coordinator/api/preflight/asking.py", "if not left or error.status is not StatusCode.RESOURCE_EXHAUSTED:", "if True:"),
    Fault("every error is asked again", "coordinator/api/preflight/asking.py", "if not left or error.status is not StatusCode.RESOURCE_EXHAUSTED:", "if not left:"),
    Fault("a list of any length", "coordinator/api/preflight/handed_in.py", "    if len(asked) > MOST_LINES or", "    if"),
    Fault("names without end", "coordinator/api/preflight/handed_in.py", " or sum(len(one.reading.names) for one in asked) > MOST_NAMES:", ":"),
    Fault("dates that are there are to come", "coordinator/api/preflight/coming.py", "if begin_of(one) > now]", "if True]"),
    Fault("coming rules are today's", "coordinator/api/preflight/coming.py", "rules = ReplayRules(policy, issuers, begin_of(since))", "rules = ReplayRules(policy, issuers, now)"),
    Fault("what is not turned is told as such", "coordinator/api/preflight/coming.py", "            if found.is_reversal:", "            if True:"),
    Fault("what fails is not told apart", "coordinator/api/preflight/page.py", "states = _BAD if self.only_bad else _COUNTED", "states = _COUNTED"),
    Fault("a form of another site hands a list in", "coordinator/api/preflight/routes.py", "if request.method == hdrs.METH_POST and not self._is_ours(request):", "if False:", BROWSER),
    Fault("a form of another site signs in", "coordinator/api/preflight/routes.py", "            if not self._is_ours(request):\n", "            if False:\n", BROWSER),
    Fault("whatever token signs in", "coordinator/api/preflight/routes.py", "            self._gate.check_token(request, token)\n", "", BROWSER),
    Fault("a script gets the cookie", "coordinator/api/preflight/routes.py", '            httponly=True,\n            samesite="Strict",\n        )', '            samesite="Strict",\n        )', BROWSER),
    Fault("a form of any length", "coordinator/api/preflight/form.py", "    octets = await read_body(request, most)", "    octets = await read_body(request, 2**30)"),
    Fault("lines before the first field", "coordinator/api/preflight/form.py", "    if not octets.startswith(", "    if False and not octets.startswith("),
    Fault("anything behind the first boundary", "coordinator/api/preflight/form.py", '\\r\\n".encode()', '".encode()'),
    Fault("a form is taken apart on the loop", "coordinator/api/preflight/form.py", "return await asyncio.to_thread(_take_apart, request.headers[hdrs.CONTENT_TYPE], octets)", "return await _read_fields(request.headers[hdrs.CONTENT_TYPE], octets)"),
    Fault("empty lines without end", "coordinator/api/preflight/handed_in.py", "    if len(raw) > _LINES_READ:", "    if False:"),
    Fault("a cookie never ends", "coordinator/api/http/sessions.py", 'return token if self._clock() < until else ""', "return token"),
    Fault("browsers without end", "coordinator/api/http/sessions.py", "        if len(self._tokens) > MOST:", "        if False:"),
    Fault("who signs out stays", "coordinator/api/http/sessions.py", "        self._tokens.pop(_hash(cookie), None)", "        pass"),
    Fault("the cookie lets in everywhere", "coordinator/api/http/gate.py", "        if cookie and not shown.authorization:", "        if not shown.authorization:", BROWSER),
    Fault("fields without end", "coordinator/api/preflight/form.py", " or parts > FIELDS:", ":"),
    Fault("a form that breaks is a defect of ours", "coordinator/api/preflight/form.py", "    HttpProcessingError,\n)", ")"),
]  # fmt: skip
