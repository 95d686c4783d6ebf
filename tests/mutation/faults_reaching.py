"""Faults in how an agent reaches web servers: which addresses it dials, and what it makes of them."""

from collections.abc import Sequence

from tests.mutation.fault import Fault

EGRESS = "perspective_agent/egress.py"
CANDIDATES = "perspective_agent/connect/candidates.py"
ERRORS = "perspective_agent/connect/errors.py"
PLACES = "perspective_agent/connect/places.py"
DIALER = "perspective_agent/connect/dialer.py"
SOCKET = "perspective_agent/connect/dialed_socket.py"
REDIRECTS = "perspective_agent/http/redirects.py"
EXCHANGE = "perspective_agent/http/exchange.py"
REPLY = "perspective_agent/http/reply.py"
STREAM = "perspective_agent/http/stream.py"
GET = "perspective_agent/http/get.py"
CHECK = "perspective_agent/checks/http_get.py"
SETTINGS = "perspective_agent/settings.py"


def connect(test: str) -> Sequence[str]:
    return (f"tests/integration/test_connect.py::test_{test}",)


def http(test: str) -> Sequence[str]:
    return (f"tests/integration/test_http_get.py::test_{test}",)


NONSENSE = http("a_server_that_speaks_nonsense_ends_in_its_failure")
WHOLE = http("a_response_is_read_to_its_end")
CUT = http("h_6_more_than_is_wanted_is_cut_and_said_to_be")
SENT = http("h_7_what_is_sent")
FILE = (
    "tests/unit/perspective_agent/test_connect_settings.py::test_who_says_nothing_reaches_the_public_alone_and_with_measure",
)
DIALLED = (
    "tests/integration/test_nothing_reserved_is_dialled.py::test_of_any_record_no_special_purpose_address_is_dialled",
)

