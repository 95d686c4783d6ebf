"""A run of a list from its file to its output, with a service that answers at once."""

import asyncio
import csv
import io
import json
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Self

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpic.ask.lists import asking, outputs, summary
from mpic.ask.lists.encoding import Encoding
from mpic.ask.lists.formats import ListFormat, ListOptions, ListReader
from mpic.ask.lists.journal import Journal, JournalLine, LineState
from mpic.ask.lists.options import ListCaller, ListJob, ListQuestion
from mpic.ask.lists.outputs import OutputKind
from mpic.ask.lists.run import ask_list
from mpic.ask.lists.source import Source
from mpic.client import (
    AsyncClient,
    CredentialsError,
    InvalidRequestError,
    NoConnectionError,
    NotAllowedError,
    Result,
)
from mpic.client.errors import BusyError, ClientError, Failure
from mpic.v1 import corroboration_pb2 as c
from tests.world.applications import application

Answer = Callable[[c.CorroborateRequest], Result]


def approve(request: c.CorroborateRequest, usable_until: str = "2999-12-01T02:00:00Z") -> Result:
    verdict = c.CorroborateResponse(
        request_id=request.request_id, approved=True, corroborated=True, record_id="r-1"
    )
    for one in request.names:
        verdict.names.add(
            name=one.name, approved=True, reason=c.REASON_CORROBORATED, quorum="5/5", required=4
        )
    verdict.caa_usable_until.FromJsonString(usable_until)
    return Result(request, verdict)


def refuse(
    request: c.CorroborateRequest,
    responsible: c.Responsible.ValueType = c.RESPONSIBLE_DOMAIN,
    detail: str = "3 of 5",
) -> Result:
    verdict = c.CorroborateResponse(request_id=request.request_id, record_id="r-2")
    for one in request.names:
        verdict.names.add(
            name=one.name,
            reason=c.REASON_QUORUM_NOT_MET,
            responsible=responsible,
            quorum="3/5",
            required=4,
            error=c.Error(code=338),
            detail=detail,
        )
    return Result(request, verdict)


def fail(request: c.CorroborateRequest, error: ClientError) -> Result:
    return Result(request, error=error)


def by_name(request: c.CorroborateRequest) -> Result:
    """Answer as the first name says."""
    name = request.names[0].name
    if name.startswith("refused"):
        return refuse(request)
    if name.startswith("unknown"):
        return refuse(request, c.RESPONSIBLE_SERVICE)
    if name.startswith("busy"):
        return fail(
            request,
            BusyError(Failure(grpc.StatusCode.RESOURCE_EXHAUSTED, "too much", "OVERLOADED")),
        )
    if name.startswith("invalid"):
        violation = c.FieldViolation(field="names[0].name", description="is a public suffix")
        failure = Failure(grpc.StatusCode.INVALID_ARGUMENT, "", "INVALID_REQUEST", [violation])
        return fail(request, InvalidRequestError(failure))
    return approve(request)


class FakeClient:
    """Answers each question, until it has answered `most`; then there is no connection."""

    def __init__(self, answer: Answer = by_name, most: int = 10**9) -> None:
        self.answer = answer
        self.most = most
        self.asked: list[c.CorroborateRequest] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def stream(
        self, questions: AsyncIterator[c.CorroborateRequest], _: object
    ) -> AsyncIterator[Result]:
        async for question in questions:
            if len(self.asked) >= self.most:
                raise NoConnectionError(Failure(grpc.StatusCode.UNAVAILABLE, "nobody is there"))
            self.asked.append(question)
            yield self.answer(question)

    @property
    def names(self) -> list[str]:
        return [question.names[0].name for question in self.asked]


def run(
    job: ListJob, client: FakeClient | None = None, question: ListQuestion | None = None
) -> int:
    made: Any = client or FakeClient()
    asked = question or ListQuestion(c.CorroborateRequest(issuer="main"))
    return ask_list(job, asked, ListCaller(lambda: made, str))


