"""Time of reading adversarial CAA values and answers, by their length: it must grow linearly.

    python -m tests.bench.parser_growth

It prints microseconds for 1 kB to 64 kB, and the ratio of the last to the first.
"""

import struct
import time
from collections.abc import Callable, Sequence
from functools import partial

from rich.console import Console
from rich.table import Table

from coordinator.checks.caa.relevant_set import Applicant, judge_set
from perspective_agent.dns.wire import CAA, make_query, read_answer

APPLICANT = Applicant(frozenset({"ca.example"}), "https://ca.example/1", "dns-01")
RECORD = b"\x00\x05issue"
QUERY = make_query("child.parent.example.co.jp", CAA)
QUESTION = QUERY.question
KILOBYTES = (1, 2, 4, 8, 16, 32, 64)

# Text that makes nested repetitions try everything; the first took Open MPIC 2.9 s at 26 letters.
SHAPES = {
    "a letter and hyphens": "a" + "-" * 8,
    "letters": "aaaaaaaa",
    "labels": "a.a.a.a.",
    "white space": " \t \t \t ",
    "separators": ";;;;;;;;",
    "parameters": "; a=b; c",
    "equals signs": "a=======",
}


def pointers(size: int) -> bytes:
    """Half of it pointers to pointers, as far as they reach; half names that begin at the last."""
    first = 12 + len(QUESTION) + 12  # where the data of the first record stands
    count = min(size // 4, (0x3FFF - first) // 2)
    chain = b"\xc0\x0c" + b"".join(
        struct.pack("!H", 0xC000 | first + 2 * n) for n in range(count - 1)
    )
    head = b"\xc0\x0c" + struct.pack("!HHIH", 10, 1, 60, len(chain)) + chain
    last = struct.pack("!H", 0xC000 | first + 2 * (count - 1))
    record = last + struct.pack("!HHIH", CAA, 1, 60, 7) + b"\x00\x05issue"
    return message([head, *[record] * (size // 2 // len(record))])


def aliases(size: int) -> bytes:
    """An answer of nothing but aliases of the name asked."""
    record = b"\xc0\x0c" + struct.pack("!HHIH", 5, 1, 60, 2) + b"\xc0\x0c"
    return message([record] * (size // len(record)))


def dnames(size: int) -> bytes:
    """An alias, and DNAME records of a name above it."""
    alias = b"\xc0\x0c" + struct.pack("!HHIH", 5, 1, 60, 3) + b"\x01x\x00"
    dname = b"\xc0\x12" + struct.pack("!HHIH", 39, 1, 60, 1) + b"\x00"
    return message([alias, *[dname] * (size // len(dname))])


def sets(size: int) -> bytes:
    """A set as large as fits."""
    record = b"\xc0\x0c" + struct.pack("!HHIH", CAA, 1, 60, 12) + b"\x00\x05issue%05d"
    return message([record % number for number in range(size // 24)])


def message(records: Sequence[bytes]) -> bytes:
    header = struct.pack("!6H", 1, 0x8180, 1, len(records), 0, 1)
    opt = b"\x00\x00\x29\x04\xd0" + bytes(6)
    return header + QUESTION + b"".join(records) + opt


MESSAGES = {
    "pointers to pointers": pointers,
    "aliases": aliases,
    "DNAME records": dnames,
    "a large set": sets,
}


def best(work: Callable[[], object]) -> float:
    """The best of five, in seconds of this process."""
    found = float("inf")
    for _ in range(5):
        started = time.process_time()
        work()
        found = min(found, time.process_time() - started)
    return found


def main() -> None:
    table = Table("CPU microseconds at", *(f"{size} kB" for size in KILOBYTES), "64 kB / 1 kB")

    def show(name: str, works: Sequence[Callable[[], object]]) -> None:
        times = [best(work) for work in works]
        cells = [f"{time * 1e6:.0f}" for time in times]
        table.add_row(name, *cells, f"{times[-1] / times[0]:.0f}")

    for name, piece in SHAPES.items():
        for prefix in ("", "ca.example; x="):
            values = [(prefix + piece * (1024 * size // len(piece))).encode() for size in KILOBYTES]
            works = [
                partial(judge_set, [RECORD + one], wildcard=False, applicant=APPLICANT)
                for one in values
            ]
            show(f"{name}{' in a parameter' if prefix else ''}", works)
    table.add_section()
    for name, make in MESSAGES.items():
        wires = [make(1000 * size) for size in KILOBYTES]
        show(f"answer: {name}", [partial(read_answer, QUERY, 1, one) for one in wires])
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
