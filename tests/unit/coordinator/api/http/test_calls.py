"""What headers and queries say of a call."""

from types import SimpleNamespace

import pytest

from coordinator.api.http import calls
from coordinator.api.http.calls import (
    agree_on_id,
    count_down,
    read_deadline,
    read_query,
    read_request_id,
    read_trace,
)
from mpic.runtime.grpc.errors import RequestError

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ([], None),
        (["5S"], 5.0),
        (["2M"], 120.0),
        (["1H"], 3600.0),
        (["1500m"], 1.5),
        (["250u"], 0.00025),
        (["8n"], 8e-9),
        (["0S"], 0.0),
        (["99999999H"], 99999999 * 3600.0),
    ],
)
def test_a_deadline(header: list[str], seconds: float | None) -> None:
    assert read_deadline(header) == seconds


@pytest.mark.parametrize(
    "header",
    [["5"], ["S"], [""], ["-1S"], ["1.5S"], ["5s"], ["100000000S"], ["5S", "5S"], ["5S "], ["٣S"]],
)
def test_a_deadline_that_is_none_is_refused(header: list[str]) -> None:
    with pytest.raises(RequestError) as raised:
        read_deadline(header)
    assert [one.field for one in raised.value.violations] == ["header Grpc-Timeout"]


def test_a_deadline_comes_nearer(monkeypatch: pytest.MonkeyPatch) -> None:
    assert count_down(None)() is None
    now = 100.0
    monkeypatch.setattr(calls, "time", SimpleNamespace(monotonic=lambda: now))
    remaining = count_down(5.0)
    now = 103.0
    assert remaining() == 2.0
    now = 106.0
    assert remaining() == -1.0


def test_a_trace() -> None:
    trace = read_trace([TRACE])
    assert trace is not None
    assert trace.traceparent == TRACE
    assert read_trace([]) is None
    assert read_trace([TRACE, TRACE]) is None
    assert read_trace(["x"]) is None


@pytest.mark.parametrize(
    ("header", "id"),
    [
        ([], None),
        (["r-1"], "r-1"),
        (['"r-1"'], "r-1"),
        ([' "a b" '], "a b"),
        (['"a\\"b\\\\"'], 'a"b\\'),
    ],
)
def test_a_request_id_in_a_header(header: list[str], id: str | None) -> None:
    assert read_request_id(header) == id


@pytest.mark.parametrize(
    "header", [[""], ['""'], ['"'], ['"a'], ['"a\\b"'], ["a", "a"], ['"a";b'], ["\udce9"]]
)
def test_a_request_id_that_is_none_is_refused(header: list[str]) -> None:
    with pytest.raises(RequestError) as raised:
        read_request_id(header)
    assert [one.field for one in raised.value.violations] == ["header Idempotency-Key"]


@pytest.mark.parametrize(
    ("body", "header", "id"),
    [("a", None, "a"), ("", None, ""), ("", "b", "b"), ("a", "a", "a")],
)
def test_header_and_body_agree_on_an_id(body: str, header: str | None, id: str) -> None:
    assert agree_on_id(body, header) == id


def test_two_ids_are_refused() -> None:
    with pytest.raises(RequestError, match="is another than the requestId of the body"):
        agree_on_id("a", "b")


def test_a_query() -> None:
    class Query(dict[str, str]):
        def items(self) -> list[tuple[str, str]]:  # type: ignore[override]
            return [("names", "a"), ("names", "b")]

    assert read_query(Query(), ("names",)) == {"names": ["a", "b"]}
    with pytest.raises(RequestError) as raised:
        read_query({"nmaes": "a"}, ("names",))
    assert [(one.field, one.description) for one in raised.value.violations] == [
        ("query nmaes", "there is no such parameter. Did you mean names?")
    ]
