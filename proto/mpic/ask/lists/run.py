"""`mpic ask --file`: opens what it needs, asks, and writes what came of it."""

import asyncio
import json
import os
import signal
import sys
import uuid
from collections.abc import Coroutine
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime

from google.protobuf import json_format

from mpic.ask.calling import code_of
from mpic.ask.exit_status import USAGE
from mpic.ask.lists.asking import ListRun, RunOptions
from mpic.ask.lists.destination import ListOutput
from mpic.ask.lists.journal import Journal
from mpic.ask.lists.line import ListError, Phrase
from mpic.ask.lists.opened import OpenedList
from mpic.ask.lists.options import ListCaller, ListJob, ListQuestion
from mpic.ask.lists.outputs import OutputKind
from mpic.ask.lists.progress import RunProgress
from mpic.ask.lists.summary import describe, exit_status
from mpic.client import (
    ClientError,
    StreamLimits,
)
from mpic.words.catalogue import Language, say

PATIENCE = 120.0
"""Seconds without any answer after which a run is broken off, at least; and for so long a line is
asked again that the service has no room for."""
_BROKEN_PIPE = 141
"""As if the signal SIGPIPE had ended the program."""

# What a run that is gone on with must have in common with how it began.
_MENDS = {
    "server": "other_server",
    "sha256": "other_content",
    "question": "other_options",
    "read": "other_reading",
    "words": "other_language",
    "repeats_lines": "other_output",
}


@dataclass(frozen=True, slots=True)
class EarlyEnd:
    """Why not all lines were asked."""

    status: int
    text: str


def ask_list(job: ListJob, question: ListQuestion, caller: ListCaller) -> int:
    """Ask about every line of a list and write the results; return the exit status."""
    try:
        return _ask_list(job, question, caller)
    except ListError as error:
        _say(f"mpic: {error.phrase.say(question.lang)}")
        return USAGE
    except BrokenPipeError:
        # Whoever read the results has enough of them.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE


def _ask_list(job: ListJob, question: ListQuestion, caller: ListCaller) -> int:
    with closing(OpenedList(job.file, job.list)) as opened:
        destination = ListOutput(job)
        with closing(Journal(destination.journal)) as journal:
            options = _begin(job, question, journal, opened, caller.server)
            with RunProgress(opened.lines_ahead, is_shown=destination.leaves_terminal) as progress:
                run = ListRun(journal, options, (progress.advance, destination.tell))
                limits = StreamLimits(timeout=max(question.timeout, PATIENCE))
                early = asyncio.run(
                    _until_end(_ask(run, caller, opened, limits), caller, question.lang)
                )
            if early is None:
                _check_read(opened, journal, run, question.lang)
            run.expire(datetime.now(UTC))
            if early is None or (journal.has_answers() and not destination.journal):
                destination.write(journal, opened.dress(question.lang))
            for text in describe(journal, run.remarks, run.more_remarks, question.lang):
                _say(text)
            if question.template.dry_run:
                _say(say("line.dry_run", question.lang))
            return _finish(job, journal, early, question.lang)


def _check_read(opened: OpenedList, journal: Journal, run: ListRun, lang: Language) -> None:
    """Raise ListError if what was read is not the list that was meant, or nothing."""
    if journal.last_number() > run.lines:
        raise ListError("fewer_lines", name=opened.name, count=run.lines)
    if grown := opened.check_read():
        _say(grown.say(lang))
    if journal.is_empty():
        journal.remove()
        raise ListError("no_names", name=opened.name)


async def _ask(run: ListRun, caller: ListCaller, opened: OpenedList, limits: StreamLimits) -> None:
    async with caller.make_client() as client:
        await run.ask(client, opened.lines(), limits)


def _begin(
    job: ListJob, question: ListQuestion, journal: Journal, opened: OpenedList, server: str
) -> RunOptions:
    """Return what holds for the run; raises ListError if the journal is of another one."""
    asked = json_format.MessageToDict(question.template, preserving_proto_field_name=True)
    repeats = job.kind is OutputKind.TSV
    facts = {
        "run": uuid.uuid4().hex[:16],
        "server": server,
        "sha256": opened.surveyed.sha256 if opened.surveyed else "",
        "question": json.dumps({**asked, "method": question.method}, sort_keys=True),
        "read": f"{job.list.format or ''} {job.list.encoding or ''} {job.list.column}".strip(),
        "words": question.lang,
        "repeats_lines": str(repeats),
    }
    known = journal.describe(facts)
    if other := [mend for key, mend in _MENDS.items() if known.get(key) != facts[key]]:
        if journal.has_answers():
            what = Phrase(f"list.error.{other[0]}")
            raise ListError("other_run", path=journal.path, what=what)
        journal.forget()
        known = journal.describe(facts)
    if known["run"] != facts["run"]:
        _say(say("summary.goes_on", question.lang, path=journal.path))
    return RunOptions(
        known["run"], question.template, question.method, job.rate, repeats, question.lang
    )


async def _until_end(
    work: Coroutine[None, None, None], caller: ListCaller, lang: Language
) -> EarlyEnd | None:
    """Work until the end, or until a signal or an error of the client ends it."""
    task = asyncio.create_task(work)
    loop, signals = asyncio.get_running_loop(), list[signal.Signals]()

    def end(number: signal.Signals) -> None:
        signals.append(number)
        task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end, number)
    try:
        await task
    except asyncio.CancelledError:
        if not signals:
            raise
        why = Phrase("list.ended_by", {"signal": signals[0].name})
        return EarlyEnd(128 + signals[0], why.say(lang))
    except ClientError as error:
        return EarlyEnd(code_of(error), caller.explain(error))
    return None


def _finish(job: ListJob, journal: Journal, early: EarlyEnd | None, lang: Language) -> int:
    """Say how it goes on, and return the exit status."""
    status = exit_status(journal) if early is None else early.status
    if early is not None:
        _say(say("summary.early", lang, why=early.text))
    is_kept = bool(journal.path) and (journal.has_answers() if early else journal.is_open())
    if is_kept:
        _say(say("summary.go_on", lang, path=journal.path))
    if is_kept or job.resume:
        journal.close()
    else:
        journal.remove()
    return status


def _say(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201 - for a person