FAULTS = [
    # Which addresses are anybody's.
    Fault("6to4 is public", EGRESS, '    "2002::/16",\n', ""),
    Fault("Teredo is public", EGRESS, '    "2001::/23",\n', ""),
    Fault("what is not given out is public", EGRESS, '    "4000::/2",\n', ""),
    Fault("link-local and unique-local are public", EGRESS, '    "8000::/1",\n', ""),
    Fault("multicast is public", EGRESS, '    "224.0.0.0/4",\n', ""),
    Fault("the new documentation block is public", EGRESS, '    "3fff::/20",\n', ""),
    Fault("AS112 is public", EGRESS, '    "2620:4f:8000::/48",\n', ""),
    Fault("every address is public", EGRESS, "return any(parsed in block for block in _SPECIAL)", "return False"),
    Fault("every address is public outside a lab too", EGRESS, "return not self.allow_special_purpose and is_special_purpose(address)", "return False", DIALLED),
    Fault("a lab is everywhere", EGRESS, "allow_special_purpose: bool = False", "allow_special_purpose: bool = True"),
    Fault("a file makes a lab", SETTINGS, "lab_allow_special_purpose_addresses: bool = False", "lab_allow_special_purpose_addresses: bool = True", FILE),
    Fault("connections leave from anywhere", EGRESS, "return of_family[0] if of_family else None", "return None", connect("connections_leave_from_the_address_that_is_configured")),
    Fault("connections leave from the other family", EGRESS, ".version == version]", ".version != version]"),
    # Which of a host's addresses are dialled.
    Fault("IPv4 is dialled first", CANDIDATES, "FAMILIES = (o.RECORD_TYPE_AAAA, o.RECORD_TYPE_A)", "FAMILIES = (o.RECORD_TYPE_A, o.RECORD_TYPE_AAAA)", connect("ipv6_is_dialled_and_both_lookups_are_evidence")),
    Fault("all addresses are dialled", CANDIDATES, "addresses += usable[:1]", "addresses += usable"),
    Fault("special-purpose addresses are dialled", CANDIDATES, "[one for one in found if not egress.refuses(one)]", "found"),
    Fault("barred addresses are dialled", CANDIDATES, "[one for one in public if not egress.find_bar(one)]", "public"),
    Fault("one lookup that fails is enough", CANDIDATES, "    if addresses:\n        return", "    if addresses and not any(one.HasField('failure') for one in lookups):\n        return"),
    Fault("a failed lookup is an absence", CANDIDATES, "    if failed:\n        return gather(failed)\n", ""),
    Fault("special-purpose addresses are none", CANDIDATES, "    if is_special:", "    if False:"),
    Fault("our own lack of IPv6 is the domain's", CANDIDATES, "if public and not usable:", "if False:"),
    Fault("a special-purpose IPv6 address shows our own lack", CANDIDATES, "if public and not usable:", "if found and not usable:"),
    Fault("our own failure does not count first", CANDIDATES, "(ours or failures)[-1]", "failures[-1]"),
    Fault("the first failure counts", CANDIDATES, "(ours or failures)[-1]", "(ours or failures)[0]"),
    Fault("an overload is the domain's", CANDIDATES, "        o.FAILURE_KIND_OVERLOADED,\n", ""),
    Fault("evidence is changed", CANDIDATES, "    failure = o.Failure()\n    failure.CopyFrom((ours or failures)[-1])", "    failure = (ours or failures)[-1]"),
    Fault("only one failure is told", CANDIDATES, '"; ".join(dict.fromkeys(one.detail for one in failures))', "failure.detail"),
    # Whose failure an error is.
    Fault("no route of ours is the network's", ERRORS, "    if was_sent and error.errno in _NETWORK:", "    if error.errno in _NETWORK:"),
    Fault("what the network says is our own", ERRORS, "    if was_sent and error.errno in _NETWORK:", "    if False:"),
    Fault("a refusal is our own", ERRORS, "    errno.ECONNREFUSED: o.FAILURE_KIND_CONNECTION_REFUSED,\n", ""),
    Fault("too many open files are the other end's", ERRORS, "return o.FAILURE_KIND_NO_WAY_OUT", "return o.FAILURE_KIND_CONNECTION_LOST"),
    Fault("a lost connection without a number is our own", ERRORS, "    if was_sent and error.errno is None:", "    if False:"),
    # How many at a time.
    Fault("any number in all", PLACES, "return self._in_all < self._limits.in_all and self._has_room_at_target(place)", "return self._has_room_at_target(place)"),
    Fault("more connections than files", PLACES, "in_all=min(self.in_all, open_files // 4)", "in_all=self.in_all"),
    Fault("any number to a host", PLACES, "self._hosts[place.host] < self._limits.to_host", "True"),
    Fault("any number to an address", PLACES, "self._addresses[place.address] < self._limits.to_address", "True"),
    Fault("one that waits holds up all", PLACES, "            if self._has_room(one):", "            if not self._has_room(one):\n                return\n            if True:"),
    Fault("a place that is free stays so", PLACES, "        for one in list(self._waiting):", "        for one in ():"),
    Fault("a place is given to two", PLACES, "                self._count(one, 1)\n                self", "                self"),
    Fault("who has a place waits on", PLACES, "                self._forget(one)\n                one", "                one"),
    Fault("who waits for another target is looked at", PLACES, "            return  # all who wait", "            pass  # all who wait"),
    Fault("who waits for this host is passed over", PLACES, "if not (was_full or self._wanted[place.host] or self._wanted[place.address]):", "if not (was_full or self._wanted[place.address]):"),
    Fault("who waits for this address is passed over", PLACES, "if not (was_full or self._wanted[place.host] or self._wanted[place.address]):", "if not (was_full or self._wanted[place.host]):"),
    Fault("who waits for any place is passed over", PLACES, "if not (was_full or self._wanted[place.host]", "if not (self._wanted[place.host]"),
    Fault("who gives up keeps its place", PLACES, "                self.free(place)\n            raise", "                pass\n            raise"),
    Fault("who gives up stays in line", PLACES, "                self._forget(place)\n            else", "                pass\n            else"),
    Fault("a place is given to one that gave up", PLACES, "            if one.turn is None or one.turn.done():\n                continue", "            if one.turn is None:\n                continue"),
    Fault("our own limit is the target's", PLACES, "return place in self._waiting and self._has_room_at_target(place)", "return False"),
    Fault("the target's limit is our own", PLACES, "return place in self._waiting and self._has_room_at_target(place)", "return place in self._waiting"),
    # Looking up and dialling.
    Fault("a place is kept for ever", DIALER, "            places.free(place)", "            pass", connect("ipv6_is_dialled_and_both_lookups_are_evidence")),
    Fault("IPv4 is dialled after any failure", DIALER, "if self._is_open and not self._to.ipv4_after_any_failure:", "if False:", connect("what_was_said_over_ipv6_is_final")),
    Fault("IPv4 is never dialled after IPv6", DIALER, "if self._is_open and not self._to.ipv4_after_any_failure:", "if True:", connect("ipv4_is_dialled_if_ipv6_could_not_be_opened")),
    Fault("who asks for IPv4 after any failure gets none", DIALER, "if self._is_open and not self._to.ipv4_after_any_failure:", "if self._is_open:", connect("unless_ipv4_is_asked_for_after_any_failure")),
    Fault("a failed use is not told", DIALER, "                self.connection.dialed[-1].failure.CopyFrom(failure)\n", "                pass\n", connect("unless_ipv4_is_asked_for_after_any_failure")),
    Fault("a failed dial is not told", DIALER, "                entry.failure.CopyFrom(self._dialer.blame(opened, since))", "                pass", connect("nobody_listens")),
    Fault("a connection stays open", DIALER, "            with sock:\n                return await use(sock)", "            return await use(sock)", connect("ipv6_is_dialled_and_both_lookups_are_evidence")),
    Fault("a lookup that hangs holds up the other", DIALER, "seconds = OTHER_LOOKUP_SECONDS if has_addresses else None", "seconds = None", connect("a_lookup_that_hangs_holds_up_the_other_family_for_a_while_only")),
    Fault("lookups are kept", DIALER, "                walk.release(answer.set_result)", "                pass", connect("a_lookup_that_hangs_holds_up_the_other_family_for_a_while_only")),
    Fault("lookups are no evidence", DIALER, "        self.connection.lookups.extend(found)\n", "", connect("ipv6_is_dialled_and_both_lookups_are_evidence")),
    Fault("lookups are no evidence at a deadline", DIALER, "            connection.lookups.extend(levels)\n", "", connect("cut_short_while_it_looks_up")),
    Fault("dialling at a deadline has not failed", DIALER, "                connection.dialed[-1].failure.CopyFrom(late)", "                pass", connect("cut_short_while_it_dials")),
    Fault("our own limit is a timeout", DIALER, "kind = o.FAILURE_KIND_OVERLOADED if self.is_queued else o.FAILURE_KIND_TIMEOUT", "kind = o.FAILURE_KIND_TIMEOUT", connect("cut_short_while_it_waits_it_says_for_what")),
    Fault("a slow agent blames the domain", DIALER, "if is_late and self.history.explains(since, time.perf_counter()):", "if False:", connect("an_agent_that_does_not_keep_up_blames_nobody")),
    Fault("a slow agent excuses all", DIALER, "if is_late and self.history.explains(since, time.perf_counter()):", "if is_late:", connect("cut_short_while_it_is_connected")),
    Fault("a dial is not counted", DIALER, "                self._dialer.counts.count_dial(entry)", "                pass", connect("what_is_dialled_is_counted")),
    Fault("any number of octets is read", SOCKET, "        if self._left < 0:", "        if False:", connect("no_more_is_read_than_is_allowed")),
    Fault("connections leave from where they like", SOCKET, "        if source is not None:\n            sock.bind((source, 0))\n", "", connect("connections_leave_from_the_address_that_is_configured")),
    Fault("an address may take any time", SOCKET, "            async with asyncio.timeout(seconds):", "            async with asyncio.timeout(None):", connect("an_address_that_does_not_answer_is_given_up_in_time")),
    Fault("a failed socket stays open", SOCKET, "        if sock is not None:\n            sock.close()\n", "        pass\n", connect("nobody_listens")),
    # Which redirects are followed.
    Fault("every redirect is followed", REDIRECTS, "if status not in rules.statuses or not locations:", "if not 300 <= status < 400 or not locations:"),
    Fault("to every port", REDIRECTS, "    elif url.port not in rules.ports:", "    elif False:"),
    Fault("for ever", REDIRECTS, "    elif len(asked) > min(rules.most, MOST):", "    elif False:"),
    Fault("once more", REDIRECTS, "    elif len(asked) > min(rules.most, MOST):", "    elif len(asked) > min(rules.most, MOST) + 1:"),
    Fault("as many as the caller likes", REDIRECTS, "    elif len(asked) > min(rules.most, MOST):", "    elif len(asked) > rules.most:"),
    Fault("in circles", REDIRECTS, "    elif url in asked:", "    elif False:"),
    Fault("one location of two", REDIRECTS, "    if others:", "    if False:"),
    Fault("a location of any length is told", REDIRECTS, 'shorten(location.decode(errors="backslashreplace"), URL_OCTETS)', 'location.decode(errors="backslashreplace")'),
    # One request and its response.
    Fault("a status code that does not exist is one", REPLY, "        if message.code not in _STATUSES:", "        if False:", NONSENSE),
    Fault("contents are decoded", REPLY, "auto_decompress=False", "auto_decompress=True", WHOLE),
    Fault("a content has no end of its own", REPLY, "read_until_eof=True", "read_until_eof=False", WHOLE),
    Fault("an interim response is the response", REPLY, "        if message.code < 200 and message.code != _SWITCHING:", "        if False:", WHOLE),
    Fault("the second response counts", REPLY, "        if self._message is not None:\n            return\n", "", WHOLE),
    Fault("a header section of any size", REPLY, "        if octets > HEADER_OCTETS:", "        if False:", NONSENSE),
    Fault("a content that is cut looks whole", REPLY, "body_is_cut=len(self._body) > most", "body_is_cut=False", CUT),
    Fault("one octet more than is wanted", REPLY, "body=bytes(self._body[:most])", "body=bytes(self._body)", CUT),
    Fault("only one read", REPLY, "return self._content.is_eof() or len(self._body) > self._wanted.body_octets", "return True", WHOLE),
    Fault("a full content looks cut", REPLY, "return self._content.is_eof() or len(self._body) > self._wanted.body_octets", "return self._content.is_eof() or len(self._body) >= self._wanted.body_octets", CUT),
    Fault("a content without end is read to its end", REPLY, "return self._content.is_eof() or len(self._body) > self._wanted.body_octets", "return self._content.is_eof()", CUT),
    Fault("what follows a response spoils it", REPLY, "                if self._is_whole():\n                    return True\n                raise", "                raise", WHOLE),
    Fault("what follows a header section spoils it", REPLY, "        return octets[:at], octets[at:]", '        return octets, b""'),
    Fault("where a segment ends decides", REPLY, 'self._last = b"" if found else (self._last + octets)[-2:]', 'self._last = b""'),
    Fault("what is cut off is nonsense", REPLY, "raise ReplyError(o.FAILURE_KIND_CONNECTION_LOST, detail) from error", "raise _read_error(error) from error", NONSENSE),
    Fault("a response that is cut off is one", REPLY, "        if not self._is_whole():\n            detail", "        if False:\n            detail", NONSENSE),
    Fault("nonsense is cut off", REPLY, "if is_long else o.FAILURE_KIND_MALFORMED", "if is_long else o.FAILURE_KIND_CONNECTION_LOST", NONSENSE),
    Fault("a long line is nonsense", REPLY, "kind = o.FAILURE_KIND_TOO_LARGE if is_long else", "kind = o.FAILURE_KIND_MALFORMED if is_long else", NONSENSE),
    Fault("the content of a redirect is no evidence where none is followed", REPLY, "(self.locations and code in self._wanted.no_body_of)", "self.locations", http("without_rules_no_redirect_is_followed")),
    Fault("the content of a redirect that is followed is waited for", REPLY, "(self.locations and code in self._wanted.no_body_of)", "False", http("h_8_the_content_of_a_redirect_is_not_waited_for")),
    Fault("connections are kept", EXCHANGE, ', "Connection": "close"}', "}", SENT),
    Fault("a host is asked for as another", EXCHANGE, '{"Host": url.authority,', '{"Host": url.host,', http("the_port_stands_in_host_if_it_is_not_the_usual")),
    Fault("any number of octets from one connection", EXCHANGE, "        sock.limit(CONNECTION_OCTETS + 2 * self._wanted.body_octets)\n", "", NONSENSE),
    Fault("a flood is a lost connection", EXCHANGE, "        if sock.is_spent:", "        if False:", NONSENSE),
    Fault("a TLS handshake that breaks is a lost connection", EXCHANGE, 'if isinstance(error, ssl.SSLError) or (self._url.scheme == "https" and not is_encrypted):', "if isinstance(error, ssl.SSLError):", http("h_13_a_handshake_that_breaks_off_is_a_failure_of_tls")),
    Fault("https without TLS", EXCHANGE, 'if self._url.scheme == "https":', "if False:", http("h_13_a_certificate_is_not_verified")),
    Fault("TLS is not told", EXCHANGE, "            self.tls_version = await stream.shake()\n", "            await stream.shake()\n", http("h_13_a_certificate_is_not_verified")),
    Fault("another host is asked for over TLS", EXCHANGE, "TlsStream(sock, make_context(), self._url.host)", 'TlsStream(sock, make_context(), "other.test")', http("h_13_a_certificate_is_not_verified")),
    Fault("the end of a connection is not told within TLS", STREAM, "            self._received.write_eof()", "            await asyncio.Event().wait()", http("h_13_a_response_over_tls_may_end_as_it_likes")),
    # The hops of a GET.
    Fault("any content coding is welcome", GET, '"Accept-Encoding": "identity"', '"Accept-Encoding": "gzip"', SENT),
    Fault("nobody learns who asks", GET, 'return f"mpic/{__version__}{comment}"', 'return f"mpic/{__version__}"', SENT),
    Fault("a redirect that is not followed is not told", GET, "        if following is not None:\n            self._finding.hops.add(url=following.url, failure=following.failure)\n", "", http("h_11_a_url_that_was_asked_for_is_a_loop")),
    Fault("the open hop is not told at a deadline", GET, "            hop = finding.hops.add(\n                url=str(self._asked[-1]), connection=cut.connection, failure=cut.failure\n            )", "            hop = o.HttpHop()", http("a_deadline_returns_the_hops_so_far")),
    Fault("the hops before a deadline are forgotten", GET, "        finding.CopyFrom(self._finding)\n", "", http("a_deadline_returns_the_hops_so_far")),
    # What may be asked for.
    Fault("a fragment may be asked for", CHECK, '    if "#" in asked.url:', "    if False:"),
    Fault("any number of octets may be asked for", CHECK, "    if asked.body_octets > BODY_OCTETS:", "    if False:"),
    Fault("any number of redirects may be asked for", CHECK, "    if rules.most > MOST:", "    if False:"),
    Fault("any status may be a redirect's", CHECK, "_REDIRECTS = range(300, 400)", "_REDIRECTS = range(600)"),
    Fault("any port may be asked for", CHECK, "_PORTS = range(1, 65_536)", "_PORTS = range(10**6)"),
    Fault("what cannot be asked for is asked for", CHECK, "        if self._problem:", "        if False:"),
]  # fmt: skip