def job_of(directory: Path, octets: bytes, **others: object) -> ListJob:
    file = directory / str(others.pop("name", "list.txt"))
    file.write_bytes(octets)
    options: dict[str, Any] = {"kind": OutputKind.JSONL, "output": str(directory / "out"), **others}
    return ListJob(str(file), **options)


def told(directory: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (directory / "out").read_bytes().splitlines()]


MIXED = (
    b"good.example\nrefused.example\nunknown.example\nbusy.example\nlocalhost\ninvalid.example\n"
)


def test_what_each_line_came_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    client = FakeClient()
    assert run(job_of(tmp_path, MIXED), client) == 2
    assert [(one["line"], one["verdict"], one["reason"]) for one in told(tmp_path)] == [
        (1, "approved", "CORROBORATED"),
        (2, "refused", "QUORUM_NOT_MET"),
        (3, "undetermined", "QUORUM_NOT_MET"),
        (4, "undetermined", "OVERLOADED"),
        (5, "malformed", "MALFORMED"),
        (6, "malformed", "INVALID_REQUEST"),
    ]
    assert told(tmp_path)[1]["details"][0]["error"] == 338
    assert all(question.issuer == "main" for question in client.asked)
    said = capsys.readouterr().err
    assert "6 lines: 1 approved, 1 refused, 2 undetermined, 2 malformed" in said
    assert 'line 5: "localhost" is a single label' in said
    assert 'line 6 invalid.example: "invalid.example" is a public suffix' in said
    assert "refused: 1 (QUORUM_NOT_MET 1)" in said
    assert said.index("undetermined: 2") < said.index("refused: 1")


@pytest.mark.parametrize(
    ("octets", "status"),
    [
        (b"good.example", 0),
        (b"good.example\nrefused.example", 1),
        (b"refused.example\nunknown.example", 11),
        (b"unknown.example\nlocalhost\nrefused.example", 2),
    ],
)
def test_the_exit_status_is_the_first_that_holds(
    tmp_path: Path, octets: bytes, status: int
) -> None:
    assert run(job_of(tmp_path, octets)) == status


def test_only_what_is_not_known_is_asked_again_and_under_the_same_id(tmp_path: Path) -> None:
    job = job_of(tmp_path, MIXED)
    first, second = FakeClient(), FakeClient(approve)
    run(job, first)
    assert run(job, second) == 2
    assert second.names == ["unknown.example", "busy.example"]
    ids = {question.names[0].name: question.request_id for question in first.asked}
    assert all(ids[question.names[0].name] == question.request_id for question in second.asked)
    assert [one["verdict"] for one in told(tmp_path)].count("approved") == 3
    assert not (tmp_path / "out.resume").exists()


def test_what_is_broken_off_is_gone_on_with(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [f"h{number}.example" for number in range(50)]
    job = job_of(tmp_path, "\n".join(names).encode())
    first, second = FakeClient(most=20), FakeClient()
    assert run(job, first) == 9
    assert not (tmp_path / "out").exists()
    assert "nobody is there; not all lines were asked about" in capsys.readouterr().err
    assert run(job, second) == 0
    assert first.names + second.names == names
    assert len(told(tmp_path)) == 50


def test_a_run_in_which_nothing_was_answered_binds_nobody(tmp_path: Path) -> None:
    job = job_of(tmp_path, b"good.example")
    assert run(job, FakeClient(most=0)) == 9
    assert run(job, question=ListQuestion(c.CorroborateRequest(issuer="other"))) == 0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"question": ListQuestion(c.CorroborateRequest(dry_run=True))}, "with other options"),
        ({"question": ListQuestion(c.CorroborateRequest(), "dns-01")}, "with other options"),
        ({"question": ListQuestion(c.CorroborateRequest(), lang="ja")}, "in another language"),
        ({"octets": b"a.example\nz.example"}, "another content of the file"),
        ({"kind": OutputKind.TSV}, "another kind of output"),
        ({"list": ListOptions(encoding=Encoding.SHIFT_JIS)}, "another --format, --encoding"),
    ],
)
def test_another_run_is_not_gone_on_with(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: dict[str, Any], says: str
) -> None:
    base = ListQuestion(c.CorroborateRequest())
    run(job_of(tmp_path, b"a.example\nb.example"), FakeClient(most=1), base)
    question = change.pop("question", base)
    job = job_of(tmp_path, change.pop("octets", b"a.example\nb.example"), **change)
    client = FakeClient()
    assert run(job, client, question) == 2
    assert not client.asked
    assert says in capsys.readouterr().err


