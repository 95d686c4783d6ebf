"""Lines of JSON: cut wherever the octets are cut, bounded, numbered, answered."""

import json

from hypothesis import given
from hypothesis import strategies as st

from coordinator.api.http.ndjson import Line, LineSplitter, read_line, write_line
from coordinator.api.response import fill_answer
from mpic.runtime.grpc.errors import Violation, invalid_argument
from mpic.v1 import corroboration_pb2 as c
from tests.world.records import sample_record


def split(parts: list[bytes], most: int = 20) -> list[tuple[int, bytes | None]]:
    splitter = LineSplitter(most)
    return [*(one for part in parts for one in splitter.feed(part)), *splitter.end()]


@given(st.lists(st.sampled_from([b"a" * 20, b"b" * 21, b"", b" ", b"c" * 100, b"{}"])), st.data())
def test_lines_do_not_depend_on_how_they_come(lines: list[bytes], data: st.DataObject) -> None:
    body = b"\n".join(lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=8)))
    parts = [body[a:b] for a, b in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    wanted = [
        (number, line if len(line) <= 20 else None)
        for number, line in enumerate(lines, 1)
        if line.strip()
    ]
    assert split(parts) == wanted


def test_a_line_without_end_is_not_kept() -> None:
    splitter = LineSplitter(1000)
    for _ in range(100):
        assert not list(splitter.feed(b"x" * 999))
        assert len(splitter._line) <= 1000
    assert list(splitter.feed(b"\n{}\n")) == [(1, None), (2, b"{}")]


def test_a_line_that_cannot_be_read_has_its_error() -> None:
    good = read_line(1, b'{"requestId":"r"}\r')
    assert (good.request_id, good.error, good.octets) == ("r", None, 18)
    for octets in (b"{", None, b'{"x":1}'):
        line = read_line(7, octets)
        assert line.error is not None
        assert (line.number, line.request_id, len(line.names)) == (7, "", 0)


def test_an_answer_names_its_line() -> None:
    question = c.CorroborateRequest(request_id="r" * 500)
    told = json.loads(write_line(Line(3, question), sample_record(), fill_answer))
    assert (told["line"], told["requestId"]) == (3, "r" * 128)
    assert told["verdict"]["requestId"] == sample_record().request_id
    error = invalid_argument([Violation("names", "are none")])
    told = json.loads(write_line(Line(4, question), error, fill_answer))
    assert told["problem"]["violations"] == [{"path": "$.names", "description": "are none"}]
    assert write_line(Line(4, question), error, fill_answer).count(b"\n") == 1
