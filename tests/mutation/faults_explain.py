"""Faults in what a person is told who has to act: codes, tasks, lines to copy, the terminal."""

from tests.mutation.fault import Fault

EXPLAIN = "proto/mpic/explain/"
EXPLAINING = EXPLAIN + "explaining.py"
TASKS = EXPLAIN + "tasks.py"
VIEWS = EXPLAIN + "views.py"
SAFE = EXPLAIN + "safe_text.py"
PASTE = EXPLAIN + "paste.py"
DNS = EXPLAIN + "paste_dns.py"
CAA = EXPLAIN + "paste_caa.py"
PROOF = EXPLAIN + "paste_proof.py"
PROBLEMS = "proto/mpic/words/problems.py"
SAID = "proto/mpic/words/problem_sentences.py"
FACTS = "proto/mpic/words/facts.py"
SENTENCES = "proto/mpic/words/sentences.py"
LAST = "proto/mpic/ask/last_record.py"
LINES = "proto/mpic/ask/explanation_lines.py"
COMMAND = "proto/mpic/ask/explain_command.py"
ALPN = "coordinator/checks/domain_control/acme_tls_alpn.py"
CERTIFICATE = "coordinator/checks/domain_control/acme_certificate.py"
PERSISTENT = "coordinator/checks/domain_control/persistent_dns_txt.py"
PAGE = "coordinator/checks/domain_control/web_page.py"
VOTE = "coordinator/decision/vote.py"
WEB_TESTS = ("tests/unit/coordinator/checks/domain_control/test_web_corroboration.py",)
FAULT_TESTS = ("tests/unit/coordinator/checks/domain_control/test_faults.py",)