def pipe_of(directory: Path, octets: bytes) -> ListJob:
    reader, writer = os.pipe()
    os.write(writer, octets)
    os.close(writer)
    return ListJob(f"/dev/fd/{reader}", kind=OutputKind.JSONL, output=str(directory / "out"))


@pytest.mark.parametrize(
    ("octets", "says"),
    [
        (b"x.example\nb.example\n", "line 1 of the list is not what it was"),
        (b"a.example\n", "has 1 lines, and had more when this run began"),
    ],
)
def test_a_pipe_that_brings_other_lines_is_not_gone_on_with(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], octets: bytes, says: str
) -> None:
    assert run(pipe_of(tmp_path, b"a.example\nb.example\n"), FakeClient(most=1)) == 9
    client = FakeClient()
    assert run(pipe_of(tmp_path, octets), client) == 2
    assert not client.asked
    assert says in capsys.readouterr().err


def test_without_any_answer_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        run(job_of(tmp_path, b"a.example", kind=OutputKind.CSV, output=""), FakeClient(most=0)) == 9
    )
    assert not capsys.readouterr().out


def test_a_list_that_grows_is_asked_up_to_where_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [*(f"host{number}.example" for number in range(2000)), "last.exa"]
    job = job_of(tmp_path, "\n".join(names).encode())

    def grow(request: c.CorroborateRequest) -> Result:
        if request.names[0].name == "host0.example":
            with Path(job.file).open("ab") as file:
                file.write(b"mple\nmore.example\n")
        return approve(request)

    client = FakeClient(grow)
    assert run(job, client) == 0
    assert client.names == names
    assert "what was added after line 2001 is not asked about" in capsys.readouterr().err


def test_a_list_that_is_changed_meanwhile_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = b"".join(b"host%d.example\n" % number for number in range(2000))
    job = job_of(tmp_path, text)

    def change(request: c.CorroborateRequest) -> Result:
        if request.names[0].name != "host0.example":
            return approve(request)
        with Path(job.file).open("r+b") as file:
            file.seek(len(text) - 9)
            file.write(b"f")
        return approve(request)

    client = FakeClient(change)
    assert run(job, client) == 2
    assert "was changed while it was read" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("octets", "says"),
    [(b"", "has no name in it"), (b"# none\n\n", "has no name in it"), (b"PK\x03\x04", "Excel")],
)
def test_a_list_of_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], octets: bytes, says: str
) -> None:
    assert run(job_of(tmp_path, octets)) == 2
    assert f"{tmp_path / 'list.txt'}: " in (said := capsys.readouterr().err)
    assert says in said
    assert [one.name for one in tmp_path.iterdir()] == ["list.txt"]


@pytest.mark.parametrize("path", ["/nowhere/list", "/etc"])
def test_a_list_that_is_no_file(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(ListJob(path)) == 2
    assert f"{path}: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("output", "says"),
    [
        ("/nowhere/out", "is in none"),
        ("/etc", "is a directory"),
        ("/dev/full", "cannot be written: No space left on device"),
    ],
)
def test_an_output_that_cannot_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], output: str, says: str
) -> None:
    assert run(job_of(tmp_path, b"a.example", output=output)) == 2
    assert says in capsys.readouterr().err


def test_an_output_is_never_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "out").write_text("of yesterday")
    client = FakeClient()
    assert run(job_of(tmp_path, b"a.example"), client) == 2
    assert not client.asked
    assert "exists, and is not overwritten" in capsys.readouterr().err
    assert (tmp_path / "out").read_text() == "of yesterday"


