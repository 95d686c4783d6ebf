"""A run of a list: what is asked, what is kept, and how it is gone on with."""

import asyncio
import io
import os
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpic.ask.lists import asking
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
from mpic.client.errors import ClientError, Failure
from mpic.v1 import corroboration_pb2 as c
from tests.world.listed import MIXED, FakeClient, approve, by_name, fail, job_of, refuse, run, told


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
        ({"question": ListQuestion(c.CorroborateRequest(), lang="ja")}, "言語(--lang)が異なります"),
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
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, usable_until: str, asked: list[str]
) -> None:
    """BR 4.2.2.1: whoever gives the same command a day later may issue on what it says."""
    job = job_of(tmp_path, b"a.example\nrefused.example\n", resume=str(tmp_path / "mine"))

    def earlier(request: c.CorroborateRequest) -> Result:
        answered = by_name(request)
        if answered.verdict is not None and answered.verdict.approved:
            return approve(request, usable_until)
        return answered

    with monkeypatch.context() as then:  # it could be used when that run ended
        then.setattr(asking.ListRun, "expire", lambda *_: None)
        run(job, FakeClient(earlier))
    (tmp_path / "out").unlink()
    client = FakeClient(refuse)
    assert run(job, client) == 1
    assert client.names == asked
    verdicts = [one["verdict"] for one in told(tmp_path)]
    assert verdicts == ["refused" if asked else "approved", "refused"]


def test_an_approval_that_ran_out_before_the_end_is_not_told_as_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """BR 4.2.2.1: a long list may outlast the first of its approvals."""
    job = job_of(tmp_path, b"a.example\nb.example\n")
    ends = {"a.example": "2026-11-29T00:00:00Z", "b.example": "2999-01-01T00:00:00Z"}

    def answer(request: c.CorroborateRequest) -> Result:
        return approve(request, ends[request.names[0].name])

    assert run(job, FakeClient(answer)) == 11
    verdicts = [(one["line"], one["verdict"], one["reason"]) for one in told(tmp_path)]
    assert verdicts == [
        (1, "undetermined", "APPROVAL_RAN_OUT"),
        (2, "approved", "CORROBORATED"),
    ]
    said = capsys.readouterr().err
    assert "line 1 a.example: The approval could be used until 2026-11-29T00:00:00Z" in said
    again = FakeClient()
    assert run(job, again) == 0
    assert again.names == ["a.example"]


@pytest.mark.parametrize("of", ["journal", "part", "undone"])
def test_a_link_that_another_has_put_there_is_not_followed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], of: str
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    ending = {"journal": ".resume", "part": ".part", "undone": ".resume-journal"}[of]
    (tmp_path / f"out{ending}").symlink_to(victim)
    assert run(job_of(tmp_path, b"a.example")) == 2
    assert victim.read_text() == "mine"
    assert "own" in capsys.readouterr().err or of == "part"


@pytest.mark.parametrize("of", [".resume", ".part", ".resume-journal"])
def test_a_file_of_another_user_is_not_used(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    of: str,
) -> None:
    (tmp_path / f"out{of}").write_text("")
    own = os.geteuid()
    if own:  # only root can give files away
        monkeypatch.setattr(os, "geteuid", lambda: own + 1)
    else:
        os.chown(tmp_path / f"out{of}", 12345, 12345)
    assert run(job_of(tmp_path, b"a.example")) == 2
    assert "another user's file" in capsys.readouterr().err
    assert (tmp_path / f"out{of}").read_text() == ""


def test_a_pipe_is_no_journal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(tmp_path / "out.resume")
    assert run(job_of(tmp_path, b"a.example")) == 2
    assert "no plain file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("octets", "others", "says"),
    [
        (b"", {}, "名前が1つもありません。"),
        (b"PK\x03\x04", {}, "Excelのブックなど"),
        (b"id,host\n", {"name": "a.csv"}, "--columnで指定してください。"),
        (b'id,"host\n', {"name": "a.csv"}, "1行目の見出し: 引用符が閉じられていません。"),
        (b"localhost\n", {}, "完全なドメイン名(FQDN)を指定してください。"),
        (b"a_b.example\n", {}, "「_」が含まれています。"),
        (b"a.example b.example\n", {}, "1行に複数の名前があります。"),
        (b"\x81.example\n", {}, "文字コードを指定してください。"),
    ],
)
def test_what_is_wrong_with_a_list_is_said_in_japanese(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    octets: bytes,
    others: dict[str, str],
    says: str,
) -> None:
    question = ListQuestion(c.CorroborateRequest(), lang="ja")
    assert run(job_of(tmp_path, octets, **others), question=question) == 2
    assert says in capsys.readouterr().err


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


def test_what_a_line_came_to_is_on_the_disk_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mpic.ask.lists.journal.SECONDS", 0.0)
    with closing(Journal(str(tmp_path / "journal"))) as journal:
        journal.put(JournalLine(1, "id", ("a.example",)))
        journal.commit_in_time()
        shutil.copy(tmp_path / "journal", tmp_path / "found")  # what a kill would leave
    with closing(Journal(str(tmp_path / "found"))) as found:
        assert found.find(1) is not None


def test_what_a_line_came_to_survives_as_it_was(tmp_path: Path) -> None:
    line = JournalLine(
        7, "id", ("a.example", "例.example"), b"\x00\xff", LineState.REFUSED, "X", {"a": ["b"]}
    )
    path = str(tmp_path / "journal")
    journal = Journal(path)
    journal.put(line)
    journal.close()
    assert list(Journal(path).lines()) == [line]
