"""The command `mpic explain`: what a recorded answer means, and what to do."""

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from mpic.ask.answer import print_lines
from mpic.ask.answer_lines import TextLine
from mpic.ask.calling import CalledServer, call_or_exit
from mpic.ask.command import Ca, Cert, Key, Lang, Server, ServerName, Timeout
from mpic.ask.exit_status import exit_code
from mpic.ask.explanation_lines import describe_explanation
from mpic.ask.last_record import recall_record
from mpic.client import Client, TlsFiles
from mpic.explain import Explanation, explain
from mpic.explain.codes import CodeWords, list_codes
from mpic.v1 import corroboration_pb2 as c
from mpic.words import Language, choose_language
from mpic.words.catalogue import say

RecordId = Annotated[
    str | None, typer.Argument(help="The record's id, as the answer has it.", metavar="RECORD_ID")
]
Last = Annotated[
    bool, typer.Option("--last", help="Explain the last record that `mpic ask` was answered with.")
]
Codes = Annotated[
    bool, typer.Option("--codes", help="Print all codes with their sentences; asks nobody.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print it as JSON, with its codes.")]


def explain_record(  # noqa: PLR0913, PLR0917 - one parameter for each option
    record_id: RecordId = None,
    last: Last = False,
    codes: Codes = False,
    server: Server = "localhost:7300",
    server_name: ServerName = None,
    cert: Cert = Path("caller.pem"),
    key: Key = Path("caller.key"),
    ca: Ca = Path("ca.pem"),
    timeout: Timeout = 30.0,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Explain a recorded answer: what went wrong, whose task it is, and what to do.

    For each problem it prints the main cause, what to do, whether asking again helps, and lines to
    copy: those that show it from outside, and those that mend it. Then who saw what.

    The record is read with your certificate: you may read what you asked. Give its id, or --last
    for that of the last `mpic ask` on this host.

    Exit status: that of the answer, as with `mpic ask`: 0 approved, 1 refused, 11 undetermined; 2
    wrong usage, 9 no reply from the coordinator.

    Examples:
    mpic explain 019ad2b4-0000-7000-8000-00c0ffee0000 --server mpic.example:7300 --lang ja

    mpic explain --last

    """
    language = choose_language(lang, os.environ)
    if codes:
        _print_codes(language, as_json=as_json)
        return
    wanted = _choose_record(record_id, last=last)
    target = CalledServer(server, server_name, TlsFiles(cert, key, ca), timeout, language)
    read = partial(_read, record_id=wanted)
    answer = call_or_exit(target, read)
    told = explain(answer, language)
    if as_json:
        _print_json(told)
    else:
        print_lines(describe_explanation(told), Console())
    raise typer.Exit(exit_code(answer))


def _choose_record(record_id: str | None, *, last: bool) -> str:
    """Return the id that is meant; raises typer.BadParameter."""
    if bool(record_id) == last:
        raise typer.BadParameter("give the record's id, or --last")
    wanted = record_id or recall_record(os.environ)
    if not wanted:
        raise typer.BadParameter("no `mpic ask` has left a record here; give the record's id")
    return wanted


def _read(client: Client, record_id: str) -> c.CorroborateResponse:
    return client.get(record_id=record_id).verdict


def _print_codes(lang: Language, *, as_json: bool) -> None:
    if as_json:
        _print_json(list(list_codes(lang)))
    else:
        print_lines(_describe_codes(list_codes(lang), lang), Console())


def _describe_codes(codes: Iterable[CodeWords], lang: Language) -> Iterator[TextLine]:
    for one in codes:
        yield TextLine(Text(one.code, style="bold"))
        yield TextLine(Text(one.message), 2)
        for id, text in (  # noqa: A001 - as in `say`
            ("page.cause", one.cause),
            ("page.remedy", one.remedy),
            ("page.whose", one.whose),
            ("page.again", one.again),
            ("page.clause", one.clause),
        ):
            if text:
                yield TextLine(Text(f"{say(id, lang)}: {text}"), 2)
        yield TextLine(Text())


def _print_json(told: Explanation | list[CodeWords]) -> None:
    content = [asdict(one) for one in told] if isinstance(told, list) else asdict(told)
    print(json.dumps(content, ensure_ascii=False, indent=2, default=_to_json))  # noqa: T201


def _to_json(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    raise TypeError(f"{type(value).__name__} has no form in JSON")