def test_a_full_disk_costs_no_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = job_of(tmp_path, b"a.example\nb.example")

    def write(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mpic.ask.lists.destination.write_results", write)
    assert run(job) == 2
    assert "out.resume has the answers" in capsys.readouterr().err
    monkeypatch.undo()
    client = FakeClient()
    assert run(job, client) == 0
    assert not client.asked
    assert len(told(tmp_path)) == 2


def test_a_disk_that_is_full_for_the_journal_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"{number}.{'x' * 60}.example" for number in range(400)]
    job = job_of(tmp_path, "\n".join(names).encode())
    monkeypatch.setattr("mpic.ask.lists.journal.SECONDS", 0.0)
    prepare = Journal._prepare

    def prepare_little(journal: Journal) -> None:
        prepare(journal)
        journal._database.execute("PRAGMA max_page_count = 40")

    monkeypatch.setattr(Journal, "_prepare", prepare_little)
    assert run(job) == 2
    said = capsys.readouterr().err
    assert "out.resume: the disk is full; make room and give the same command again" in said
    monkeypatch.undo()
    client = FakeClient()
    assert run(job, client) == 0
    assert 0 < len(client.asked) < 400


def test_that_a_full_disk_ended_a_transaction_is_no_second_error(tmp_path: Path) -> None:
    journal = Journal(str(tmp_path / "journal"))
    journal._database.execute("ROLLBACK")
    journal.commit()
    journal._database.execute("ROLLBACK")
    journal.close()


@pytest.mark.parametrize("octets", [b"not a database", b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_journal_that_is_none_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], octets: bytes
) -> None:
    (tmp_path / "mine").write_bytes(octets)
    assert run(job_of(tmp_path, b"a.example", resume=str(tmp_path / "mine"))) == 2
    assert "no journal of mpic" in capsys.readouterr().err
    assert (tmp_path / "mine").read_bytes() == octets


def test_a_database_of_another_program_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = sqlite3.connect(tmp_path / "other")
    other.execute("CREATE TABLE mine (x)")
    other.commit()
    other.close()
    assert run(job_of(tmp_path, b"a.example", resume=str(tmp_path / "other"))) == 2
    assert "is of another program" in capsys.readouterr().err


def test_two_at_a_time_do_not_share_a_journal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = Journal(str(tmp_path / "out.resume"))
    first.put(JournalLine(1, "id", ("a.example",)))
    first._end_transaction()  # not even between two transactions
    assert run(job_of(tmp_path, b"a.example")) == 2
    assert "another mpic is at work with this file" in capsys.readouterr().err
    first.close()


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (
            InvalidRequestError(
                Failure(
                    grpc.StatusCode.INVALID_ARGUMENT,
                    "",
                    violations=[c.FieldViolation(field="issuer", description="is unknown")],
                )
            ),
            "every line is asked with wrong options: issuer is unknown",
        ),
        (
            NotAllowedError(Failure(grpc.StatusCode.PERMISSION_DENIED, "not on the list")),
            "does not answer this caller: not on the list",
        ),
    ],
)
def test_what_is_wrong_with_every_line_ends_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], error: ClientError, says: str
) -> None:
    client = FakeClient(lambda request: fail(request, error))
    assert run(job_of(tmp_path, b"a.example\nb.example"), client) == 2
    assert len(client.asked) == 1
    assert says in capsys.readouterr().err
    # It binds nobody: with other options the same list is begun anew.
    mended = ListQuestion(c.CorroborateRequest(issuer="other"))
    assert run(job_of(tmp_path, b"a.example\nb.example"), question=mended) == 0


