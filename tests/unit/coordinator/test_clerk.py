"""Writing an attempt down: with all that has come by then, and nothing of what comes later."""

import asyncio
from pathlib import Path
from typing import Any, cast

from coordinator.clerk import Registry
from coordinator.corroboration import Attempt, Question
from coordinator.link import Link, LinkOptions
from coordinator.record.recorder import Recorder, Word
from coordinator.record.transcript import Asked, Transcriber
from mpic.grpc.tls import TlsFiles
from mpic.names import parse_name
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import record_pb2 as r
from tests.world.samples import NAME, NOVEMBER, TERMS, WORLD, ask, reply

ASKED = Asked("caller", c.CorroborateRequest(), b"digest")


class Writer:
    """Stands for a recorder whose disk is slow: its turn comes when the test says so."""

    def __init__(self) -> None:
        self.turn = asyncio.Event()
        self.late: list[r.RecordEntry] = []

    async def write(self, record: bytes, word: Word) -> None:
        del record
        await self.turn.wait()
        word()

    def add(self, record: bytes, entry: r.RecordEntry) -> None:
        del record
        self.late.append(entry)


async def test_what_comes_before_it_is_written_is_in_it_and_what_comes_then_is_late() -> None:
    writer = Writer()
    links = [
        Link(one, LinkOptions(TlsFiles(Path("a"), Path("b"), Path("c"))))
        for one in WORLD.perspectives
    ]
    nothing: Any = None
    registry = Registry(cast("Recorder", writer), Transcriber(links, b"version"), nothing)
    question = Question("r-1", [parse_name(NAME)], [ask()], TERMS, dry_run=False, linger=0)
    attempt = Attempt(question, WORLD, NOVEMBER, registry.keep_late)
    *most, fifth, sixth = WORLD.perspectives
    for one in most:
        attempt.receive(0, reply(one))
    attempt.decided_at = NOVEMBER
    writing = asyncio.create_task(registry.write_down(attempt, ASKED))
    await asyncio.sleep(0)
    attempt.receive(0, reply(fifth))
    writer.turn.set()
    record = await writing
    dissents = [one.dissent for one in record.names[0].replies]
    assert dissents == [0] * 5 + [c.DISSENT_NOT_AWAITED]
    attempt.receive(0, reply(sixth))
    (entry,) = writer.late
    assert [one.perspective_id for one in entry.late.replies] == [sixth.id]
