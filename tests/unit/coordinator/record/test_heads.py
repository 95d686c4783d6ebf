"""Heads as lines: whatever a collector of logs made of them, and whatever else stands there."""

import json
from dataclasses import replace

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from coordinator.record.chain import Head
from coordinator.record.heads import (
    AGAIN_US,
    KeptHead,
    encode_head,
    is_due,
    read_heads,
    word_head,
)
from coordinator.record.timestamps import to_us
from tests.world.records import START

HEAD = Head("main.0", 41, bytes(range(32)), to_us(START))
NOTED_US = to_us(START) + 7_000_000
KEPT = KeptHead(HEAD, NOTED_US, is_own=True)
LINE = encode_head(HEAD, NOTED_US, is_own=True)
VERDICT = json.dumps({"event": "verdict", "request_id": "x", "hash": "y", "chain": "z"})


def logged(renderer: structlog.types.Processor) -> str:
    event = {"event": "record_head", **word_head(HEAD, NOTED_US), "level": "info", "timestamp": "x"}
    return str(renderer(None, "info", event))


JSON = logged(structlog.processors.JSONRenderer())
CONSOLE = logged(structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"]))
WAYS = {
    "heads file": LINE,
    "log": JSON,
    "console": CONSOLE,
    "syslog": f"Nov 23 12:00:07 tokyo mpic[812]: {JSON}",
    "container runtime": f"2026-11-23T12:00:07.1Z stderr F {JSON}",
    "docker": json.dumps({"log": f"{JSON}\n", "stream": "stderr", "time": "x"}),
    "journald": json.dumps({"_HOSTNAME": "tokyo", "MESSAGE": JSON}),
    "console in journald": json.dumps({"_HOSTNAME": "tokyo", "MESSAGE": CONSOLE}),
    "parsed": json.dumps({"timestamp": "x", "jsonPayload": json.loads(JSON)}),
    "elastic": json.dumps({"_source": {"message": JSON, "event": {"original": JSON}}}),
    "wrapped twice": json.dumps({"message": json.dumps({"log": JSON})}),
}


@pytest.mark.parametrize("line", WAYS.values(), ids=WAYS)
def test_a_head_is_found_whatever_collected_it(line: str) -> None:
    assert read_heads([VERDICT, line, VERDICT]) == ([KEPT], 0)


def test_what_was_read_from_the_store_is_told_apart_from_what_its_coordinator_said() -> None:
    line = encode_head(HEAD, NOTED_US, is_own=False)
    assert read_heads([line]) == ([KEPT._replace(is_own=False)], 0)
    assert len(read_heads([line, LINE]).heads) == 2


def test_a_head_without_times_counts_too() -> None:
    line = json.dumps({"chain": "a", "sequence": 1, "hash": "11" * 32})
    assert read_heads([line]).heads == [KeptHead(Head("a", 1, b"\x11" * 32, 0), 0, is_own=False)]


@pytest.mark.parametrize(
    "line",
    [
        *(LINE[:length] for length in range(60, len(LINE), 20)),
        LINE.replace('"sequence": 41', '"sequence": 0'),
        LINE.replace('"sequence": 41', '"sequence": null'),
        LINE.replace("1f", "1g"),
        LINE.replace("1f", ""),
        LINE.replace("2026-11-23", "2026-13-23"),
        JSON[:120],
        CONSOLE[:130],
    ],
)
def test_a_head_that_cannot_be_read_is_counted_and_the_next_is_read(line: str) -> None:
    read = read_heads([line, LINE])
    assert read.heads == [KEPT]
    assert read.unreadable == ("hash" in line)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "hash",
        VERDICT,
        json.dumps({"event": "verdict", "names": [{"name": JSON}], "request_id": JSON}),
        json.dumps({"event": "late_dissent", "message": JSON, "log": json.loads(JSON)}),
        json.dumps({"MESSAGE": json.dumps({"event": "verdict", "message": JSON})}),
        json.dumps({"event": "not_decided", "detail": CONSOLE}),
        "[" * 100_000 + "hash",
        '{"hash":' + "[" * 100_000,
    ],
)
def test_what_others_say_in_our_log_is_no_head(line: str) -> None:
    """A caller chooses its request ids, a domain its records: neither says where a chain is."""
    assert read_heads([line]).heads == []


@given(st.lists(st.text()))
def test_whatever_stands_in_a_log_is_passed_over(lines: list[str]) -> None:
    assert read_heads([*(f"{line}hash" for line in lines), LINE]).heads == [KEPT]


def test_a_chain_that_rests_is_one_head_noted_last() -> None:
    later = [encode_head(HEAD, NOTED_US + n * AGAIN_US, is_own=True) for n in (1, 3, 2)]
    assert read_heads([LINE, *later]).heads == [KEPT._replace(noted_at_us=NOTED_US + 3 * AGAIN_US)]


def test_a_head_is_due_when_its_chain_moved_and_now_and_then_when_it_rests() -> None:
    moved = replace(HEAD, sequence=42)
    assert is_due(HEAD, None, NOTED_US)
    assert is_due(moved, KEPT, NOTED_US)
    assert is_due(replace(HEAD, hash=bytes(32)), KEPT, NOTED_US)
    assert not is_due(HEAD, KEPT, NOTED_US + AGAIN_US - 1)
    assert is_due(HEAD, KEPT, NOTED_US + AGAIN_US)
    assert not is_due(replace(HEAD, sequence=0), None, NOTED_US)
