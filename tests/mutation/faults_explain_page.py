"""The page that explains a record: who sees it, what stands in it, what its button may do."""

from collections.abc import Sequence

from tests.mutation.fault import Fault

_EXPLAIN = "coordinator/api/explain"
LINKS = f"{_EXPLAIN}/links.py"
ROUTES = f"{_EXPLAIN}/routes.py"
ASKED = f"{_EXPLAIN}/asked.py"
LANGUAGES = f"{_EXPLAIN}/languages.py"
AGAIN = f"{_EXPLAIN}/again.py"
BOUNDS = f"{_EXPLAIN}/bounds.py"
PAGE = f"{_EXPLAIN}/page.py"
VALUES = f"{_EXPLAIN}/values.py"
NOTICES = f"{_EXPLAIN}/notices.py"
HEADERS = f"{_EXPLAIN}/headers.py"
TEMPLATES = f"{_EXPLAIN}/templates"
SETTINGS = "coordinator/api/http/settings.py"
CERTIFICATES = "coordinator/settings/certificates.py"
ANSWERS = "coordinator/api/answers.py"
QUERIES = "coordinator/api/record_queries.py"
RELOAD = "coordinator/reload.py"
GATE = "coordinator/api/http/gate.py"

PAGES = ("tests/unit/coordinator/api/explain/test_page.py",)
ROUTED = ("tests/unit/coordinator/api/explain/test_routes.py",)
LINKED = ("tests/unit/coordinator/api/explain/test_links.py",)
SET = ("tests/unit/coordinator/api/http/test_settings.py",)