def test_the_officers_file_is_not_changed_but_at_the_end_of_lines(tmp_path: Path) -> None:
    lines = [
        application("good.example", c8="ﾀﾛｳ"),
        "",
        application("refused.example"),
        application("good.example").rsplit("\t", 2)[0],
        application(""),
    ]
    octets = "\r\n".join(lines).encode("cp932")
    job = job_of(tmp_path, octets, name="a.tsv", kind=OutputKind.TSV)
    question = ListQuestion(c.CorroborateRequest(), lang="ja")
    assert run(job, question=question) == 2
    written = (tmp_path / "out").read_bytes().decode("cp932")
    rows = written.removesuffix("\n").split("\r\n")
    for line, row in zip(lines, rows, strict=True):
        assert row.startswith(line)
    cells = [row.split("\t") for row in rows]
    assert [len(one) for one in cells] == [16, 1, 16, 16, 16]
    assert [one[13] for one in (cells[0], *cells[2:])] == [
        "発行可",
        "発行不可",
        "発行可",
        "形式不備",
    ]
    assert "338" in cells[2][14]


def test_an_ascii_file_of_applications_is_answered_in_shift_jis(tmp_path: Path) -> None:
    octets = b"\t" * 10 + b"good.example\n"
    job = job_of(tmp_path, octets, name="a.tsv", kind=OutputKind.TSV)
    run(job, question=ListQuestion(c.CorroborateRequest(), lang="ja"))
    assert "発行可" in (tmp_path / "out").read_bytes().decode("cp932")


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_file_in_utf_8_is_answered_in_utf_8(tmp_path: Path, mark: bytes) -> None:
    octets = mark + application("good.example").encode()
    job = job_of(tmp_path, octets, name="a.tsv", kind=OutputKind.TSV)
    run(job, question=ListQuestion(c.CorroborateRequest(), lang="ja"))
    written = (tmp_path / "out").read_bytes()
    assert written.startswith(octets)
    assert "発行可" in written.decode()


def test_a_csv_has_a_row_for_each_line_and_no_formula(tmp_path: Path) -> None:
    def hostile(request: c.CorroborateRequest) -> Result:
        error = ClientError(Failure(grpc.StatusCode.UNKNOWN, "=cmd|' /c calc'!A1"))
        return fail(request, error)

    run(job_of(tmp_path, b"a.example\n\n=x.example\n", kind=OutputKind.CSV), FakeClient(hostile))
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out").read_text())))
    assert [(row["line"], row["verdict"]) for row in rows] == [
        ("1", "undetermined"),
        ("3", "malformed"),
    ]
    assert rows[0]["why"] == "'=cmd|' /c calc'!A1"
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())


def test_what_cannot_be_called_is_told_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def make_client() -> AsyncClient:
        raise CredentialsError(Failure(grpc.StatusCode.UNAUTHENTICATED, "me.pem: No such file"))

    job = job_of(tmp_path, b"a.example")
    question = ListQuestion(c.CorroborateRequest())
    assert ask_list(job, question, ListCaller(make_client, str)) == 2
    told = "mpic: me.pem: No such file; not all lines were asked about\n"
    assert capsys.readouterr().err == told
    assert [one.name for one in tmp_path.iterdir()] == ["list.txt"]


