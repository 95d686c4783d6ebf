"""Writes heads of chains as lines, and reads them back from heads files and logs. Pure.

A line is a JSON object with all that verifying needs. A line that a coordinator writes has an
`event`. It is the head of the coordinator's own chain, from what it has made durable itself, never
from what a store says. A line of `mpic record head` has no event: it was read from the store, and
may be of any chain. A heads file holds only such lines. In a log they stand among other lines, and
a log collector may have wrapped them or put something before them.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from coordinator.record.chain import DIGEST, Head
from coordinator.record.timestamps import SECOND_US, read_moment, show_moment

EVENT = "record_head"
AGAIN_US = 3600 * SECOND_US
"""The head of a chain that rests is written again after this time, to show that nothing was
added."""

# The field names under which collectors keep a line as text: Docker, journald, and others.
_WRAPPED = ("log", "MESSAGE", "message", "msg", "original", "short_message")
_DEPTH = 4
# The log's other form, [log] format = "console".
_CONSOLE = re.compile(r"\b(\w+)=(?:'([^']*)'|(\d+))")

Fields = Mapping[str, object]


class KeptHead(NamedTuple):
    """A head that was kept elsewhere."""

    head: Head
    noted_at_us: int
    """At this time the chain had got no further, microseconds since 1970; 0: not told."""
    is_own: bool
    """Whether the coordinator that writes the chain wrote this head."""


class HeadsRead(NamedTuple):
    """What was found among lines."""

    heads: list[KeptHead]
    unreadable: int
    """Lines that are of heads and cannot be read, such as one that was cut off."""


def word_head(head: Head, noted_at_us: int) -> dict[str, str | int]:
    """Return what is written of a head."""
    return {
        "chain": head.chain,
        "sequence": head.sequence,
        "hash": head.hash.hex(),
        "written_at": show_moment(head.written_at_us),
        "noted_at": show_moment(noted_at_us),
    }


def encode_head(head: Head, noted_at_us: int, *, is_own: bool) -> str:
    """Return the line of a head in a heads file."""
    event = {"event": EVENT} if is_own else {}
    return json.dumps({**event, **word_head(head, noted_at_us)})


def is_due(head: Head, last: KeptHead | None, now_us: int) -> bool:
    """Say whether a head is to be written, given the one written last."""
    if not head.sequence:
        return False  # there is nothing yet
    return last is None or last.head != head or now_us - last.noted_at_us >= AGAIN_US


def read_heads(lines: Iterable[str]) -> HeadsRead:
    """Find the heads in a heads file or a log; equal ones are told once, as noted last."""
    found: dict[tuple[Head, bool], KeptHead] = {}
    unreadable = 0
    for line in lines:
        if "hash" not in line:
            continue
        fields = _find_fields(line)
        try:
            kept = _read_head(fields) if fields is not None else None
        except (ValueError, KeyError, TypeError):
            kept = None
        if kept is None:
            unreadable += fields is not None or EVENT in line
            continue
        before = found.get((kept.head, kept.is_own), kept)
        found[kept.head, kept.is_own] = max(kept, before, key=lambda one: one.noted_at_us)
    return HeadsRead(list(found.values()), unreadable)


def _read_head(fields: Fields) -> KeptHead:
    digest = bytes.fromhex(str(fields["hash"]))
    sequence = int(str(fields["sequence"]))
    if len(digest) != DIGEST or sequence < 1:
        raise ValueError("no batch has this hash or number")
    written_at_us, noted_at_us = (
        read_moment(str(fields[key])) if key in fields else 0 for key in ("written_at", "noted_at")
    )
    head = Head(str(fields["chain"]), sequence, digest, written_at_us)
    return KeptHead(head, noted_at_us, fields.get("event") == EVENT)


def _find_fields(line: str) -> Fields | None:
    """Return the head that a line holds; None: it is about something else."""
    start = line.find('{"')
    if start < 0:
        return _find_in_console(line)
    try:
        value, _ = json.JSONDecoder().raw_decode(line, start)
    except (ValueError, RecursionError):
        return None
    return next(_find_in(value, _DEPTH), None)


def _find_in(value: object, depth: int) -> Iterator[Fields]:
    """Yield heads within what a collector made of a line.

    Of our own lines only those with heads are read: the others quote what strangers say.
    """
    if not isinstance(value, dict) or not depth:
        return
    if value.get("event") == EVENT or ("event" not in value and {"chain", "hash"} <= set(value)):
        yield value
        return
    for key, inner in value.items() if not isinstance(value.get("event"), str) else ():
        if isinstance(inner, dict):
            yield from _find_in(inner, depth - 1)
        elif key in _WRAPPED and isinstance(inner, str) and EVENT in inner:
            fields = _find_fields(inner)
            yield from [] if fields is None else [fields]


def _find_in_console(line: str) -> Fields | None:
    fields = {name: text or number for name, text, number in _CONSOLE.findall(line)}
    return fields if fields.get("event") == EVENT else None
