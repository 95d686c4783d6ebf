"""Nothing that comes from the network reaches a terminal, or makes a line of its own."""

import io
import json
import sys
from collections.abc import Iterator
from typing import get_args

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from mpic.runtime.logs import Format, configure_logging, set_level, write_always

# Escapes, line ends of every kind, C1 controls, DEL, and what turns the direction of text.
HOSTILE = "\x1b[31m\x00\r\n\x0b\x7f\x85\x9b\u2028\u2029\u202e\u2066\u200f\ufeff"

anything = st.text(st.characters() | st.sampled_from(HOSTILE))


@pytest.fixture(autouse=True)
def _quiet_afterwards() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def write(form: Format, **values: object) -> str:
    """Return what one event is written as."""
    out, sys.stderr = sys.stderr, io.StringIO()
    try:
        configure_logging(form, "info")
        structlog.get_logger().warning("event", **values)
        return sys.stderr.getvalue()
    finally:
        sys.stderr = out


@pytest.mark.parametrize("form", get_args(Format))
@given(text=anything)
def test_text_from_outside_stays_one_printable_line(form: Format, text: str) -> None:
    written = write(form, name=text, names=[text], facts={text: {"detail": text}})
    line, end = written[:-1], written[-1]
    assert end == "\n"
    assert line.isprintable()


@given(text=anything)
def test_json_is_read_as_it_was_written(text: str) -> None:
    line = write("json", name=text)
    assert line.isascii()
    # A character beyond the first plane and its two halves are the same to JSON.
    written = text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    assert json.loads(line)["name"] == written


@pytest.mark.parametrize("form", get_args(Format))
def test_so_does_the_text_of_an_exception(form: Format) -> None:
    try:
        raise ValueError(HOSTILE)  # noqa: TRY301 - to have one that was raised
    except ValueError as error:
        line = write(form, exc_info=error)
    assert line[:-1].isprintable()


def test_the_level_changes_for_loggers_that_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(sys, "stderr", out)
    configure_logging("json", "warning")
    log = structlog.get_logger()
    log.info("unseen")
    set_level("debug")
    log.debug("seen")
    set_level("error")
    log.warning("unseen")
    log.error("seen")
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line["event"] for line in lines] == ["seen", "seen"]


def test_a_line_that_others_rely_on_is_written_whatever_the_level(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = io.StringIO()
    monkeypatch.setattr(sys, "stderr", out)
    configure_logging("json", "error")
    structlog.get_logger().info("unseen")
    write_always("seen", sequence=1)
    set_level("debug")
    write_always("seen", sequence=2)
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [(line["event"], line["sequence"]) for line in lines] == [("seen", 1), ("seen", 2)]
    assert set(lines[0]) == set(lines[1]) == {"event", "sequence", "level", "timestamp"}
