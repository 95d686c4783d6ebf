"""What a run of a list writes: files, tables, remarks."""

import csv
import io
from contextlib import closing
from pathlib import Path

import grpc
import pytest

from mpic.ask.lists import asking, outputs, summary
from mpic.ask.lists.encoding import Encoding
from mpic.ask.lists.journal import Journal, JournalLine, LineState
from mpic.ask.lists.options import ListQuestion
from mpic.ask.lists.outputs import OutputKind
from mpic.client import (
    Result,
)
from mpic.client.errors import ClientError, Failure
from mpic.v1 import corroboration_pb2 as c
from tests.world.applications import application
from tests.world.listed import MIXED, FakeClient, approve, fail, job_of, run, told


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


def test_what_shift_jis_does_not_have_is_escaped_and_its_dash_is_written(tmp_path: Path) -> None:
    dress = outputs.Dress(Encoding.SHIFT_JIS)
    with closing(journal_with(tmp_path, "\u301c\u2014\u00e9\u5224")) as journal:
        (row,) = list(outputs.to_tsv(journal, dress))[1:]
    assert row.decode("cp932").split("\t")[1] == "\uff5e\u2015\\u{e9}\u5224"


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


def test_names_are_no_markup_of_the_table(tmp_path: Path) -> None:
    """Whether a label that is not ASCII is one, only the service knows."""
    octets = "\u4f8b[red].example\n".encode()
    run(job_of(tmp_path, octets, kind=OutputKind.TABLE), FakeClient(approve))
    shown = (tmp_path / "out").read_text()
    assert "\u4f8b[red].example" in shown


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


def test_what_a_dry_run_approves_is_told_to_be_no_permission(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    question = ListQuestion(c.CorroborateRequest(dry_run=True))
    octets = application("good.example").encode("cp932")
    run(job_of(tmp_path, octets, name="a.tsv", kind=OutputKind.TSV), question=question)
    assert (tmp_path / "out").read_bytes().endswith(b"\tdry run: no permission to issue\n")
    (tmp_path / "out").unlink()
    run(job_of(tmp_path, octets, name="a.tsv", kind=OutputKind.CSV), question=question)
    (row,) = csv.DictReader(io.StringIO((tmp_path / "out").read_text()))
    assert (row["dry_run"], row["remedy"]) == ("true", "dry run: no permission to issue")
    assert "dry run: no permission to issue" in capsys.readouterr().err


def test_until_when_an_approval_may_be_used_stands_in_a_csv(tmp_path: Path) -> None:
    run(job_of(tmp_path, b"good.example\nrefused.example", kind=OutputKind.CSV))
    rows = csv.DictReader(io.StringIO((tmp_path / "out").read_text()))
    assert [row["caa_usable_until"][:10] for row in rows] == ["2999-12-01", ""]


def test_a_table_shows_every_word_of_a_sentence_without_blanks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    sentence = "一部のリモート拠点からドメインのネームサーバーに到達できませんでした。" * 4
    name = f"{'a' * 60}.{'b' * 60}.example"
    words = {"verdict": "発行不可", "reason": sentence, "remedy": sentence}
    with closing(Journal("")) as journal:
        journal.put(JournalLine(1, "id", (name,), b"", LineState.REFUSED, "X", {"words": words}))
        shown = io.BytesIO()
        outputs.write_table(journal, shown, outputs.Dress(lang="ja"))
    rows = [one.split("│") for one in shown.getvalue().decode().splitlines() if "│" in one]
    assert "".join(cells[2].strip() for cells in rows) == name
    assert "".join(cells[4].strip() for cells in rows) == sentence * 2


def test_a_run_in_japanese_is_summed_up_in_japanese(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    octets = "\n".join([application("good.example"), application("refused.example"), "a\tb"])
    job = job_of(tmp_path, octets.encode(), kind=OutputKind.TSV, name="a.tsv")
    question = ListQuestion(c.CorroborateRequest(), lang="ja")
    assert run(job, FakeClient(), question=question) == 2
    said = capsys.readouterr().err
    assert "全3行: 発行可1件, 発行不可1件, 形式不備1件" in said
    assert "  3行目: 11列目: 項目がありません(タブ区切り13列のうち2列)。" in said
    assert "column" not in said
    assert "  2行目 refused.example: " in said
    assert "。 " not in said
