"""Faults in reading a list, in asking about it, in going on with it, and in what is written."""

from tests.mutation.fault import Fault

LISTS = "proto/mpic/ask/lists/"
LINE = LISTS + "line.py"
NAMES = LISTS + "names_format.py"
APPLICATIONS = LISTS + "applications_format.py"
CSV = LISTS + "csv_format.py"
ENCODING = LISTS + "encoding.py"
SOURCE = LISTS + "source.py"
FORMATS = LISTS + "formats.py"
JOURNAL = LISTS + "journal.py"
RESULTS = LISTS + "results.py"
ASKING = LISTS + "asking.py"
OPENED = LISTS + "opened.py"
OUTPUTS = LISTS + "outputs.py"
DESTINATION = LISTS + "destination.py"
SUMMARY = LISTS + "summary.py"
RUN = LISTS + "run.py"
OPTIONS = LISTS + "options.py"
USED = ("tests/integration/test_lists.py",)

FAULTS = [
    Fault(
        "a name twice in a line is asked twice", LINE, "{text.lower(): text for", "{text: text for"
    ),
    Fault("names of a line are turned round", LINE, ".values())[::-1]", ".values())"),
    Fault(
        "101 names of a line are asked",
        LINE,
        "if len(names) > MAX_NAMES:",
        "if len(names) > MAX_NAMES + 30:",
    ),
    Fault("what is no name is asked", LINE, "        check_form(name)\n", "        pass\n"),
    Fault("comments are names", NAMES, 'text.split("#", 1)[0].strip()', "text.strip()"),
    Fault("two names of a line are one", NAMES, "    if _SEPARATED.search(name):", "    if False:"),
    Fault(
        "the FQDN is read from column 12",
        APPLICATIONS,
        "fqdn = cells[FQDN - 1].strip()",
        "fqdn = cells[FQDN].strip()",
    ),
    Fault(
        "the FQDN stands in another column",
        APPLICATIONS,
        "DN, FQDN, FURTHER = 1, 11, 13",
        "DN, FQDN, FURTHER = 1, 10, 13",
    ),
    Fault(
        "further names are not asked",
        APPLICATIONS,
        "read_names([fqdn, *further], FURTHER, notes)",
        "read_names([fqdn], FURTHER, notes)",
    ),
    Fault(
        "further names need a prefix",
        APPLICATIONS,
        '_PREFIX.sub(" ", cell)',
        'cell if _PREFIX.search(cell) is None else _PREFIX.sub(" ", cell.partition(",")[0])',
    ),
    Fault(
        "the prefix is a name",
        APPLICATIONS,
        '_SEPARATOR.split(_PREFIX.sub(" ", cell))',
        "_SEPARATOR.split(cell)",
    ),
    Fault(
        "a missing column is an empty one",
        APPLICATIONS,
        "    if len(cells) < FQDN:",
        "    if len(cells) < 1:",
    ),
    Fault(
        "a quote that is open is no matter",
        APPLICATIONS,
        "        if cell.startswith('\"') and (len(cell) == 1 or not cell.endswith('\"')):",
        "        if False:",
    ),
    Fault(
        "quotes are a part of a name",
        APPLICATIONS,
        "    bare = [cell[1:-1]",
        "    bare = [cell[0:]",
    ),
    Fault(
        "another CN is not told",
        APPLICATIONS,
        "        if common.lower() != fqdn.lower():",
        "        if False:",
    ),
    Fault(
        "a CN in capitals is another",
        APPLICATIONS,
        "common.lower() != fqdn.lower()",
        "common != fqdn.lower()",
    ),
    Fault(
        "columns beyond the last are not told",
        APPLICATIONS,
        "    if any(cells[FURTHER:]):",
        "    if False:",
    ),
    Fault(
        "a long FQDN is not told",
        APPLICATIONS,
        "    if len(fqdn) > _FQDN_CHARACTERS:",
        "    if False:",
    ),
    Fault("doubled quotes stay doubled", CSV, "quoted[1].replace('\"\"', '\"')", "quoted[1]"),
    Fault(
        "what follows a quoted cell is dropped",
        CSV,
        'if at < len(text) and text[at] != ",":',
        "if False:",
    ),
    Fault(
        "the column is the first that has the name in it",
        CSV,
        "found = exact or same",
        "found = (exact or same)[:1]",
    ),
    Fault(
        "names are a heading",
        CSV,
        'if any("." in title and not find_wrong_name(title) for title in titles):',
        "if False:",
    ),
    Fault(
        "semicolons are a part of the heading",
        CSV,
        "    if len(titles) == 1 and (",
        "    if len(titles) == 0 and (",
    ),
    Fault(
        "a short record has its last cell",
        CSV,
        "    if index >= len(record.cells):",
        "    if False:",
    ),
    Fault(
        "an empty cell is a blank line",
        CSV,
        '        return LineReading(malformed=Remark(index + 1, "is empty; it should have the names"))',
        "        return LineReading()",
    ),
    Fault(
        "a quote swallows the rest",
        FORMATS,
        "            if record.end is not None:\n                # The lines",
        "            if False:\n                # The lines",
    ),
    Fault(
        "the lines after a bad record are lost",
        FORMATS,
        "                ahead.extendleft(reversed(taken[1:]))\n",
        "",
    ),
    Fault(
        "the lines after a bad record are turned round",
        FORMATS,
        "ahead.extendleft(reversed(taken[1:]))",
        "ahead.extendleft(taken[1:])",
    ),
    Fault(
        "a blank line ends a record",
        FORMATS,
        "                if more is None:",
        "                if not more:",
    ),
    Fault(
        "the heading is asked",
        FORMATS,
        "            elif index is not None:\n",
        "            elif True:\n                index = index or 0\n",
    ),
    Fault("a line that is cut is read", FORMATS, "        if line.is_cut:", "        if False:"),
    Fault(
        "the ending says nothing",
        FORMATS,
        "options.format or _BY_SUFFIX.get(suffix)",
        "options.format",
    ),
    Fault(
        "--column goes with any format",
        FORMATS,
        "if self._options.column and self.format not in {None, ListFormat.CSV}:",
        "if False:",
    ),
    Fault(
        "the more lines are wrong the better",
        ENCODING,
        "if self._wrong[Encoding.UTF_8] > self._wrong[Encoding.SHIFT_JIS]:",
        "if self._wrong[Encoding.UTF_8] < self._wrong[Encoding.SHIFT_JIS]:",
    ),
    Fault(
        "an ASCII file has an encoding",
        ENCODING,
        "        if self._is_ascii:\n            return None\n",
        "",
    ),
    Fault(
        "what is no text is read",
        ENCODING,
        "        if head.startswith(start):",
        "        if False:",
    ),
    Fault(
        "a NUL is a character",
        ENCODING,
        'if (at := octets.find(b"\\x00")) >= 0:',
        'if (at := octets.find(b"\\x00")) > 10**9:',
    ),
    Fault("the column of an octet is not told", ENCODING, 'octets.count(b"\\t", 0, at) + 1', "1"),
    Fault(
        "octets are counted from 0",
        ENCODING,
        "octet {at + 1} of the line",
        "octet {at} of the line",
    ),
    Fault(
        "the mark is a part of the first name",
        SOURCE,
        "octets = octets.removeprefix(BOM)",
        "octets = octets",
    ),
    Fault(
        "the rest of a long line is a line",
        SOURCE,
        "            if is_cut:\n                self._skip_line()\n",
        "",
    ),
    Fault(
        "a CR is a part of the line",
        SOURCE,
        '.removesuffix(b"\\n").removesuffix(b"\\r")',
        '.removesuffix(b"\\n")',
    ),
    Fault("what is appended is asked", SOURCE, "        self._left = octets\n", ""),
    Fault(
        "a list that changes is not noticed",
        SOURCE,
        "return self._digest.hexdigest() == surveyed.sha256",
        "return True",
    ),
    Fault(
        "what was appended is not told", SOURCE, "return bool(self._stream.read(1))", "return False"
    ),
    Fault(
        "two share a journal",
        JOURNAL,
        '        run("PRAGMA locking_mode = EXCLUSIVE")\n        run(f"PRAGMA',
        '        run(f"PRAGMA',
    ),
    Fault(
        "another program's file is a journal",
        JOURNAL,
        "if (application, schema) != (_APPLICATION, _SCHEMA):",
        "if schema != schema:",
    ),
    Fault(
        "nothing is on the disk before the end",
        JOURNAL,
        "        if time.monotonic() - self._written >= SECONDS:",
        "        if False:",
        USED,
    ),
    Fault(
        "a full disk is told as something else",
        JOURNAL,
        "        if self._database.in_transaction:\n",
        "        if True:\n",
    ),
    Fault(
        "what is refused is asked again",
        JOURNAL,
        "FINAL = (LineState.APPROVED, LineState.REFUSED, ",
        "FINAL = (LineState.APPROVED, ",
    ),
    Fault(
        "what is undetermined is never asked again",
        JOURNAL,
        'LineState.MALFORMED, LineState.BLANK)\n"""What is not',
        'LineState.MALFORMED, LineState.BLANK, LineState.UNDETERMINED)\n"""What is not',
    ),
    Fault(
        "a run with answers is begun anew",
        JOURNAL,
        "return not self.count().keys().isdisjoint(_ANSWERED)",
        "return False",
    ),
    Fault(
        "a run that is begun anew keeps its lines",
        JOURNAL,
        '            self._database.execute("DELETE FROM line")\n',
        "",
    ),
    Fault(
        "a removed journal stays",
        JOURNAL,
        "            Path(self.path).unlink(missing_ok=True)\n",
        "",
    ),
    Fault(
        "the last of the same lines is named",
        JOURNAL,
        "SELECT min(number) FROM line",
        "SELECT max(number) FROM line",
    ),
    Fault(
        "a refusal of a list is undetermined",
        RESULTS,
        "_STATES = {APPROVED: LineState.APPROVED, REFUSED: LineState.REFUSED}",
        "_STATES = {APPROVED: LineState.APPROVED}",
    ),
    Fault(
        "what is not decided is approved",
        RESULTS,
        "_STATES.get(exit_code(verdict), LineState.UNDETERMINED)",
        "_STATES.get(exit_code(verdict), LineState.APPROVED)",
    ),
    Fault(
        "wrong options are a malformed line",
        RESULTS,
        'if not any(one.field.startswith("names") for one in error.violations):',
        "if False:",
    ),
    Fault(
        "a caller that is not allowed asks on",
        RESULTS,
        "    if isinstance(error, NotAllowedError):",
        "    if False:",
    ),
    Fault(
        "an error is a refusal",
        RESULTS,
        "return replace(line, state=LineState.UNDETERMINED, reason=reason, result=told_of)",
        "return replace(line, state=LineState.REFUSED, reason=reason, result=told_of)",
    ),
    Fault(
        "names are told by their place",
        RESULTS,
        "    if place and int(place[1]) < len(line.names):",
        "    if False:",
    ),
    Fault(
        "a line has a new id each time",
        ASKING,
        'return f"list-{run_id}-{line.number}-{content}"',
        'return f"list-{run_id}-{line.number}-{content}{time.monotonic_ns()}"',
    ),
    Fault(
        "an id says nothing of the line",
        ASKING,
        "hashlib.sha256(line.octets)",
        "hashlib.sha256(b'')",
    ),
    Fault(
        "what is known is asked",
        ASKING,
        "if known is not None and known.state in FINAL:",
        "if False:",
    ),
    Fault(
        "another line has the answer of this one",
        ASKING,
        "if known is not None and known.request_id != request_id:",
        "if False:",
    ),
    Fault(
        "the options are not asked",
        ASKING,
        "        request.CopyFrom(self._options.template)\n",
        "",
    ),
    Fault(
        "the method is not asked",
        ASKING,
        "validation_method=self._options.method",
        'validation_method=""',
    ),
    Fault("no rate is kept", ASKING, "        if not self._options.rate:\n", "        if True:\n"),
    Fault("remarks are without end", ASKING, "if len(self.remarks) < MOST_REMARKS:", "if True:"),
    Fault(
        "the same lines are not told",
        ASKING,
        "if same := self._journal.find_same(new):",
        "if (same := 0):",
    ),
    Fault(
        "what came before the end is lost",
        ASKING,
        "        finally:\n            self._journal.commit()\n",
        "        finally:\n            pass\n",
        USED,
    ),
    Fault(
        "Japanese goes into ASCII applications as UTF-8",
        OPENED,
        "usual = Encoding.SHIFT_JIS if is_of_applications",
        "usual = Encoding.UTF_8 if is_of_applications",
    ),
    Fault(
        "the officer's mark is lost",
        OUTPUTS,
        '    yield BOM if dress.has_mark else b""\n    for line',
        "    for line",
    ),
    Fault(
        "added columns do not stand below each other",
        OUTPUTS,
        "missing = FURTHER - 1 - content.count",
        "missing = 0 * content.count",
    ),
    Fault("the officer's line ends are changed", OUTPUTS, '+ (end or b"\\n")', '+ b"\\n"'),
    Fault(
        "blank lines get columns",
        OUTPUTS,
        "        if line.state is LineState.BLANK:\n            yield line.octets\n            continue\n",
        "",
    ),
    Fault(
        "formulas reach a spreadsheet",
        OUTPUTS,
        'return f"\'{shown}" if shown.startswith(_FORMULA) else shown',
        "return shown",
    ),
    Fault(
        "octets of strangers reach a spreadsheet",
        OUTPUTS,
        "    shown = escape(cell)\n",
        "    shown = cell\n",
    ),
    Fault(
        "what Shift_JIS has not ends the run",
        OUTPUTS,
        '    except UnicodeEncodeError:\n        return b"".join(',
        '    except UnicodeDecodeError:\n        return b"".join(',
    ),
    Fault(
        "a wave dash is not in Shift_JIS",
        OUTPUTS,
        "return text.translate(_TWINS).encode(dress.encoding)",
        "return text.encode(dress.encoding)",
    ),
    Fault(
        "the table is without end",
        OUTPUTS,
        "rest = list(islice(bad, MOST_ROWS))",
        "rest = list(bad)",
    ),
    Fault(
        "the refused are first",
        OUTPUTS,
        "for line in [*islice(good, MOST_ROWS - len(rest)), *rest]:",
        "for line in [*rest, *islice(good, MOST_ROWS - len(rest))]:",
    ),
    Fault(
        "an output is overwritten",
        DESTINATION,
        "if path.exists() and not Path(self.journal).exists():",
        "if False:",
    ),
    Fault(
        "half of an output is there",
        DESTINATION,
        "part = Path(self._output + _PART if self._is_file else self._output)",
        "part = Path(self._output)",
    ),
    Fault(
        "a device is replaced by a file",
        DESTINATION,
        "return stat.S_ISREG(mode) or stat.S_ISDIR(mode)",
        "return True",
    ),
    Fault(
        "nobody hears that answers are kept",
        DESTINATION,
        "        if not self.journal:\n            return text\n",
        "        return text\n",
    ),
    Fault(
        "results wait for the end of a pipe",
        DESTINATION,
        "            sys.stdout.buffer.flush()\n",
        "",
        USED,
    ),
    Fault(
        "refusals outrank what is undetermined",
        SUMMARY,
        "    if counts.get(LineState.UNDETERMINED) or",
        "    if not counts.get(LineState.REFUSED) and counts.get(LineState.UNDETERMINED) or",
    ),
    Fault(
        "malformed lines are a good end",
        SUMMARY,
        "    if counts.get(LineState.MALFORMED):\n        return USAGE\n",
        "",
    ),
    Fault(
        "refused lines are a good end",
        SUMMARY,
        "return REFUSED if counts.get(LineState.REFUSED) else APPROVED",
        "return APPROVED",
    ),
    Fault(
        "every refused line is named",
        SUMMARY,
        "        if place == MOST_NAMED:",
        "        if place == -1:",
    ),
    Fault(
        "a run of other options is gone on with",
        RUN,
        "        if journal.has_answers():\n",
        "        if False:\n",
    ),
    Fault(
        "an output is written in spite of an early end",
        RUN,
        "if early is None or not destination.journal:",
        "if True:",
    ),
    Fault("a list of nothing is approved", RUN, "    if journal.is_empty():", "    if False:"),
    Fault(
        "an early end is a good end",
        RUN,
        "status = exit_status(journal) if early is None else early.status",
        "status = exit_status(journal)",
    ),
    Fault(
        "SIGTERM ends it without a word",
        RUN,
        "for number in (signal.SIGINT, signal.SIGTERM):",
        "for number in (signal.SIGINT,):",
        USED,
    ),
    Fault(
        "the journal is removed though lines are open",
        RUN,
        "journal.has_answers() if early else journal.is_open()",
        "journal.has_answers() if early else False",
    ),
    Fault(
        "a journal that was named is removed",
        RUN,
        "    if is_kept or job.resume:",
        "    if is_kept:",
    ),
    Fault(
        "names beside a list are not asked",
        OPTIONS,
        "    if request.names:\n",
        "    if False:\n",
        USED,
    ),
    Fault(
        "a proof is for every line",
        OPTIONS,
        "    if has_proof or request.purpose == c.PURPOSE_VALIDATION:",
        "    if False:",
        USED,
    ),
    Fault(
        "options of lists are for nothing",
        OPTIONS,
        "        if job != ListJob():",
        "        if False:",
        USED,
    ),
    Fault(
        "the list is its own output",
        OPTIONS,
        "    if any(_is_same(one, job.file) for one in places) or",
        "    if",
        USED,
    ),
]