def test_octets_of_strangers_never_reach_a_terminal_raw(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    def hostile(request: c.CorroborateRequest) -> Result:
        return fail(request, ClientError(Failure(grpc.StatusCode.UNKNOWN, "\x1b[2J\u202e")))

    for kind in OutputKind:
        run(job_of(tmp_path, b"a.example\n\x1b]0;x\n", kind=kind, output=""), FakeClient(hostile))
    shown = b"".join(capfdbinary.readouterr())
    assert b"\x1b" not in shown.replace(b"\n\x1b]0;x", b"").replace(b"\x1b]0;x\t", b"")
    assert "\u202e".encode() not in shown


def journal_with(directory: Path, *told: str) -> Journal:
    """Return a journal with lines whose words are these, but for the remedy."""
    journal = Journal(str(directory / "journal"))
    for number, text in enumerate(told, 1):
        words = {"verdict": text, "reason": text, "remedy": ""}
        names, state = (f"h{number}.example",), LineState.REFUSED
        journal.put(JournalLine(number, "id", names, b"x\n", state, "X", {"words": words}))
    return journal


def test_what_shift_jis_does_not_have_is_escaped_and_its_twins_are_written(tmp_path: Path) -> None:
    dress = outputs.Dress(Encoding.SHIFT_JIS)
    with closing(journal_with(tmp_path, "\u301c\u2212\u00e9\u5224")) as journal:
        (row,) = list(outputs.to_tsv(journal, dress))[1:]
    assert row.decode("cp932").split("\t")[1] == "\uff5e\uff0d\\u{e9}\u5224"


def test_the_words_of_a_line_are_escaped_wherever_they_come_from(tmp_path: Path) -> None:
    with closing(journal_with(tmp_path, "\x1b[2J", "@x")) as journal:
        for write in (outputs.to_tsv, outputs.to_csv):
            written = b"".join(write(journal, outputs.Dress()))
            assert b"\x1b" not in written
            assert b"'@x" in written


def test_the_table_ends_though_all_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outputs, "MOST_ROWS", 4)
    shown = io.BytesIO()
    with closing(journal_with(tmp_path, *["x"] * 6)) as journal:
        outputs.write_table(journal, shown, outputs.Dress())
    assert shown.getvalue().count(b".example") == 4


def test_an_output_that_cannot_be_written_anew_stays_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = job_of(tmp_path, MIXED)
    run(job)
    before = (tmp_path / "out").read_bytes()

    def write(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mpic.ask.lists.destination.write_results", write)
    assert run(job, FakeClient(approve)) == 2
    assert (tmp_path / "out").read_bytes() == before


def test_each_result_reaches_a_pipe_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Pipe(io.BytesIO):
        flushed = 0

        def flush(self) -> None:
            self.flushed += self.getvalue().count(b"\n") > self.flushed

    pipe = Pipe()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(pipe))
    run(job_of(tmp_path, b"a.example\nb.example\nc.example", output=""))
    assert pipe.flushed == 3


def test_the_table_has_the_refused_last_and_an_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outputs, "MOST_ROWS", 4)
    names = ["refused.example", *(f"h{number}.example" for number in range(9)), "localhost"]
    job = job_of(tmp_path, "\n".join(names).encode(), kind=OutputKind.TABLE)
    run(job)
    shown = (tmp_path / "out").read_text()
    assert shown.index("h0.example") < shown.index("localhost") < shown.index("refused.example")
    assert "h2.example" not in shown
    assert "4 of 11; --csv, --tsv and --jsonl show all" in shown


