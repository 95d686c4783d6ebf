"""A log that cannot be written loses lines, counts them, and neither raises nor hangs."""

import errno
import io
import json
import os
import pty
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

import pytest
import structlog

from mpic.runtime import log_sink as module
from mpic.runtime.log_sink import SINK, Sink
from mpic.runtime.logs import Format, configure_logging

LONG = "x" * 300_000


@pytest.fixture(autouse=True)
def _quiet_afterwards() -> Iterator[None]:
    yield
    structlog.reset_defaults()
    SINK.open(None)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """What is opened in a test, and closed behind it."""
    with ExitStack() as one:
        yield one


def as_file(descriptor: int, stack: ExitStack) -> TextIO:
    stack.callback(os.close, descriptor)
    return os.fdopen(descriptor, "w", closefd=False)


def reading_pipe(stack: ExitStack) -> tuple[int, TextIO]:
    reader, writer = os.pipe()
    stack.callback(os.close, reader)
    return reader, as_file(writer, stack)


def full_disk(stack: ExitStack) -> TextIO:
    return as_file(os.open("/dev/full", os.O_WRONLY), stack)


def closed_pipe(stack: ExitStack) -> TextIO:
    reader, writer = os.pipe()
    os.close(reader)
    return as_file(writer, stack)


def stalled_pipe(stack: ExitStack) -> TextIO:
    return reading_pipe(stack)[1]


def stalled_socket(stack: ExitStack) -> TextIO:
    ours, theirs = socket.socketpair()
    stack.callback(theirs.close)
    return as_file(ours.detach(), stack)


def stalled_terminal(stack: ExitStack) -> TextIO:
    """Nobody reads its other side."""
    other, terminal = pty.openpty()
    stack.callback(os.close, other)
    return as_file(terminal, stack)


def closed_file(_: ExitStack) -> TextIO:
    file = io.StringIO()
    file.close()
    return file


def no_file(_: ExitStack) -> None:
    """Return what Python has of a standard error that was closed at its start."""


def sink_of(file: TextIO | None, stack: ExitStack) -> Sink:
    sink = Sink()
    sink.open(file)
    stack.callback(sink.open, None)
    return sink


Make = Callable[[ExitStack], TextIO | None]
BROKEN: list[Make] = [
    full_disk,
    closed_pipe,
    stalled_pipe,
    stalled_socket,
    stalled_terminal,
    closed_file,
    no_file,
]


@pytest.mark.parametrize("make", BROKEN)
def test_what_cannot_be_written_is_lost_and_counted(make: Make, stack: ExitStack) -> None:
    sink = sink_of(make(stack), stack)
    for _ in range(20):
        sink.write(LONG)
    assert sink.lost >= 19  # a line may fit into what a pipe keeps


@pytest.mark.parametrize("make", BROKEN)
def test_logging_raises_nothing(
    make: Make, stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", make(stack))
    configure_logging("json", "info")
    before = SINK.lost
    for _ in range(20):
        structlog.get_logger().warning("event", text=LONG)
    assert SINK.lost - before >= 19


def test_a_pipe_that_may_not_be_opened_again_holds_nothing_up_either(
    stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a container's engine made it and the program runs as another user."""

    def refuse(*_: object) -> int:
        raise PermissionError

    monkeypatch.setattr(os, "open", refuse)
    sink = sink_of(stalled_pipe(stack), stack)
    for _ in range(20):
        sink.write(LONG)
    assert sink.lost >= 19


def test_a_line_goes_through_a_pipe_whole_whatever_its_length(stack: ExitStack) -> None:
    reader, file = reading_pipe(stack)
    sink = sink_of(file, stack)
    sink.write("a" * 60_000)
    sink.write("b")
    assert os.read(reader, 100_000) == b"a" * 60_000 + b"\nb\n"
    assert sink.lost == 0


def test_once_there_is_room_lines_are_written_and_say_how_many_were_not(
    stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line that was cut off is ended before the next begins."""
    reader, file = reading_pipe(stack)
    monkeypatch.setattr(module, "_PATIENCE_MS", 1)
    monkeypatch.setattr(sys, "stderr", file)
    configure_logging("json", "info")
    log = structlog.get_logger()
    for _ in range(3):
        log.info("long", text=LONG)
    read = b""
    while len(read) < 60_000:
        read += os.read(reader, 100_000)
    log.info("after")
    log.info("last")
    read += os.read(reader, 100_000)
    torn, *whole = read.decode().splitlines()
    assert torn.startswith('{"text": "xxx')
    events = [json.loads(line) for line in whole]
    assert [event["event"] for event in events] == ["after", "log_lines_lost", "last"]
    assert events[1]["count"] == 3


def test_a_disk_that_is_full_tears_no_later_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    room = 10

    def write(descriptor: int, data: bytes) -> int:
        nonlocal room
        if not room:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = real(descriptor, data[:room])
        room -= written
        return written

    real = os.write
    monkeypatch.setattr(os, "write", write)
    file = tmp_path / "log"
    sink = Sink()
    with file.open("w") as opened:
        sink.open(opened)
        for text in ("one", "two two", "three", "four"):
            if text == "four":
                room = 100
            sink.write(text)
    assert file.read_text() == "one\ntwo tw\nfour\n"
    assert sink.lost == 2


class Unspeakable:
    def __repr__(self) -> str:
        raise RuntimeError("no words")


@pytest.mark.parametrize("form", ["json", "console"])
def test_what_cannot_be_put_into_words_is_lost_and_raises_nothing(
    form: Format, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = io.StringIO()
    monkeypatch.setattr(sys, "stderr", out)
    configure_logging(form, "info")
    before = SINK.lost
    circle: list[object] = []
    circle.append(circle)
    log = structlog.get_logger()
    log.error("event", what=Unspeakable())
    log.error("event", method="a fact of any name", name="\ud800 lone surrogate")
    if form == "json":
        log.error("event", what=circle)
    assert SINK.lost - before == (2 if form == "json" else 1)
    assert "lone surrogate" in out.getvalue()


def test_a_lone_surrogate_is_written_to_a_file_of_any_encoding(tmp_path: Path) -> None:
    file = tmp_path / "log"
    sink = Sink()
    with file.open("w", encoding="ascii") as opened:
        sink.open(opened)
        sink.write("\ud800 \u3042")
    assert file.read_bytes() == b"\\ud800 \xe3\x81\x82\n"
