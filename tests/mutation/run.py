"""Plant one fault at a time in a copy of the project and see whether the tests notice.

    python -m tests.mutation.run [--only TEXT] [--after NUMBER] [--nearest] [--jobs 4]

Prints a line for each fault and the count; exits with 1 if one survived. Noticed means that a test
failed, not that the copy could not be imported. Before the whole table is planted the tests must
pass as things are.
Needs root: the tests run in a network namespace of their own.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from queue import SimpleQueue

from tests.mutation import (
    faults_caa,
    faults_claims,
    faults_client,
    faults_decision,
    faults_domain_control,
    faults_domain_control_web,
    faults_doors,
    faults_explain,
    faults_explain_page,
    faults_history,
    faults_http,
    faults_leftovers,
    faults_links,
    faults_lists,
    faults_looking,
    faults_open_mpic,
    faults_preflight,
    faults_questions,
    faults_reaching,
    faults_reading,
    faults_record,
    faults_running,
    faults_service,
    faults_wire,
    forked,
)
from tests.mutation.fault import Fault
from tests.mutation.nearest import CLAUSES, UNIT, WITHOUT, nearest_of, others_of

PROJECT = Path(__file__).parents[2]
FAULTS: Sequence[Fault] = (
    *faults_caa.FAULTS,
    *faults_claims.FAULTS,
    *faults_client.FAULTS,
    *faults_decision.FAULTS,
    *faults_domain_control.FAULTS,
    *faults_domain_control_web.FAULTS,
    *faults_doors.FAULTS,
    *faults_explain.FAULTS,
    *faults_explain_page.FAULTS,
    *faults_history.FAULTS,
    *faults_http.FAULTS,
    *faults_leftovers.FAULTS,
    *faults_links.FAULTS,
    *faults_lists.FAULTS,
    *faults_looking.FAULTS,
    *faults_open_mpic.FAULTS,
    *faults_preflight.FAULTS,
    *faults_questions.FAULTS,
    *faults_reaching.FAULTS,
    *faults_reading.FAULTS,
    *faults_record.FAULTS,
    *faults_running.FAULTS,
    *faults_service.FAULTS,
    *faults_wire.FAULTS,
)
# A fault may make a test run for ever, or eat all memory; that is a fault noticed, if the nearest
# tests end in time without it. All tests take a minute or, on a machine that is busy, many: what
# takes longer shows nothing.
NEAREST_SECONDS = 60
SECONDS = 1200
TOO_LONG = "BROKEN took too long"
RUNS_ON = "noticed by running for ever"

_moments = count(1)
"""A copy's source files get one each time they are written, so that no stale bytecode fits."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="faults whose file or words hold this text")
    parser.add_argument("--after", type=int, default=0, help="go on behind so many faults")
    parser.add_argument("--nearest", action="store_true", help="ask the nearest tests alone")
    parser.add_argument("--jobs", type=int, default=4)
    arguments = parser.parse_args()
    chosen = [one for one in FAULTS if arguments.only in f"{one.file} {one.what}"]
    chosen = chosen[arguments.after :]
    began = time.monotonic()
    outcomes = Counter[str]()
    with copies(arguments.jobs) as free, ThreadPoolExecutor(arguments.jobs) as pool:
        if not arguments.only and (wrong := ask_all(free)) != "SURVIVED":
            print(f"the tests do not pass as things are: {wrong}")
            return 1
        ask = partial(plant, free=free, nearest_alone=arguments.nearest)
        planted = pool.map(ask, chosen)
        for fault, outcome in zip(chosen, planted, strict=True):
            kind, _, detail = outcome.partition(" ")
            outcomes[kind] += 1
            print(f"{kind:9} {fault.file:38} {fault.what:50} {detail}", flush=True)
    seconds = time.monotonic() - began
    print(f"{outcomes['noticed']} of {len(chosen)} faults noticed in {seconds:.0f} s")
    return int(outcomes["noticed"] != len(chosen))


@contextmanager
def copies(number: int) -> Iterator["SimpleQueue[Path]"]:
    """Lend copies of the project, each to one fault at a time."""
    free: SimpleQueue[Path] = SimpleQueue()
    with tempfile.TemporaryDirectory() as directory:
        for index in range(number):
            copy = Path(directory) / str(index)
            for part in ("coordinator", "perspective_agent", "proto", "tests", "deploy"):
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(PROJECT / part, copy / part, ignore=ignored)
            for file in ("pyproject.toml", "README.md", "CHANGELOG.md"):
                shutil.copy(PROJECT / file, copy)
            free.put(copy)
        yield free


def plant(fault: Fault, free: "SimpleQueue[Path]", *, nearest_alone: bool = False) -> str:
    """Test a copy with the fault; return "noticed TEST", "SURVIVED" or "BROKEN WHY"."""
    copy = free.get()
    source = (copy / fault.file).read_text()
    try:
        if source.count(fault.old) != 1:
            return f"BROKEN stands {source.count(fault.old)} times"
        _write(copy / fault.file, source.replace(fault.old, fault.new))
        outcome = _ask(copy, fault, nearest_alone=nearest_alone)
        _write(copy / fault.file, source)
        is_slow = outcome == RUNS_ON and _ask_nearest(copy, fault) == TOO_LONG
        return TOO_LONG if is_slow else outcome
    finally:
        _write(copy / fault.file, source)
        free.put(copy)


def _write(file: Path, source: str) -> None:
    file.write_text(source)
    moment = next(_moments)
    os.utime(file, (moment, moment))


def _ask(copy: Path, fault: Fault, *, nearest_alone: bool) -> str:
    outcome = _ask_nearest(copy, fault)
    if outcome == TOO_LONG:
        return RUNS_ON
    for group in () if fault.tests or nearest_alone else others_of(fault.file):
        if outcome == "SURVIVED":
            outcome = _test(copy, group, SECONDS)
    return outcome


def _ask_nearest(copy: Path, fault: Fault) -> str:
    nearest = fault.tests or nearest_of(fault.file, copy)
    return _test(copy, nearest, NEAREST_SECONDS) if nearest else "SURVIVED"


def ask_all(free: "SimpleQueue[Path]") -> str:
    """Ask all tests that any fault needs of a copy without a fault."""
    copy = free.get()
    own = {test for fault in FAULTS for test in fault.tests}
    try:
        return _test(copy, (UNIT, CLAUSES, *sorted(own)), SECONDS)
    finally:
        free.put(copy)


def _test(copy: Path, tests: Sequence[str], seconds: float) -> str:
    without = [f"--ignore={file}" for file in WITHOUT if file not in tests]
    ran = forked.run(copy, ("-x", "-q", *without, *tests), seconds)
    if ran.code is None:
        return TOO_LONG
    failed = [line for line in ran.output.splitlines() if line.startswith("FAILED ")]
    if failed:  # however the process ends after that
        file, _, test = failed[0].removeprefix("FAILED ").split(" - ")[0].partition("::")
        return f"noticed {Path(file).name}::{test}"
    return "SURVIVED" if ran.code == 0 else f"BROKEN {ran.code} {ran.output[-300:]!r}"


if __name__ == "__main__":
    sys.exit(main())
