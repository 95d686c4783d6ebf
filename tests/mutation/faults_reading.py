"""How an answer is read: its lines, its sentences, and why a lookup failed."""

from tests.mutation.fault import Fault

ANSWER = "proto/mpic/ask/answer.py"
LINES = "proto/mpic/ask/answer_lines.py"
SEEN = "proto/mpic/words/observed.py"
PLACES = "proto/mpic/ask/perspectives_table.py"
WRAPPING = "proto/mpic/ask/wrapping.py"
CALLING = "proto/mpic/ask/calling.py"
SENTENCES = "proto/mpic/words/sentences.py"
PROBLEMS = "proto/mpic/words/problems.py"
OF_PROBLEM = "proto/mpic/words/problem_sentences.py"
FACTS = "proto/mpic/words/facts.py"
CATALOGUE = "proto/mpic/words/catalogue.py"
CODES = "proto/mpic/words/codes.py"
VERDICT = "coordinator/decision/verdict.py"
SET = "coordinator/checks/caa/relevant_set.py"
RECORDS = "coordinator/commands/record/terminal.py"
SERVFAIL = "perspective_agent/unbound/servfail.py"
CAUSE = "perspective_agent/diagnosis/servfail_cause.py"
RESOLVER = "perspective_agent/dns/resolver.py"

