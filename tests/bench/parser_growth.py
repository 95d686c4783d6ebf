"""Time of judging one adversarial CAA value against its length: what is linear stays linear.

    python -m tests.bench.parser_growth

Prints microseconds for values of 1 kB to 64 kB, and how often the time of 1 kB the last one took.
"""

import time

from rich.console import Console
from rich.table import Table

from coordinator.caa import Applicant, judge_set

APPLICANT = Applicant(frozenset({"ca.example"}), "https://ca.example/1", "dns-01")
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


def seconds(value: bytes) -> float:
    """The best of five."""
    rdata = [b"\x00\x05issue" + value]
    best = float("inf")
    for _ in range(5):
        started = time.perf_counter()
        judge_set(rdata, wildcard=False, applicant=APPLICANT)
        best = min(best, time.perf_counter() - started)
    return best


def main() -> None:
    table = Table("microseconds at", *(f"{size} kB" for size in KILOBYTES), "64 kB / 1 kB")
    for name, piece in SHAPES.items():
        for prefix in ("", "ca.example; x="):
            values = [(prefix + piece * (1024 * size // len(piece))).encode() for size in KILOBYTES]
            times = [seconds(value) for value in values]
            cells = [f"{time * 1e6:.0f}" for time in times]
            shown = f"{name}{' in a parameter' if prefix else ''}"
            table.add_row(shown, *cells, f"{times[-1] / times[0]:.0f}")
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
