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

from google.protobuf import json_format

from mpic.ask.calling import code_of
from mpic.ask.exit_status import USAGE
from mpic.ask.lists.asking import ListRun, RunOptions
from mpic.ask.lists.destination import ListOutput
from mpic.ask.lists.journal import Journal
from mpic.ask.lists.line import ListError
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
    "server": "at another coordinator: give the same --server",
    "sha256": "about another content of the file: give the file as it was",
    "question": "with other options (issuer, account-uri, method and so on): give the same",
    "read": "with another --format, --encoding or --column: give the same",
    "words": "in another language: give the same --lang",
    "repeats_lines": "for another kind of output: give --tsv as then, or not as then",
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
        _say(f"mpic: {error}")
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
                early = asyncio.run(_until_end(_ask(run, caller, opened, limits), caller))
            if early is None:
                _check_read(opened, journal, run)
            if early is None or (journal.has_answers() and not destination.journal):
                destination.write(journal, opened.dress(question.lang))
            for text in describe(journal, run.remarks, run.more_remarks, question.lang):
                _say(text)
            if question.template.dry_run:
                _say(say("line.dry_run", question.lang))
            return _finish(job, journal, early, question.lang)


def _check_read(opened: OpenedList, journal: Journal, run: ListRun) -> None:
    """Raise ListError if what was read is not the list that was meant, or nothing."""
    if journal.last_number() > run.lines:
        text = f"{opened.name}: has {run.lines} lines, and had more when this run began"
        raise ListError(f"{text}; give the same list, or begin anew")
    if grown := opened.check_read():
        _say(f"note: {grown}")
    if journal.is_empty():
        journal.remove()
        raise ListError(f"{opened.name}: has no name in it; give one name a line")


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
            anew = "or begin anew with another --output or --resume"
            raise ListError(f"{journal.path}: is of a run {other[0]}, {anew}")
        journal.forget()
        known = journal.describe(facts)
    if known["run"] != facts["run"]:
        _say(say("summary.goes_on", question.lang, path=journal.path))
    return RunOptions(
        known["run"], question.template, question.method, job.rate, repeats, question.lang
    )


async def _until_end(work: Coroutine[None, None, None], caller: ListCaller) -> EarlyEnd | None:
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
        return EarlyEnd(128 + signals[0], f"ended by {signals[0].name}")
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