def test_remarks_and_refusals_are_named_up_to_a_bound(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [application(f"refused{number}.example", c1='"CN=x"') for number in range(30)]
    run(job_of(tmp_path, "\n".join(lines).encode(), name="a.tsv"))
    said = capsys.readouterr().err
    assert said.count("is in quotes") + said.count("has CN=x") == asking.MOST_REMARKS
    assert "note: and 40 more" in said
    assert said.count("  line ") == summary.MOST_NAMED
    assert "  and 10 more" in said


def test_a_repeated_line_is_told_and_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    client = FakeClient()
    run(job_of(tmp_path, b"a.example\nb.example\na.example\na.example\n"), client)
    assert client.names == ["a.example", "b.example", "a.example", "a.example"]
    assert len({question.request_id for question in client.asked}) == 4
    said = capsys.readouterr().err
    assert "note: line 3: has the names of line 1; both are asked" in said
    assert "note: line 4: has the names of line 1; both are asked" in said


def test_request_ids_are_what_the_agreement_takes(tmp_path: Path) -> None:
    client = FakeClient()
    run(job_of(tmp_path, b"a.example\n"), client)
    (question,) = client.asked
    assert question.request_id.replace("-", "").isalnum()
    assert len(question.request_id) <= 128


def test_what_holds_for_all_lines_is_asked_of_each(tmp_path: Path) -> None:
    client = FakeClient()
    template = c.CorroborateRequest(account_uri="https://ca.example.test/acct/1", dry_run=True)
    run(job_of(tmp_path, b"a.example\nb.example"), client, ListQuestion(template, "dns-01"))
    for question in client.asked:
        assert question.names[0].validation_method == "dns-01"
        assert question.account_uri == template.account_uri
        assert question.dry_run


def test_a_rate_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("mpic.ask.lists.asking.asyncio.sleep", sleep)
    run(job_of(tmp_path, b"a.example\nb.example\nc.example", rate=2.0))
    assert [round(seconds, 1) for seconds in slept] == [0.0, 0.5, 1.0]


def test_a_journal_is_kept_where_it_is_wanted_and_shows_all_again(tmp_path: Path) -> None:
    job = job_of(tmp_path, b"a.example\n", resume=str(tmp_path / "mine"))
    run(job)
    (tmp_path / "out").unlink()
    client = FakeClient()
    assert run(job, client) == 0
    assert not client.asked
    assert len(told(tmp_path)) == 1


@pytest.mark.parametrize(
    ("usable_until", "asked"),
    [("2026-11-29T00:00:00Z", ["a.example"]), ("2999-01-01T00:00:00.123456789Z", [])],
)
def test_an_approval_that_may_not_be_used_any_more_is_not_told_again(
    tmp_path: Path, usable_until: str, asked: list[str]
) -> None:
    """BR 4.2.2.1: whoever gives the same command a day later may issue on what it says."""
    job = job_of(tmp_path, b"a.example\nrefused.example\n", resume=str(tmp_path / "mine"))

    def earlier(request: c.CorroborateRequest) -> Result:
        answered = by_name(request)
        if answered.verdict is not None and answered.verdict.approved:
            return approve(request, usable_until)
        return answered

    run(job, FakeClient(earlier))
    (tmp_path / "out").unlink()
    client = FakeClient(refuse)
    assert run(job, client) == 1
    assert client.names == asked
    verdicts = [one["verdict"] for one in told(tmp_path)]
    assert verdicts == ["refused" if asked else "approved", "refused"]


def test_what_one_coordinator_answered_is_not_told_as_anothers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """That of a lab may approve what that of production refuses."""
    job = job_of(tmp_path, b"a.example\nb.example\n")
    question = ListQuestion(c.CorroborateRequest())
    lab: Any = FakeClient(most=1)
    ask_list(job, question, ListCaller(lambda: lab, str, "lab.example:7300"))
    production: Any = FakeClient(refuse)
    status = ask_list(job, question, ListCaller(lambda: production, str, "mpic.example:7300"))
    assert status == 2
    assert not production.asked
    assert "at another coordinator: give the same --server" in capsys.readouterr().err


@given(
    st.lists(
        st.sampled_from(["a.example", "refused.example", "unknown.example", "", "# x", "x y"]),
        max_size=12,
    ),
    st.integers(0, 12),
)
def test_broken_off_anywhere_it_comes_to_the_same(lines: Sequence[str], most: int) -> None:
    def states(journal: Journal, *clients: FakeClient) -> list[tuple[int, LineState]]:
        for client in clients:
            options = asking.RunOptions("0123456789abcdef", c.CorroborateRequest())
            list_run = asking.ListRun(journal, options, ())
            octets = io.BytesIO("\n".join(lines).encode())
            read = ListReader("x", ListOptions(ListFormat.NAMES)).read(Source("x", octets).lines())
            with suppress(NoConnectionError):
                asyncio.run(list_run.ask(client, read, None))
        return [(line.number, line.state) for line in journal.lines()]

    whole = states(Journal(""), FakeClient())
    assert states(Journal(""), FakeClient(most=most), FakeClient()) == whole


def test_what_a_line_came_to_survives_as_it_was(tmp_path: Path) -> None:
    line = JournalLine(
        7, "id", ("a.example", "例.example"), b"\x00\xff", LineState.REFUSED, "X", {"a": ["b"]}
    )
    path = str(tmp_path / "journal")
    journal = Journal(path)
    journal.put(line)
    journal.close()
    assert list(Journal(path).lines()) == [line]
