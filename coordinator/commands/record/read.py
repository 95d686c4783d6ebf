"""`mpic record show`, `search`, `export` and `replay`: what is in the record."""

import csv
import os
import sys
from collections.abc import Iterator
from datetime import datetime
from heapq import merge
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from coordinator.commands.record.export import COLUMNS, to_json, to_rows
from coordinator.commands.record.options import (
    DATES,
    AsJson,
    Caller,
    Config,
    Lang,
    Name,
    Opened,
    Perspective,
    Reason,
    Since,
    Until,
    in_utc,
    open_record,
)
from coordinator.commands.record.query import RecordCriteria, read_reason
from coordinator.commands.record.terminal import describe_change, print_list, print_record
from coordinator.decision.attempt_id import read_id, show_id
from coordinator.record.entries import RecordEntries, read_entries
from coordinator.record.replay import ReplayRules, replay
from coordinator.record.stores.base import Store, StoredRecord
from coordinator.rules.policy import NoPolicyRowError
from coordinator.settings import read_settings
from mpic.runtime.problem import Flaw
from mpic.v1 import corroboration_pb2 as c
from mpic.words import choose_language

CHANGED = 1


def show(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="A record id or a request id.")],
    config: Config,
    caller: Caller = "",
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Show all that is recorded about one question: who saw what, when, and what came late.

    A request id is looked for among the questions of --caller, or of every caller that may ask.

    Exit status: 0 found, 1 not found, 2 wrong usage, 9 the store cannot be read.
    """
    with open_record(config) as opened:
        found = list(_find(opened, identifier, caller))
        for entries in found:
            if as_json:
                typer.echo(to_json(entries))
            else:
                print_record(entries, _console(), choose_language(lang, os.environ))
    if not found:
        typer.echo(f"There is no record {identifier!r}", err=True)
        raise typer.Exit(1)


def _find(opened: Opened, identifier: str, caller: str) -> Iterator[RecordEntries]:
    """Yield the record of an id, or those of a request id."""
    try:
        stored = opened.store.read(read_id(identifier))
    except ValueError:
        stored = None
    if stored is not None:
        entries = _read(stored)
        if entries.question is not None:
            yield entries
        return
    callers = [caller] if caller else opened.settings.callers.allowed
    for one in callers:
        yield from _select(opened.store, RecordCriteria(caller=one, request_id=identifier))


def search(  # noqa: PLR0913, PLR0917 - one parameter for each option
    config: Config,
    name: Name = "",
    since: Since = None,
    until: Until = None,
    reason: Reason = "",
    perspective: Perspective = "",
    caller: Caller = "",
    limit: Annotated[int, typer.Option(min=1, help="Show at most this many.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List the records that meet all criteria, the newest first.

    Exit status: 0 some found, 1 none found, 2 wrong usage, 9 the store cannot be read.

    Example: mpic record search --config coordinator.toml --name www.example.com --since 2026-11-01
    """
    wanted = _want(name, (since, until), reason, perspective, caller)
    with open_record(config) as opened:
        found = _select(opened.store, wanted, newest_first=True)
        first = [entries for entries, _ in zip(found, range(limit + 1), strict=False)]
        if as_json:
            for entries in first[:limit]:
                typer.echo(to_json(entries))
        else:
            print_list(first[:limit], _console())
    if len(first) > limit:
        typer.echo(f"Only the newest {limit} are shown; see --limit", err=True)
    if not first:
        typer.echo("No record meets that", err=True)
        raise typer.Exit(1)


def export(  # noqa: PLR0913, PLR0917 - one parameter for each option
    config: Config,
    name: Name = "",
    since: Since = None,
    until: Until = None,
    reason: Reason = "",
    perspective: Perspective = "",
    caller: Caller = "",
    form: Annotated[
        Literal["jsonl", "csv"], typer.Option("--format", help="JSON lines, or a row per name.")
    ] = "jsonl",
) -> None:
    """Write records out, the oldest first, as they are read, however many there are.

    Exit status: 0, also if there are none; 2 wrong usage, 9 the store cannot be read.

    Example: mpic record export --config coordinator.toml --since 2026-11-01 > november.jsonl
    """
    wanted = _want(name, (since, until), reason, perspective, caller)
    with open_record(config) as opened:
        rows = csv.writer(sys.stdout)
        if form == "csv":
            rows.writerow(COLUMNS)
        for entries in _select(opened.store, wanted):
            if form == "csv":
                rows.writerows(to_rows(entries))
            else:
                print(to_json(entries))  # noqa: T201 - buffered, unlike typer.echo


def judge_again(  # noqa: PLR0913, PLR0917 - one parameter for each option
    config: Config,
    since: Since = None,
    until: Until = None,
    name: Name = "",
    rules: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Judge by the [policy] and [issuer] of this file."),
    ] = None,
    as_of: Annotated[
        datetime | None,
        typer.Option(formats=DATES, help="Judge all by the policy row of this time, UTC."),
    ] = None,
) -> None:
    """Judge what was seen again, by today's program and rules, and list the verdicts that change.

    Each question is judged by the policy row that is in force, by today's file, at the time when it
    was asked, or at --as-of. Nobody is asked again, and nothing is written.

    Exit status: 0 nothing changes, 1 something does, 2 wrong usage, 9 the store cannot be read.
    """
    questions = changed = reversed_ = 0
    with open_record(config) as opened:
        settings = read_settings(rules) if rules else opened.settings
        by = ReplayRules(settings.policy.policy(), settings.issuers(), in_utc(as_of))
        wanted = RecordCriteria(name=name, since=in_utc(since), until=in_utc(until))
        try:
            for entries in _select(opened.store, wanted):
                questions += 1
                for change in replay(entries, by):
                    changed += 1
                    reversed_ += change.is_reversal
                    typer.echo(describe_change(change))
        except NoPolicyRowError as error:
            mend = "Give --as-of a time when one is, or add the row"
            raise Flaw(f"{rules or config}: {error}", mend) from error
    typer.echo(
        f"{questions} questions judged again: {changed} verdicts change, {reversed_} reversed"
    )
    raise typer.Exit(CHANGED if changed else 0)


def _select(
    store: Store, wanted: RecordCriteria, *, newest_first: bool = False
) -> Iterator[RecordEntries]:
    """Yield the records that are wanted, each once."""
    searches = wanted.searches(newest_first=newest_first)
    by_record = attrgetter("record")
    found = merge(*map(store.search, searches), key=by_record, reverse=newest_first)
    for _, same in groupby(found, by_record):
        entries = _read(next(same))
        if wanted.meets(entries):
            yield entries


def _read(stored: StoredRecord) -> RecordEntries:
    """Read a record, and name entries that are not as they were written; those are not shown."""
    entries = read_entries(stored.contents, stored.record)
    for flaw in entries.flaws:
        what = f"Record {show_id(stored.record)} is not as it was written: {flaw}"
        typer.echo(f"{what}. `mpic record verify` says more", err=True)
    return entries


def _want(
    name: str,
    between: tuple[datetime | None, datetime | None],
    reason: str,
    perspective: str,
    caller: str,
) -> RecordCriteria:
    try:
        meant = read_reason(reason) if reason else c.REASON_UNSPECIFIED
    except Flaw as flaw:
        raise typer.BadParameter(f"--reason: {flaw}") from flaw
    since, until = map(in_utc, between)
    return RecordCriteria(name, since, until, meant, perspective, caller)


def _console() -> Console:
    """Return the terminal; through a pipe nothing may be cut or folded."""
    return Console(width=None if sys.stdout.isatty() else 1000)
