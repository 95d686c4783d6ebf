"""Faults in what an agent reads from its resolver, in its walk, and in what Unbound is told."""

from tests.mutation.fault import Fault

WIRE = "perspective_agent/wire.py"
RECORDS = "perspective_agent/records.py"
WALK = "perspective_agent/checks/caa_walk.py"
CONF = "perspective_agent/unbound_conf.py"
RULES = "perspective_agent/unbound_rules.py"
PROBE = "perspective_agent/probe.py"

FAULTS = [
    # The query.
    Fault("CD is set", WIRE, "_QUERY_FLAGS = 0x0120", "_QUERY_FLAGS = 0x0130"),
    Fault("AD is not asked for", WIRE, "_QUERY_FLAGS = 0x0120", "_QUERY_FLAGS = 0x0100"),
    Fault("no recursion desired", WIRE, "_QUERY_FLAGS = 0x0120", "_QUERY_FLAGS = 0x0020"),
    # The answer belongs to the question (RFC 5452).
    Fault("id unchecked", WIRE, "    if answer_id != query_id:", "    if False:"),
    Fault("QR unchecked", WIRE, "    if not flags & _QR:", "    if False:"),
    Fault("opcode unchecked", WIRE, "    if flags & _OPCODE:", "    if False:"),
    Fault("question unchecked", WIRE, "if questions != 1 or wire[_HEADER.size : end] != query.question:", "if questions != 1:"),
    Fault("question's class and type unchecked", WIRE, "wire[_HEADER.size : end] != query.question:", "wire[_HEADER.size : end - 4] != query.question[:-4]:"),
    Fault("question's case ignored", WIRE, "wire[_HEADER.size : end] != query.question:", "wire[_HEADER.size : end].lower() != query.question:"),
    Fault("any number of questions", WIRE, "if questions != 1 or wire", "if wire"),
    Fault("TC ignored", WIRE, "    if flags & _TC:", "    if False:"),
    # RCODEs.
    Fault("SERVFAIL is an absence", WIRE, "        if refusal is not None:\n            return refusal", "        pass"),
    Fault("extended RCODE unseen", WIRE, " or additional != 1 or not _ends_in_plain_opt(wire)", ""),
    Fault("extended RCODE unseen in the OPT", WIRE, "and opt[5] == 0 and opt[9:]", "and opt[9:]"),
    Fault("REFUSED is an absence", WIRE, "if rcode in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):", "if rcode in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN, dns.rcode.REFUSED):"),
    Fault("YXDOMAIN is an absence", WIRE, "if rcode in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):", "if rcode in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN, dns.rcode.YXDOMAIN):"),
    Fault("NOTIMP is an absence", WIRE, "if rcode in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):", "if rcode in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN, dns.rcode.NOTIMP):"),
    Fault("FORMERR is an absence", WIRE, "if rcode in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):", "if rcode in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN, dns.rcode.FORMERR):"),
    Fault("NXDOMAIN is a failure", WIRE, "if rcode in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):", "if rcode in (dns.rcode.NOERROR,):"),
    Fault("garbage is an absence", WIRE, "        return failed(query.name, o.FAILURE_KIND_MALFORMED, detail)", "        return o.Lookup(name=query.name, absence=o.ABSENCE_NO_DATA, dnssec=o.DNSSEC_INSECURE)"),
    Fault("mismatch is an absence", WIRE, "        return failed(query.name, o.FAILURE_KIND_MISMATCH, str(error))", "        return o.Lookup(name=query.name, absence=o.ABSENCE_NO_DATA, dnssec=o.DNSSEC_INSECURE)"),
    Fault("an alias loop is an absence", WIRE, "        return failed(query.name, o.FAILURE_KIND_ALIAS, str(error))", "        return o.Lookup(name=query.name, absence=o.ABSENCE_NO_DATA, dnssec=o.DNSSEC_INSECURE)"),
    # DNSSEC.
    Fault("always secure", WIRE, "o.DNSSEC_SECURE if flags & _AD else o.DNSSEC_INSECURE", "o.DNSSEC_SECURE"),
    Fault("never secure", WIRE, "o.DNSSEC_SECURE if flags & _AD else o.DNSSEC_INSECURE", "o.DNSSEC_INSECURE"),
    Fault("CD read as AD", WIRE, "_AD = 0x0020", "_AD = 0x0010"),
    Fault("bogus is an ordinary failure", WIRE, "            lookup.failure.kind = o.FAILURE_KIND_BOGUS\n", ""),
    Fault("bogus is indeterminate", WIRE, "            lookup.dnssec = o.DNSSEC_BOGUS\n", ""),
    Fault("expired signatures are not bogus", WIRE, "_BOGUS_ERRORS = frozenset(range(6, 13))", "_BOGUS_ERRORS = frozenset({6, *range(8, 13)})"),
    Fault("missing keys are not bogus", WIRE, "_BOGUS_ERRORS = frozenset(range(6, 13))", "_BOGUS_ERRORS = frozenset(range(6, 9))"),
    Fault("missing NSEC is not bogus", WIRE, "_BOGUS_ERRORS = frozenset(range(6, 13))", "_BOGUS_ERRORS = frozenset(range(6, 12))"),
    Fault("a network error is bogus", WIRE, "_BOGUS_ERRORS = frozenset(range(6, 13))", "_BOGUS_ERRORS = frozenset(range(6, 24))"),
    Fault("the first extended error decides", WIRE, "    extended.sort(key=lambda option: option.code not in _BOGUS_ERRORS)\n", ""),
    # Absences and records.
    Fault("NXDOMAIN with the records it denies", WIRE, "        if records:\n            raise MalformedRecordError(", "        if False:\n            raise MalformedRecordError("),
    Fault("NXDOMAIN reads as no data", WIRE, "        absence = o.ABSENCE_NAME_ERROR\n    elif", "        absence = o.ABSENCE_NO_DATA\n    elif"),
    Fault("NXNAME unseen", WIRE, "    elif authority > 1 and _is_compact_denial(wire):", "    elif False:"),
    Fault("NXNAME is another type", WIRE, "_NXNAME = 128", "_NXNAME = 127"),
    Fault("NXNAME of another owner", WIRE, "        if rrset.name == owner\n", ""),
    Fault("another class", WIRE, "    if any(record.rdclass != _IN for record in section):", "    if False:"),
    Fault("another type", WIRE, "if r.rdtype == query.rdtype and r.owner == owner]", "if r.owner == owner]"),
    Fault("another owner", WIRE, "if r.rdtype == query.rdtype and r.owner == owner]", "if r.rdtype == query.rdtype]"),
    Fault("the longest TTL", WIRE, "lookup.records.ttl = min(", "lookup.records.ttl = max("),
    Fault("records twice", WIRE, "dict.fromkeys(record.rdata for record in records)", "record.rdata for record in records"),
    Fault("only the first record", WIRE, "dict.fromkeys(record.rdata for record in records)", "[records[0].rdata]"),
    Fault("aliases are not followed", WIRE, "            owner = target\n", ""),
    Fault("aliases are not noted", WIRE, "            lookup.aliases.add(\n", "            o.Lookup().aliases.add(\n"),
    Fault("alias loops unseen", WIRE, "            if target in seen:", "            if False:"),
    Fault("no bound on aliases", WIRE, "            if len(seen) > _MAX_ALIASES:", "            if False:"),
    Fault("strays pass", WIRE, "        if record.owner not in seen and record.rdtype != _DNAME:", "        if False:"),
    Fault("a DNAME is a stray", WIRE, "        if record.owner not in seen and record.rdtype != _DNAME:", "        if record.owner not in seen:"),
    Fault("an OPT with options passes unread", WIRE, 'and opt[9:] == b"\\x00\\x00"', ""),
    # Records.
    Fault("pointers may go forward", RECORDS, "                if offset >= earliest:", "                if False:"),
    Fault("pointers may stand still", RECORDS, "                if offset >= earliest:", "                if offset > earliest:"),
    Fault("pointers of half their width", RECORDS, "(length & 0x3F) << 8", "(length & 0x1F) << 8"),
    Fault("labels of unknown kinds", RECORDS, "            if length > 63:", "            if length > 191:"),
    Fault("names of 256 octets", RECORDS, "            if size > _MAX_NAME:", "            if size > _MAX_NAME + 1:"),
    Fault("names of 254 octets at most", RECORDS, "            if size > _MAX_NAME:", "            if size >= _MAX_NAME:"),
    Fault("case kept in names", RECORDS, 'b"".join(labels).lower()', 'b"".join(labels)'),
    Fault("data may overrun", RECORDS, "        if offset > len(wire):", "        if False:"),
    Fault("a TTL with the top bit", RECORDS, "        ttl = 0 if ttl > _MAX_TTL else ttl\n", ""),
    Fault("one record too few", RECORDS, "    for _ in range(count):", "    for _ in range(count - 1):"),
    Fault("data one octet short", RECORDS, "wire[start:offset], start))", "wire[start:offset - 1], start))"),
    Fault("a name reads on after a pointer", RECORDS, "                end = end or offset + 2\n", "                end = offset + 2\n"),
    Fault("odd octets shown raw", RECORDS, 'chr(c) if c in _PLAIN else f"\\\\{c:03d}"', "chr(c)"),
    # The walk.
    Fault("a failure is climbed over", WALK, '            if not answer.HasField("absence"):', '            if answer.HasField("records"):'),
    Fault("a set is climbed over", WALK, '            if not answer.HasField("absence"):', '            if answer.HasField("failure"):'),
    Fault("an open level is climbed over", WALK, "            if answer is None:\n                return None\n", "            if answer is None:\n                continue\n"),
    Fault("NXDOMAIN ends the walk", WALK, '            if not answer.HasField("absence"):', "            if answer.absence != o.ABSENCE_NO_DATA:"),
    Fault("the deadline fails the highest level", WALK, "        index = self._answers.index(None)\n", "        index = len(self._answers) - 1 - self._answers[::-1].index(None)\n"),
    # Unbound.
    Fault("no validator", CONF, 'module-config: "validator iterator"', 'module-config: "iterator"'),
    Fault("permissive", CONF, "val-permissive-mode: no", "val-permissive-mode: yes"),
    Fault("stripped signatures pass", CONF, "harden-dnssec-stripped: yes", "harden-dnssec-stripped: no"),
    Fault("stale answers", CONF, "serve-expired: no", "serve-expired: yes"),
    Fault("fragments", CONF, "edns-buffer-size: 1232", "edns-buffer-size: 4096"),
    Fault("no 0x20", CONF, "use-caps-for-id: yes", "use-caps-for-id: no"),
    Fault("link-local servers", CONF, '    "169.254.0.0/16",\n', ""),
    Fault("mapped servers", CONF, '    "::ffff:0:0/96",\n', ""),
    Fault("servers on loopback", CONF, '    "127.0.0.0/8",\n', ""),
    Fault("special-purpose servers", CONF, '        lines.extend(f"  do-not-query-address: {block}" for block in SPECIAL_PURPOSE)', "        pass"),
    Fault("an hour of skew", CONF, "val-sig-skew-min: 0", "val-sig-skew-min: 3600"),
    Fault("negative trust anchors pass", RULES, 'Rule("list_insecure", _is(""),', 'Rule("list_insecure", bool,'),
    Fault("permissive mode passes", RULES, 'Rule("get_option val-permissive-mode", _is("no")', 'Rule("get_option val-permissive-mode", bool'),
    Fault("forwarders pass", RULES, 'Rule("list_forwards", _is("")', 'Rule("list_forwards", lambda _: True'),
    Fault("stubs pass", RULES, '    return all(line.startswith(". ") for', '    return any(line.startswith(". ") for'),
    Fault("any module passes", RULES, '"validator" in reply.split()', '"validator" in reply'),
    Fault("any TTL passes", RULES, "int(reply) <= bound", "int(reply) >= 0"),
    Fault("a root without AD passes", PROBE, 'if not root.HasField("records") or root.dnssec != o.DNSSEC_SECURE:', 'if not root.HasField("records"):'),
    Fault("a canary that is not bogus passes", PROBE, "    if canary.dnssec != o.DNSSEC_BOGUS:", '    if not canary.HasField("failure"):'),
    Fault("an absent root passes", PROBE, 'if not root.HasField("records") or root.dnssec', "if root.dnssec"),
]  # fmt: skip
