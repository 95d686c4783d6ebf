"""The options of `mpic ask` that are for lists."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from mpic.ask.lists.encoding import Encoding
from mpic.ask.lists.formats import ListFormat, ListOptions
from mpic.ask.lists.outputs import OutputKind
from mpic.client import AsyncClient, ClientError
from mpic.v1 import corroboration_pb2 as c
from mpic.words import Language

_PANEL = "Lists: each line is one certificate"
_ENCODINGS = {
    "utf-8": Encoding.UTF_8,
    "utf8": Encoding.UTF_8,
    "shift_jis": Encoding.SHIFT_JIS,
    "shift-jis": Encoding.SHIFT_JIS,
    "sjis": Encoding.SHIFT_JIS,
    "cp932": Encoding.SHIFT_JIS,
}

File = Annotated[
    str,
    typer.Option(
        "--file",
        metavar="FILE",
        help="Ask about every line of FILE; - is standard input.",
        rich_help_panel=_PANEL,
    ),
]
Format = Annotated[
    ListFormat | None,
    typer.Option(
        "--format",
        help="One name a line, UPKI's applications (TSV), or CSV; otherwise: found out.",
        rich_help_panel=_PANEL,
    ),
]
Column = Annotated[
    str,
    typer.Option(
        metavar="NAME", help="The column of a CSV that has the names.", rich_help_panel=_PANEL
    ),
]
EncodingName = Annotated[
    str,
    typer.Option(
        "--encoding", help="utf-8 or shift_jis; otherwise: found out.", rich_help_panel=_PANEL
    ),
]
AsCsv = Annotated[
    bool, typer.Option("--csv", help="Write a CSV, a row for each line.", rich_help_panel=_PANEL)
]
AsTsv = Annotated[
    bool,
    typer.Option(
        "--tsv",
        help="Write the file as it was, with three columns added: verdict, why, what to do.",
        rich_help_panel=_PANEL,
    ),
]
AsJsonl = Annotated[
    bool,
    typer.Option(
        "--jsonl",
        help="Write a JSON object for each line; without --output: as they are answered.",
        rich_help_panel=_PANEL,
    ),
]
Output = Annotated[
    str,
    typer.Option(
        metavar="FILE",
        help="Write there, and keep what is answered in FILE.resume until all is.",
        rich_help_panel=_PANEL,
    ),
]
Resume = Annotated[
    str,
    typer.Option(
        metavar="FILE", help="Keep what is answered there instead.", rich_help_panel=_PANEL
    ),
]
Rate = Annotated[
    float,
    typer.Option(
        min=0, help="Ask at most so many lines a second; 0: no bound.", rich_help_panel=_PANEL
    ),
]


@dataclass(frozen=True, slots=True)
class ListJob:
    """What the command line says of a list."""

    file: str = ""
    """Empty: there is none, and no other option of lists either."""
    list: ListOptions = ListOptions()  # noqa: RUF009 - it cannot be changed
    kind: OutputKind = OutputKind.TABLE
    output: str = ""
    """Empty: standard output."""
    resume: str = ""
    """The journal; empty: beside the output."""
    rate: float = 0.0


@dataclass(frozen=True, slots=True)
class ListQuestion:
    """What is asked about every line."""

    template: c.CorroborateRequest
    """All of a question but its names and its id."""
    method: str = ""
    timeout: float = 0.0
    lang: Language = "en"


@dataclass(frozen=True, slots=True)
class ListCaller:
    """How the service is called, and what a failed call means to who made it."""

    make_client: Callable[[], AsyncClient]
    """Raises CredentialsError."""
    explain: Callable[[ClientError], str]
    server: str = ""
    """Which one it is, as the command line says."""


def read_kind(*, as_csv: bool, as_tsv: bool, as_jsonl: bool) -> OutputKind:
    """Return how results are written; raises typer.BadParameter."""
    flags = {OutputKind.CSV: as_csv, OutputKind.TSV: as_tsv, OutputKind.JSONL: as_jsonl}
    given = [kind for kind, is_given in flags.items() if is_given]
    if len(given) > 1:
        raise typer.BadParameter(f"give one of --{' and --'.join(given)}")
    return given[0] if given else OutputKind.TABLE


def read_encoding(text: str) -> Encoding | None:
    """Return the encoding; None: it is to be found out. Raises typer.BadParameter."""
    if not text:
        return None
    if text.lower() not in _ENCODINGS:
        raise typer.BadParameter(f"--encoding is utf-8 or shift_jis, not {text!r}")
    return _ENCODINGS[text.lower()]


def check_job(
    job: ListJob, request: c.CorroborateRequest, *, has_proof: bool, as_json: bool
) -> bool:
    """Whether a list is asked about, and not the request's own names.

    Raises typer.BadParameter if options do not go together.
    """
    if not job.file:
        if job != ListJob():
            raise typer.BadParameter("this option is for lists; give one with --file")
        if not request.names:
            raise typer.BadParameter("Missing argument: give NAME..., or a list with --file")
        return False
    if request.names:
        raise typer.BadParameter("give NAME..., or a list with --file, not both")
    if has_proof or request.purpose == c.PURPOSE_VALIDATION:
        text = "a proof of domain control belongs to one name; a list takes none"
        raise typer.BadParameter(f"{text}, and no --validation: ask about such names one by one")
    if job.list.column and job.list.format not in {None, ListFormat.CSV}:
        raise typer.BadParameter("--column is for CSV; give --format csv, or no --column")
    if as_json:
        raise typer.BadParameter("give --jsonl for a list, not --json")
    places = [one for one in (job.output, job.resume) if one]
    if any(_is_same(one, job.file) for one in places) or (job.output and job.output == job.resume):
        raise typer.BadParameter("give --file, --output and --resume a file of its own each")
    return True


def _is_same(one: str, other: str) -> bool:
    try:
        return Path(one).samefile(other)
    except OSError:
        return False