FAULTS = [
    Fault(
        "a check that too few corroborate is told as passed",
        "proto/mpic/explain/views.py",
        "corroborate.isdigit() and int(corroborate) < verdict.required",
        "False",
        ("tests/unit/mpic/ask/test_explanation_lines.py",),
    ),
    Fault(
        "a check that enough corroborate falls short",
        "proto/mpic/explain/views.py",
        "int(corroborate) < verdict.required",
        "int(corroborate) <= verdict.required",
        (
            "tests/unit/mpic/ask/test_explanation_lines.py",
            "tests/unit/mpic/explain/test_explain.py",
        ),
    ),
    Fault(
        "explain: names that are approved come first",
        EXPLAINING,
        "for one in (*bad, *good))",
        "for one in (*good, *bad))",
    ),
    Fault(
        "explain: remotes that nobody awaited have a problem",
        EXPLAINING,
        "_NO_PROBLEM = (c.DISSENT_UNSPECIFIED, c.DISSENT_NOT_AWAITED, ",
        "_NO_PROBLEM = (c.DISSENT_UNSPECIFIED, ",
    ),
    Fault(
        "explain: a remote's problem is told before the primary's",
        EXPLAINING,
        "key=lambda item: (not _has_primary(item[1]), -len(item[1]))",
        "key=lambda item: (_has_primary(item[1]), -len(item[1]))",
    ),
    Fault(
        "explain: the registry's task is the owner's",
        EXPLAINING,
        'whose = "registry" if found.scope == "tld" else task.whose',
        "whose = task.whose",
    ),
    Fault(
        "explain: a cause by place is that of one server",
        EXPLAINING,
        "if is_one_kind and not differs_by_place(verdict) else None",
        "if is_one_kind else None",
    ),
    Fault(
        "explain: of several problems the first is the reason",
        EXPLAINING,
        "if is_one_kind and not differs_by_place(verdict) else None",
        "if not differs_by_place(verdict) else None",
    ),
    Fault(
        "explain: the service's failure is the domain's task",
        EXPLAINING,
        "    if verdict.responsible in _TASK_OF:\n",
        "    if False:\n",
    ),
    Fault(
        "explain: the answer does not say when to ask again",
        EXPLAINING,
        "    told = _AGAIN.get(verdict.retry)\n",
        "    told = None\n",
    ),
    Fault(
        "explain: a dry run permits",
        EXPLAINING,
        'if code == "approved" and answer.dry_run:',
        "if False:",
    ),
    Fault(
        "explain: what is undetermined is refused",
        EXPLAINING,
        'return "refused" if any(map(is_determined, refused)) else "undetermined"',
        'return "refused"',
    ),
    Fault(
        "explain: the clause of DNSSEC is not told",
        EXPLAINING,
        'return ", ".join(filter(None, dict.fromkeys((check, own))))',
        "return check",
    ),
    Fault(
        "explain: a method's clause is not told",
        EXPLAINING,
        "    return check if told else own\n",
        "    return own\n",
    ),
    Fault(
        "explain: what a newer release tells is nobody's task",
        TASKS,
        '_OF_UNKNOWN = Task("service", "later")',
        '_OF_UNKNOWN = Task("nobody", "no")',
    ),
    Fault(
        "explain: our resolver is the domain's task",
        TASKS,
        '"MISMATCH": _OURS,',
        '"MISMATCH": _DNS,',
    ),
    Fault("explain: silence stays for ever", TASKS, '"SILENT": _DNS_LATER,', '"SILENT": _DNS,'),
    Fault(
        "explain: a fault of a certificate has no task",
        TASKS,
        '    "CERTIFICATE_OTHER_CHALLENGE": _HANDSHAKE,\n',
        "",
    ),
    Fault(
        "explain: those who did not answer saw nothing",
        VIEWS,
        'seen = [one for one in verdict.perspectives if one.HasField("observation")]',
        "seen = list(verdict.perspectives)",
    ),
    Fault(
        "explain: what all saw alike differs",
        VIEWS,
        "        if len(groups) > 1:\n",
        "        if groups:\n",
    ),
    Fault(
        "explain: the primary's value comes last",
        VIEWS,
        "key=lambda one: (not one.has_primary, -len(one.perspectives))",
        "key=lambda one: (one.has_primary, -len(one.perspectives))",
    ),
    Fault(
        "explain: the search ends at the name",
        VIEWS,
        "stopped_here=level is levels[-1]",
        "stopped_here=level is levels[0]",
    ),
    Fault(
        "explain: levels above the end are not shown",
        VIEWS,
        '    above = levels[-1].name.partition(".")[2]\n',
        '    above = ""\n',
    ),
    Fault(
        "explain: an epoch is a moment",
        VIEWS,
        "return stamp.ToDatetime(UTC) if stamp.seconds else None",
        "return stamp.ToDatetime(UTC)",
    ),
    Fault(
        "paste: any text is a name",
        SAFE,
        "    if len(text) > MAX_NAME or not _NAME.fullmatch(text):\n",
        "    if not text:\n",
    ),
    Fault(
        "paste: any text is an owner",
        SAFE,
        "    if len(text) > MAX_NAME or not _OWNER.fullmatch(text):\n",
        "    if not text:\n",
    ),
    Fault(
        "paste: a line end is a part of a name",
        SAFE,
        "not _NAME.fullmatch(text)",
        "not _NAME.match(text)",
    ),
    Fault("paste: an option is a name", SAFE, '_LDH = r"[a-z0-9](?:', '_LDH = r"[a-z0-9-](?:'),
    Fault(
        "paste: a scope is a part of an address",
        SAFE,
        'return str(address) if getattr(address, "scope_id", None) is None else ""',
        "return str(address)",
    ),
    Fault(
        "paste: any text is a token",
        SAFE,
        'return text if _TOKEN.fullmatch(text) else ""',
        "return text",
    ),
    Fault(
        "paste: any text is a path",
        SAFE,
        'return text if len(text) <= _MOST_PATH and _PATH.fullmatch(text) else ""',
        "return text",
    ),
    Fault(
        "paste: a registry is told what to configure",
        PASTE,
        '    if problem.scope == "tld":\n',
        "    if False:\n",
    ),
    Fault(
        "paste: a kind of a code has no lines",
        PASTE,
        '_BY_CODE.get(code) or _BY_CODE.get(code.rpartition(".")[0], ())',
        "_BY_CODE.get(code, ())",
    ),
    Fault(
        "paste: servers that are known are not asked", DNS, "    if servers:\n", "    if False:\n"
    ),
    Fault(
        "paste: the zone lets nobody ask",
        DNS,
        '"    allow-query { any; };",',
        '"    allow-query { localhost; };",',
    ),
    Fault(
        "paste: wildcards are permitted by issue",
        CAA,
        'return tag if tag in _TAGS else "issue"',
        'return "issue"',
    ),
    Fault(
        "paste: a tag of a stranger is written",
        CAA,
        'return tag if tag in _TAGS else "issue"',
        "return tag",
    ),
    Fault(
        "paste: the issuer is written as it is told",
        CAA,
        'issuer = next(filter(None, map(read_name, pasted.problem.issuers)), "")',
        'issuer = next(iter(pasted.problem.issuers), "")',
    ),
    Fault(
        "paste: a method of a stranger is written",
        CAA,
        'read_token(pasted.problem.method) or "METHOD"',
        'pasted.problem.method or "METHOD"',
    ),
    Fault(
        "paste: a record elsewhere is the proof's",
        PROOF,
        'return seen if seen == domain or seen.endswith(f".{domain}") else ""',
        "return seen",
    ),
    Fault(
        "paste: a wildcard's record has no policy",
        PROOF,
        "pasted.domain != pasted.name or pasted.problem.proof.is_wildcard",
        "pasted.domain != pasted.name",
    ),
    Fault(
        "paste: every port is opened as http",
        PROOF,
        "if service := _SERVICES.get(pasted.problem.port):",
        'if service := _SERVICES.get(pasted.problem.port, "http"):',
    ),
    Fault(
        "problem: a record that permits nobody names another CA",
        PROBLEMS,
        '    if not issuer:\n        return "nobody"\n',
        "",
    ),
    Fault(
        "problem: a misspelt CA is another CA",
        PROBLEMS,
        'return "" if _ISSUER.fullmatch(issuer) else "malformed"',
        'return ""',
    ),
    Fault(
        "problem: a web server that is silent is a name server",
        PROBLEMS,
        'of_web = "web." if failed.port and failure.kind in _WEB_TOO else ""',
        'of_web = ""',
    ),
    Fault(
        "problem: status 404 has no code of its own",
        PROBLEMS,
        "        code += _STATUSES.get(status) or",
        "        code +=",
    ),
    Fault(
        "problem: proofs have no method",
        PROBLEMS,
        '    if report.check == "domain_control":\n        return replace',
        "    if False:\n        return replace",
    ),
    Fault(
        "problem: another account is another address",
        PROBLEMS,
        'case c.DISSENT_DIFFERS if check == "domain_control":',
        "case c.DISSENT_DIFFERS if False:",
    ),
    Fault(
        "problem: an unknown fault is nothing",
        SAID,
        'unknown = group if group in {"failure", "cause"} else "reason"',
        "unknown = group",
    ),
    Fault(
        "problem: it is not said when to ask again",
        SAID,
        'if problem.code.startswith("fault.") and what == "remedy":',
        "if False:",
    ),
    Fault(
        "problem: the port is not told",
        FACTS,
        "return next((one.port for one in reversed(connection.dialed)), 0)",
        "return 0",
    ),
    Fault(
        "problem: the first answer's status is told",
        FACTS,
        'for one in reversed(hops) if one.HasField("response")',
        'for one in hops if one.HasField("response")',
    ),
    Fault(
        "problem: web servers are name servers",
        SENTENCES,
        "    return failed is None or not failed.port\n",
        "    return True\n",
    ),
    Fault(
        "problem: the service's 338 has the domain's cause",
        SENTENCES,
        'return say(f"responsible.{code_of(c.Responsible, verdict.responsible)}.cause", lang)',
        "pass",
    ),
    Fault(
        "fault: it is not told",
        VOTE,
        "        told.fault = judgement.fault\n",
        "        pass\n",
        WEB_TESTS,
    ),
    Fault(
        "fault: any certificate is that of another challenge",
        CERTIFICATE,
        "_IDENTIFIER = c.PROOF_FAULT_CERTIFICATE_IDENTIFIER",
        "_IDENTIFIER = c.PROOF_FAULT_CERTIFICATE_OTHER_CHALLENGE",
        FAULT_TESTS,
    ),
    Fault(
        "fault: another protocol is another version",
        ALPN,
        "CertificateFault(c.PROOF_FAULT_TLS_PROTOCOL,",
        "CertificateFault(c.PROOF_FAULT_TLS_VERSION,",
        FAULT_TESTS,
    ),
    Fault(
        "fault: what is expired is malformed",
        PERSISTENT,
        "_Meaning.EXPIRED: c.PROOF_FAULT_PERSISTENT_EXPIRED",
        "_Meaning.EXPIRED: c.PROOF_FAULT_PERSISTENT_MALFORMED",
        FAULT_TESTS,
    ),
    Fault(
        "fault: a status is a content",
        PAGE,
        "proof_missing(c.PROOF_FAULT_HTTP_STATUS,",
        "proof_missing(c.PROOF_FAULT_HTTP_CONTENT,",
        FAULT_TESTS,
    ),
    Fault(
        "last: a link in its place is read",
        LAST,
        "os.open(_FILE, os.O_RDONLY | os.O_NONBLOCK | _AS_IT_IS,",
        "os.open(_FILE, os.O_RDONLY | os.O_NONBLOCK,",
    ),
    Fault(
        "last: a pipe in its place is waited for",
        LAST,
        "os.O_RDONLY | os.O_NONBLOCK | _AS_IT_IS",
        "os.O_RDONLY | _AS_IT_IS",
    ),
    Fault(
        "last: a link in its place is written through",
        LAST,
        "        os.unlink(_NEW, dir_fd=directory)\n",
        "        pass\n",
    ),
    Fault(
        "last: its directory may be a link",
        LAST,
        "_AS_IT_IS = os.O_NOFOLLOW | os.O_CLOEXEC",
        "_AS_IT_IS = os.O_CLOEXEC",
    ),
    Fault(
        "last: everybody may read it",
        LAST,
        "os.open(_NEW, flags, 0o600, dir_fd=directory)",
        "os.open(_NEW, flags, 0o644, dir_fd=directory)",
    ),
    Fault(
        "last: any text is an id",
        LAST,
        'return text if _RECORD_ID.fullmatch(text) else ""',
        "return text",
    ),
    Fault(
        "last: what is no id is remembered",
        LAST,
        "    if not _RECORD_ID.fullmatch(record_id):\n        return\n",
        "",
    ),
    Fault(
        "last: a disk that is full breaks mpic ask",
        LAST,
        "    with suppress(OSError, RuntimeError):\n        home",
        "    with suppress(RuntimeError):\n        home",
    ),
    Fault("last: a relative directory counts", LAST, 'wanted.startswith("/")', "wanted"),
    Fault(
        "terminal: lines to copy are wrapped",
        LINES,
        'style="cyan"), 4, is_whole=True)',
        'style="cyan"), 4)',
    ),
    Fault(
        "terminal: a link is not escaped",
        LINES,
        'append(escape(text), style="not bold")',
        'append(text, style="not bold")',
    ),
    Fault(
        "terminal: several problems have one remedy",
        LINES,
        "has_columns=len(name.problems) > 1)",
        "has_columns=False)",
    ),
    Fault(
        "terminal: an id and --last are both taken",
        COMMAND,
        "    if bool(record_id) == last:\n",
        "    if not record_id and not last:\n",
    ),
    Fault(
        "terminal: every explanation is a good end",
        COMMAND,
        "raise typer.Exit(exit_code(answer))",
        "raise typer.Exit(0)",
    ),
]