FAULTS: Sequence[Fault] = (
    # Links.
    Fault("any signature opens a page", LINKS, "        if not is_signed or _SECONDS", "        if _SECONDS"),
    Fault("a link opens every record", LINKS, 'f"{_PURPOSE}\\n{record_id}\\n{expires}"', 'f"{_PURPOSE}\\n{expires}"'),
    Fault("a link may be prolonged by whoever has it", LINKS, 'f"{_PURPOSE}\\n{record_id}\\n{expires}"', 'f"{_PURPOSE}\\n{record_id}"'),
    Fault("a signature is for no purpose", LINKS, 'f"{_PURPOSE}\\n{record_id}\\n{expires}"', 'f"{record_id}\\n{expires}"'),
    Fault("a link never expires", LINKS, "return self._clock().timestamp() < int(proof.expires)", "return True"),
    Fault("a link lives a second longer", LINKS, "self._clock().timestamp() < int(proof.expires)", "self._clock().timestamp() <= int(proof.expires)"),
    Fault("an end that is no number breaks the page", LINKS, "if not is_signed or _SECONDS.fullmatch(proof.expires) is None:", "if not is_signed:"),
    Fault("the beginning of a signature is enough", LINKS, 'hmac.compare_digest(wanted.encode(), proof.signature.encode(errors="replace"))', "wanted.startswith(proof.signature)"),
    Fault("a signature that is no ASCII breaks the page", LINKS, 'proof.signature.encode(errors="replace")', "proof.signature.encode()"),
    Fault("a new key revokes nothing", LINKS, "        self.terms = terms\n\n    def make", "        self.terms = self.terms or terms\n\n    def make"),
    Fault("without a key links open", LINKS, "        if self.terms is None:\n            return False\n", "        if self.terms is None:\n            return True\n"),
    Fault("what is not recorded has a link", LINKS, "if self.terms is None or not record_id:", "if self.terms is None:"),
    Fault("a link lives for ever as it is made", LINKS, "int(self._clock().timestamp()) + lifetime", "int(self._clock().timestamp()) + 1000 * lifetime"),
    Fault("a short key will do", LINKS, "    if len(key) < KEY_OCTETS:", "    if len(key) < 1:"),
    Fault("what is no base64 is a key", LINKS, ", validate=True)", ")"),
    Fault("answers have no link", ANSWERS, "        response.explanation_url = self._make_link(response.record_id)\n", "", LINKED),
    Fault("the link is of no weight in a stream", ANSWERS, "return octets + len(response.explanation_url)", "return octets", LINKED),
    Fault("a reload takes no new key", RELOAD, "            self.explanation_links.adopt(terms)\n", "", ("tests/unit/coordinator/test_reload.py",)),
    Fault("public_url by http", SETTINGS, 'parts.scheme == "https"', 'parts.scheme in ("http", "https")', SET),
    Fault("public_url with a query", SETTINGS, 'set(url) & set("?#")', 'set(url) & set("#")', SET),
    Fault("public_url with a fragment", SETTINGS, 'set(url) & set("?#")', 'set(url) & set("?")', SET),
    Fault("public_url with a user", SETTINGS, '        and "@" not in parts.netloc\n', "", SET),
    Fault("public_url without end", SETTINGS, "        and len(url) <= _URL_OCTETS\n", "", SET),
    Fault("public_url with a quote", SETTINGS, "        and not set(url) & set(' \"<>\\\\^`{|}')\n", "", SET),
    Fault("two slashes before explain", SETTINGS, 'return url.rstrip("/")', "return url", SET),
    Fault("links without a port", SETTINGS, "if self.public_url and not self.listen:", "if False:", SET),
    Fault("links without a key", SETTINGS, "if self.public_url and self.link_key_file is None:", "if False:", SET),
    Fault("a key for no links", SETTINGS, "if self.link_key_file is not None and not self.public_url:", "if False:", SET),
    Fault("a link lives as many seconds as it should days", SETTINGS, "self.link_days * _DAY", "self.link_days", SET),
    Fault("another key is not noticed until somebody asks", SETTINGS, "return (*self.files(shared), *key_files)", "return self.files(shared)", SET),
    Fault("everybody may read the key", CERTIFICATES, "    if key_file.stat().st_mode & stat.S_IROTH:", "    if False:", SET),
    Fault("nobody says that browsers cannot connect", CERTIFICATES, '    if http.client_certificates == "required":', "    if False:", SET),
    # Who sees a page.
    Fault("without a link all are let in", ROUTES, "        identities = self._gate.identify(request, cookie=True)\n", "        identities = [self._gate._access.allowed.__iter__().__next__()]\n"),
    Fault("a link is not looked at", ROUTES, "if not self._sources.explanation_links.is_valid(record_id, proof):", "if False:"),
    Fault("a caller sees what others asked", ROUTES, "return OpenedPage(await records.read_own(record_id, caller), caller)", "return OpenedPage(await records.read_linked(record_id), caller)", ROUTED),
    Fault("a caller reads every record", QUERIES, "        _, question = await self._find(request, caller, may_audit=True)\n        return question", "        return await self.read_linked(record_id)", ("tests/unit/coordinator/api/test_record_queries.py",)),
    Fault("a page shows another record as a later check", ROUTES, "return later if is_repetition(later, of) else None", "return later"),
    Fault("a link tells whether another record exists", ROUTES, '            if error.reason != "RECORD_NOT_FOUND":\n                raise\n            return None', "            raise"),
    Fault("an id written otherwise is another record", ROUTES, "opened.record.id.hex(), request.remote", 'request.match_info["record_id"], request.remote'),
    Fault("wrong links are not counted", ROUTES, '    return gate.turn_away(request, Refused("link_not_valid", text))', '    from coordinator.api.http.gate import _refuse\n    return _refuse(Refused("link_not_valid", text))', ROUTED),
    Fault("a wrong link is told otherwise than a record that is gone", GATE, '    if refused.failure == "link_not_valid":', "    if False:", ROUTED),
    Fault("who has left the list is asked for", GATE, "return caller in self._access.allowed", "return True", ROUTED),
    # The button.
    Fault("a form of another site is taken", ROUTES, "if not is_same_origin(request.headers, self._own_origins(request, asked)):", "if False:"),
    Fault("an origin that is hidden is ours", ROUTES, 'return origins | {"null"} if asked.proof else origins', 'return origins | {"null"}'),
    Fault("behind a proxy no form is taken", "coordinator/api/explain/headers.py", ', *([f"{parts.scheme}://{parts.netloc}"] if public_url else [])}', "}"),
    Fault("who reads what others asked asks for them", ROUTES, 'if caller not in ("", record.caller) or not', "if not"),
    Fault("a caller who has left is asked for", ROUTES, " or not self._gate.is_allowed(record.caller)", ""),
    Fault("what the policy refuses has a button", ROUTES, "return None if is_demanded or not", "return None if not"),
    Fault("checks are not bounded", ROUTES, '        with self._bounds.enter(opened.record.id.hex(), request.remote or ""):\n            later =', "        if True:\n            later ="),
    Fault("a link shows pages without end", ROUTES, "            self._views.count(record_id)\n", ""),
    Fault("all names of a large record are explained", ASKED, "        if one.name not in names:", "        if False:", PAGES),
    Fault("names of another page are explained", ASKED, "key=lambda one: one.reason == c.REASON_CORROBORATED", "key=lambda one: one.name", PAGES),
    Fault("a form may have any content", ROUTES, "        await read_body(request, FORM_OCTETS)\n", ""),
    Fault("pages wait without end", ROUTES, "        if self._waiting >= PAGES_WAITING:", "        if False:"),
    Fault("all pages are made at once", ROUTES, "asyncio.Semaphore(PAGES_AT_A_TIME)", "asyncio.Semaphore(1000)"),
    Fault("a page that is made still waits", ROUTES, "            self._waiting -= 1\n", "            pass\n"),
    Fault("programs are told pages", ROUTES, "if not accepts_html(request.headers.getall(hdrs.ACCEPT, [])):", "if False:"),
    Fault("it asks for issuance", AGAIN, "        dry_run=True,\n", ""),
    Fault("one request id for all", AGAIN, ":{secrets.token_hex(8)}", ""),
    Fault("it asks looser than was asked", AGAIN, "        request.tightening.CopyFrom(record.tightening)\n", "        pass\n"),
    Fault("the method is forgotten", AGAIN, "                asked.validation_method = check.caa.validation_method\n", ""),
    Fault("the account is forgotten", AGAIN, "                request.account_uri = check.caa.account_uri\n", ""),
    Fault("a check is left out", AGAIN, "    request.checks.extend(sorted(kinds))\n", ""),
    Fault("a hash is taken for the secret", AGAIN, "in {None, *_SECRET}", "in {None}"),
    Fault("an old challenge is used", AGAIN, ">= _CHALLENGE_LIFE.total_seconds()", "> 10 * _CHALLENGE_LIFE.total_seconds()"),
    Fault("nobody is told that it is a part", AGAIN, "is_partial |= not _copy_control(", "is_partial &= not _copy_control("),
    Fault("nothing is left and it is asked", AGAIN, "return bool(self.request.checks) or len(kept) == len(self.request.names)", "return True"),
    Fault("another caller's record is a repetition", AGAIN, " and record.caller == of.caller", ""),
    Fault("an answer for issuance is a repetition", AGAIN, "return record.dry_run and ", "return "),
    Fault("any record is a repetition", AGAIN, " and record.request_id.startswith(prefix)", ""),
    Fault("a record is checked as often as one likes", BOUNDS, "            self._wait_for(record, now, MOST_OF_RECORD, 1),\n", ""),
    Fault("an address checks as often as it likes", BOUNDS, "            self._wait_for(network, now, MOST_OF_ADDRESS, AT_A_TIME),\n", ""),
    Fault("there is no pause", BOUNDS, "            self._wait_since_last(record, now),\n", ""),
    Fault("a window never ends", BOUNDS, "while moments and now - moments[0] >= self._seconds:", "while False:"),
    Fault("who checks never ends", BOUNDS, "            for key in (record, network):\n                self._end(key)", "            pass"),
    Fault("addresses of checks are kept without end", BOUNDS, "        if len(self._moments) > _REMEMBERED:\n            self._moments.popitem(last=False)\n", ""),
    Fault("each IPv6 address checks alone", BOUNDS, "group_address(address)", "address"),
    # What stands in it.
    Fault("templates escape nothing", PAGE, "        autoescape=True,\n", "        autoescape=False,\n", PAGES),
    Fault("what is invisible stays so", PAGE, "        finalize=show_text,\n", "", PAGES),
    Fault("a browser draws what Python calls printable", VALUES, "return character.isprintable() and _UNDRAWN.match(character) is None", "return character.isprintable()"),
    Fault("control characters are drawn", VALUES, "return character.isprintable() and _UNDRAWN.match(character) is None", "return _UNDRAWN.match(character) is None"),
    Fault("what is drawn is not escaped", VALUES, '            yield escape("".join(run))', '            yield Markup("".join(run))'),
    Fault("a value has no end", VALUES, "ShownValue(text[:SHORT], text[:LONG], len(text))", "ShownValue(text[:SHORT], text, len(text))"),
    Fault("a long value is all that one sees", VALUES, "    if len(text) <= SHORT:", "    if True:"),
    Fault("a page has all names", PAGE, "return self.explanation.names[self.first : self.first + NAMES_AT_ONCE]", "return self.explanation.names"),
    Fault("a page begins anywhere", ASKED, "// NAMES_AT_ONCE * NAMES_AT_ONCE", "", PAGES),
    Fault("a page beyond the last is empty", ASKED, "min(asked.first, max(len(answer.names) - 1, 0))", "asked.first", PAGES),
    Fault("the last page leads on", ASKED, "if follows < len(explanation.names)", "if True", PAGES),
    Fault("a name that stayed approved is compared", PAGE, ' if {one.verdict.code for one in pair if one} != {"approved"}', ""),
    Fault("an error is told in one language", PAGE, "languages = sorted(LANGUAGES, key=lambda one: one != first)", "languages = [first]", PAGES),
    Fault("an error is told in the other language first", PAGE, "key=lambda one: one != first", "key=lambda one: one == first", PAGES),
    Fault("who waits is not told how long", NOTICES, "    response.headers.update(details.all_headers())\n", "", ROUTED),
    Fault("the language of a link does not count", LANGUAGES, "        if wanted == known:\n", "        if False:\n"),
    Fault("weights do not count", LANGUAGES, "(float(one[2] or 1), -place, known)", "(1.0, -place, known)"),
    Fault("of two the last language counts", LANGUAGES, "(float(one[2] or 1), -place, known)", "(float(one[2] or 1), place, known)"),
    Fault("a language that is not accepted is taken", LANGUAGES, 'return best if weight else "en"', "return best"),
    Fault("languages without end are looked at", LANGUAGES, '.split(",")[:_MOST]', '.split(",")'),
    Fault("scripts run", HEADERS, "    \"default-src 'none'\",\n", "    \"default-src 'self'\",\n"),
    Fault("others may frame it", HEADERS, "    \"frame-ancestors 'none'\",\n", ""),
    Fault("forms lead anywhere", HEADERS, "    \"form-action 'self'\",\n", ""),
    Fault("a page is kept", HEADERS, '"Cache-Control": "no-store"', '"Cache-Control": "private"'),
    Fault("a page is found by search", HEADERS, '    "X-Robots-Tag": "noindex, nofollow, noarchive",\n', ""),
    Fault("the link is told to others", HEADERS, '"Referrer-Policy": "no-referrer"', '"Referrer-Policy": "unsafe-url"'),
    Fault("a page of the same site is ours", HEADERS, 'return site == "same-origin"', 'return site in ("same-origin", "same-site")'),
    Fault("any origin is ours", HEADERS, "return origin is None or origin in own", "return True"),
    Fault("whoever takes anything wants a page", HEADERS, 'in ("text/html", "application/xhtml+xml")', 'in ("text/html", "*/*")'),
    Fault("a template has a script", f"{TEMPLATES}/base.html", '<link rel="stylesheet"', '<script src="x.js"></script><link rel="stylesheet"', PAGES),
    Fault("a value is put out as it is", f"{TEMPLATES}/macros.html", '<code class="value" dir="ltr">{{ shown.short }}</code>\n{% endif %}', '<code class="value" dir="ltr">{{ shown.short | safe }}</code>\n{% endif %}', PAGES),
    Fault("who asked is told", f"{TEMPLATES}/explanation.html", '<p class="about">{{ say("page.record.about") }}</p>', "<p>{{ it.request_id }}</p>", PAGES),
    Fault("there is a button that does nothing", f"{TEMPLATES}/explanation.html", "{% if view.links.check_again %}", "{% if true %}", PAGES),
)  # fmt: skip
