"""Faults in what was added last: quiet connections, handshakes, lists that run out."""

from tests.mutation.fault import Fault

ARRIVALS = "coordinator/api/http/arrivals.py"
CONNECTION = "coordinator/api/http/connection.py"
PORT = ("tests/integration/test_http_port.py",)
SERVER = "coordinator/api/http/server.py"
QUIET = "proto/mpic/runtime/grpc/quiet_connections.py"

FAULTS = [
    # Connections without a call.
    Fault("who has called is told as one that has not", QUIET, "(self._seen - peers).difference(self._called)", "self._seen - peers"),
    Fault("a connection that goes on is told", QUIET, "(self._seen - peers).difference(self._called)", "self._seen.difference(self._called)"),
    Fault("a late look counts as the latest", QUIET, "        if number < self._latest:", "        if False:"),
    Fault("callers are remembered without end", QUIET, "            if len(self._called) > _KEPT:", "            if False:"),
    Fault("all the time goes into looking", QUIET, "        self._not_before = done + _SHARE * (done - began)", "        self._not_before = 0.0"),
    Fault("it looks after the end", QUIET, "        self._port = None\n        if self._timer", "        if self._timer"),
    Fault("an IPv4 peer is written as an IPv6 one", QUIET, 'host.removeprefix("::ffff:")', "host"),
    # Connections and handshakes of the HTTP port.
    Fault("one address takes all connections", SERVER, " or not self._arrivals.enter(address):", ":", PORT),
    Fault("handshakes keep no pace", SERVER, "            await asyncio.sleep(self._arrivals.find_pause())\n", "", PORT),
    Fault("connections go on under another authority", SERVER, "            self._runner.server.pre_shutdown()\n\n    def drain", "            pass\n\n    def drain", PORT),
    Fault("an idle connection does not end when told to", CONNECTION, "                self.transport.close()\n\n    def connection_lost", "                pass\n\n    def connection_lost", PORT),
    Fault("another bound of an address is not in force", SERVER, "        self._arrivals.of_address = of_address\n        if", "        if", PORT),
    Fault("an address has connections without end", ARRIVALS, "self._open[network] >= self.of_address or ", ""),
    Fault("an address begins connections without end", ARRIVALS, " or due - now > interval * (self.of_address - 1)", ""),
    Fault("who has left counts for ever", ARRIVALS, "        self._open[network] -= 1\n", ""),
    Fault("addresses are remembered without end", ARRIVALS, "        if len(self._due) > _ADDRESSES:", "        if False:"),
    Fault("all of IPv6 are different addresses", ARRIVALS, "        network, now = group_address(address), self._clock()\n        interval", "        network, now = address, self._clock()\n        interval"),
    Fault("handshakes of all are not counted", ARRIVALS, "        self._all_due = max(self._all_due, now) + 1 / _HANDSHAKES", "        self._all_due = now"),
    # The probe of Open MPIC's API.
    Fault("a coordinator that is not ready is healthy", "coordinator/api/open_mpic/routes.py", "        if self._is_ready():", "        if True:"),
    Fault("one condition that is met is enough to be ready", "proto/mpic/runtime/admin.py", "return not any(self.judge().values())", "return not all(self.judge().values())", ("tests/unit/mpic/runtime/test_admin.py",)),
    # Lists: approvals that ran out, files of others, and the language of what is said.
    Fault("an approval that ran out is told as one", "proto/mpic/ask/lists/run.py", "            run.expire(datetime.now(UTC))\n", ""),
    Fault("every approval runs out", "proto/mpic/ask/lists/asking.py", "for line in approved if is_over(line, at)]", "for line in approved]"),
    Fault("a link is followed", "proto/mpic/ask/lists/own_file.py", " | os.O_NOFOLLOW", ""),
    Fault("a file of another user is written to", "proto/mpic/ask/lists/own_file.py", " and found.st_uid == os.geteuid()", ""),
    Fault("a pipe of another is written to", "proto/mpic/ask/lists/own_file.py", "return stat.S_ISREG(found.st_mode) and ", "return "),
    Fault("what another has left for SQLite is undone", "proto/mpic/ask/lists/journal.py", '            refuse_foreign(Path(f"{path}-journal"))\n', ""),
    Fault("a list is refused in English alone", "proto/mpic/ask/lists/run.py", "error.phrase.say(question.lang)", "error"),
    Fault("a phrase within a phrase is English", "proto/mpic/ask/lists/line.py", "key: fact.say(lang) if isinstance(fact, Phrase) else fact", 'key: fact.say("en") if isinstance(fact, Phrase) else fact'),
    Fault("who speaks no HTTP/2 is told as one that refuses the certificate", "proto/mpic/client/diagnosis.py", "    if channel.selected_alpn_protocol() is None:", "    if False:", PORT),
    # Whose failure a lookup is.
    Fault("aliases that loop may pass by themselves", "coordinator/rules/retry.py", " or failure.cause == o.FAILURE_CAUSE_ALIAS_LOOP", ""),
    Fault("whatever names no zone stays", "coordinator/rules/retry.py", 'is_owners = "." in failure.zone or failure.cause == o.FAILURE_CAUSE_ALIAS_LOOP', "is_owners = True"),
    Fault("that an agent has no IPv6 is the domain's failure", "perspective_agent/diagnosis/servfail_cause.py", '        if families == {"AAAA"}:', "        if False:"),
    Fault("a server with both addresses is not to be reached", "perspective_agent/diagnosis/servfail_cause.py", '        if families == {"AAAA"}:', '        if "AAAA" in families:'),
    Fault("a private address is our failure", "perspective_agent/diagnosis/servfail_cause.py", '        if families == {"AAAA"}:', "        if families:"),
    Fault("an agent that has IPv6 says that it has none", "perspective_agent/diagnosis/servfail_cause.py", " and not self._egress.ipv6:", ":"),
    Fault("the servers of the zone above count", "perspective_agent/diagnosis/servfail_cause.py", " if zone in owners else set()", ""),
    Fault("aliases are followed without end", "perspective_agent/diagnosis/alias_loop.py", "for _ in range(MOST_ALIASES):", "while True:"),
    Fault("an alias of the first name alone is a loop", "perspective_agent/diagnosis/alias_loop.py", "        seen.add(target)\n", ""),
    Fault("another zone's aliases are asked of this one's server", "perspective_agent/diagnosis/alias_loop.py", " or not target.is_subdomain(zone):", ":"),
]  # fmt: skip