FAULTS = (
    # What is printed.
    Fault(
        "refused names come first",
        ANSWER,
        "key=lambda one: one.reason != c.REASON_CORROBORATED)",
        "key=lambda one: one.reason == c.REASON_CORROBORATED)",
    ),
    Fault(
        "a pipe's lines are wrapped",
        ANSWER,
        "        if console.is_terminal and not is_whole:\n            for part in wrap(",
        "        if True:\n            for part in wrap(",
    ),
    Fault(
        "a terminal's lines are not wrapped",
        ANSWER,
        "        if console.is_terminal and not is_whole:\n            for part in wrap(",
        "        if False:\n            for part in wrap(",
    ),
    Fault(
        "a line is wrapped without its indent", ANSWER, "console.width - indent", "console.width"
    ),
    Fault(
        "the last lines name no refused name",
        ANSWER,
        "    yield from _name_refused(response, lang)\n",
        "",
    ),
    Fault(
        "what is undetermined is named as refused", ANSWER, '(what == "refused")]', '(what != "")]'
    ),
    Fault(
        "columns of Japanese are measured in characters",
        ANSWER,
        "(widths[at] - cell_len(cell))",
        "(widths[at] - len(cell))",
    ),
    Fault(
        "what was seen does not keep perspectives apart",
        LINES,
        '"; ".join(seen) if was_seen else ""',
        '""',
    ),
    Fault(
        "primary and remotes share a group",
        LINES,
        "            report.role,\n",
        "            c.ROLE_REMOTE,\n",
    ),
    Fault(
        "338 says that those dissent whom nobody awaited",
        SENTENCES,
        'if verdict.HasField("error") and is_open:',
        "if False:",
    ),
    Fault(
        "a quorum is told that nobody counted",
        SENTENCES,
        "    if verdict.reason not in QUORUM_REASONS:",
        "    if False:",
    ),
    Fault(
        "whose failure it is is not told",
        LINES,
        '*([say(f"responsible.{whose}", lang)] if verdict.responsible else []),',
        "",
    ),
    Fault(
        "whether asking again helps is not told",
        LINES,
        '*([say(f"retry.{again}", lang)] if verdict.retry else []),',
        "",
    ),
    Fault(
        "no remedy is told",
        LINES,
        '        yield TextLine(Text(say("line.remedy", lang, remedy=words.remedy)), 2)\n',
        "",
    ),
    Fault(
        "the order of addresses keeps perspectives apart",
        SEEN,
        "sorted(map(_show_address, lookup.records.rdata))",
        "list(map(_show_address, lookup.records.rdata))",
        ("tests/unit/mpic/ask/test_answer.py",),
    ),
    Fault(
        "an alias is not told",
        SEEN,
        "    if not lookup.aliases:\n        return records",
        "    if True:\n        return records",
    ),
    Fault(
        "a problem of a perspective is not told",
        PLACES,
        "        return escape(status.problem)",
        '        return ""',
    ),
    Fault("a clock that differs is not told", PLACES, "    if abs(ahead) < 1:", "    if True:"),
    Fault(
        "a line begins with what closes a sentence",
        WRAPPING,
        "    if after in _NOT_FIRST:\n        return False\n",
        "",
    ),
    Fault(
        "Japanese is broken at blanks alone",
        WRAPPING,
        'before == " " or cell_len(before) > 1',
        'before == " " or cell_len(before) > 2',
    ),
    Fault(
        "a failed call says nothing to do",
        CALLING,
        "*_say_message(error, lang), remedy])",
        "*_say_message(error, lang)])",
    ),
    Fault(
        "the coordinator's sentence is told in Japanese",
        LINES,
        'not is_told and (lang == "en" or',
        'not is_told and (lang != "" or',
    ),
    Fault(
        "the server that failed keeps perspectives apart",
        LINES,
        "if report.detail and not is_told and (",
        "if report.detail and (",
    ),
    # Sentences.
    Fault(
        "a service's failure is a refusal",
        FACTS,
        "return refused.responsible == c.RESPONSIBLE_DOMAIN",
        "return True",
    ),
    Fault(
        "those whom nobody awaited count as dissenting",
        FACTS,
        "if one.dissent and one.dissent not in _OPEN]",
        "if one.dissent]",
    ),
    Fault(
        "a zone that an alias leads to is the name's own",
        PROBLEMS,
        '        return "alias"\n',
        '        return ""\n',
    ),
    Fault(
        "a top-level domain is the owner's zone",
        PROBLEMS,
        'return "" if "." in zone else "tld"',
        'return ""',
    ),
    Fault(
        "servers that fail everywhere differ by place",
        SENTENCES,
        "return bool(asked) and all(map(_has_failed, asked))",
        "return bool(asked)",
    ),
    Fault(
        "a fact is not escaped", OF_PROBLEM, "return shorten(escape(text), _OCTETS)", "return text"
    ),
    Fault(
        "the owner of a record behind an alias is the alias",
        PROBLEMS,
        "alias=end.name, owner=end.records.owner)",
        "alias=end.name, owner=end.name)",
    ),
    Fault(
        "the service's 338 has the domain's remedy",
        SENTENCES,
        "in _NOT_THE_DOMAINS:\n        whose = ",
        "in ():\n        whose = ",
    ),
    Fault(
        "LANG is not heeded",
        CATALOGUE,
        '_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")',
        '_VARIABLES = ("LC_ALL", "LC_MESSAGES")',
    ),
    Fault(
        "LANG outweighs LC_ALL",
        CATALOGUE,
        '_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")',
        '_VARIABLES = ("LANG", "LC_MESSAGES", "LC_ALL")',
    ),
    Fault(
        "a value of a newer release raises",
        CODES,
        "    if value not in enum.values():\n        return UNKNOWN\n",
        "",
    ),
    Fault(
        "338 counts those whom nobody awaited as dissenting",
        VERDICT,
        "vote.corroborates or vote.dissent == c.DISSENT_NOT_AWAITED or _is_cut(vote)",
        "vote.corroborates",
    ),
    Fault(
        "an overloaded remote dissents",
        VERDICT,
        "c.DISSENT_NOT_AWAITED or _is_cut(vote)",
        "c.DISSENT_NOT_AWAITED",
    ),
    Fault(
        "a set stands at the alias",
        SET,
        "    if not end.aliases:\n        return",
        "    if True:\n        return",
    ),
    Fault(
        "a name's row has the dissenters of the first",
        RECORDS,
        "dissenting_on(entries, record, index)",
        "dissenting_on(entries, record, 0)",
    ),
    Fault(
        "retry: what servers did says nothing",
        "coordinator/rules/retry.py",
        "of_cause = AFTER_CAUSE.get(failure.cause) if is_owners else None",
        "of_cause = None",
    ),
    Fault(
        "retry: a registry's failure stays until the owner acts",
        "coordinator/rules/retry.py",
        "AFTER_CAUSE.get(failure.cause) if is_owners else None",
        "AFTER_CAUSE.get(failure.cause)",
    ),
    # Why a lookup failed.
    Fault(
        "an older coordinator is told causes that it does not know",
        "perspective_agent/stream.py",
        "        if not self.tells_causes:\n",
        "        if False:\n",
        ("tests/unit/perspective_agent/test_servicer.py",),
    ),
    Fault(
        "no coordinator is told causes",
        "perspective_agent/servicer.py",
        "                stream.tells_causes |= request.failure_causes\n",
        "",
    ),
    Fault(
        "a cause is told of DNSSEC's failures",
        CAUSE,
        " or failure.kind != o.FAILURE_KIND_SERVFAIL:",
        ":",
    ),
    Fault(
        "a refusal is a server's failure",
        SERVFAIL,
        '    (" got REFUSED", o.FAILURE_CAUSE_REFUSED),\n',
        "",
    ),
    Fault(
        "an old line explains a new failure",
        SERVFAIL,
        "return reason if noted >= since - _REMEMBERED else None",
        "return reason",
    ),
    Fault("lines are kept without end", SERVFAIL, "if len(self._reasons) > _KEPT:", "if False:"),
    Fault("a name's case hides its line", SERVFAIL, 'found["name"].lower()', 'found["name"]'),
    Fault(
        "Unbound's text is not cut",
        SERVFAIL,
        'shorten(why.replace(_NO_ADDRESS, "").strip(), _TEXT_OCTETS)',
        'why.replace(_NO_ADDRESS, "").strip()',
    ),
    Fault(
        "zones are looked at without end",
        CAUSE,
        "if len(self._under_way) >= AT_A_TIME:",
        "if False:",
    ),
    Fault(
        "each lookup has its zone looked at",
        CAUSE,
        "        if looking is not None:\n",
        "        if True:\n",
    ),
    Fault(
        "room for zones is not given back",
        CAUSE,
        "            looking.add_done_callback(lambda _: self._under_way.pop(key))\n",
        "",
    ),
    Fault("a line that comes late is not waited for", CAUSE, "_LINE_WAITS = 5", "_LINE_WAITS = 1"),
    Fault(
        "a plain reason is looked at",
        CAUSE,
        "if failure.cause in _TO_BE_LOOKED_AT and failure.zone:",
        "if failure.zone:",
    ),
    Fault(
        "a server that was given up is not usable",
        CAUSE,
        "            failure.cause = before.failure.cause or failure.cause\n",
        "            pass\n",
    ),
    Fault(
        "TCP that answers is closed",
        CAUSE,
        "TRUNCATED and by_tcp.outcome not in _GAVE_ONE:",
        "TRUNCATED:",
    ),
    Fault(
        "silence is dropped EDNS",
        CAUSE,
        "SERVER_OUTCOME_SILENT and plain.outcome in _GAVE_ONE:",
        "SERVER_OUTCOME_SILENT:",
    ),
    Fault(
        "servers of other zones are asked",
        CAUSE,
        '.removesuffix(".") == zone',
        '.removesuffix(".").endswith(zone)',
    ),
    Fault(
        "a failure is told before it is explained",
        RESOLVER,
        "        await explainer.explain(answer, query.rdtype, lookup.sent_at, lookup.failure)\n",
        "",
    ),
    Fault(
        "the first failure is not explained",
        RESOLVER,
        "            self.explainer.read(answer, lookup.query.rdtype, lookup.sent_at)\n",
        "            pass\n",
    ),
    Fault(
        "what was explained is not forgotten",
        RESOLVER,
        "            self._spawn(self._erase(lookup.query.name, lookup.query.rdtype))\n",
        "            pass\n",
    ),
)
