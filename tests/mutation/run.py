"""Plant one fault at a time in a copy of the project and see whether the tests notice.

    python -m tests.mutation.run [--only TEXT] [--jobs 2]

Prints a line for each fault and the count; exits with 1 if one survived. Noticed means that a test
failed, not that the copy could not be imported.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.mutation import faults_caa, faults_decision, faults_record, faults_wire
from tests.mutation.fault import Fault

PROJECT = Path(__file__).parents[2]
FAULTS: Sequence[Fault] = (
    *faults_caa.FAULTS,
    *faults_decision.FAULTS,
    *faults_record.FAULTS,
    *faults_wire.FAULTS,
)
TESTS = ("tests/unit", "tests/clauses")
# Where a fault in a file is most likely to be noticed; the others are asked only if it is not.
NEAREST = {
    "coordinator": ("tests/clauses", "tests/unit/coordinator"),
    "perspective_agent": ("tests/unit/perspective_agent",),
    "proto": ("tests/unit/mpic/test_names.py",),
}
# Those that start servers, which the tests that call this may have running already.
WITHOUT = ("tests/clauses/test_caa_over_the_api.py", "tests/clauses/test_hostile_dns.py")
# A fault may make a test run for ever, or eat all memory; that is a fault noticed.
SECONDS = 60
LIMIT = ("prlimit", f"--as={4 * 2**30}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="faults whose file or words hold this text")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    chosen = [one for one in FAULTS if arguments.only in f"{one.file} {one.what}"]
    outcomes = Counter[str]()
    with ThreadPoolExecutor(arguments.jobs) as pool:
        for fault, outcome in zip(chosen, pool.map(plant, chosen), strict=True):
            kind, _, detail = outcome.partition(" ")
            outcomes[kind] += 1
            print(f"{kind:9} {fault.file:38} {fault.what:50} {detail}", flush=True)
    print(f"{outcomes['noticed']} of {len(chosen)} faults noticed")
    return int(outcomes["noticed"] != len(chosen))


def plant(fault: Fault) -> str:
    """Test a copy with the fault; return "noticed TEST", "SURVIVED" or "BROKEN WHY"."""
    source = (PROJECT / fault.file).read_text()
    if source.count(fault.old) != 1:
        return f"BROKEN stands {source.count(fault.old)} times"
    with tempfile.TemporaryDirectory() as directory:
        copy = Path(directory)
        for part in ("coordinator", "perspective_agent", "proto", "tests", "deploy"):
            ignored = shutil.ignore_patterns("__pycache__", "bench", "integration")
            shutil.copytree(PROJECT / part, copy / part, ignore=ignored)
        shutil.copy(PROJECT / "pyproject.toml", copy)
        (copy / fault.file).write_text(source.replace(fault.old, fault.new))
        nearest = _test(copy, NEAREST[Path(fault.file).parts[0]])
        return _test(copy, TESTS) if nearest == "SURVIVED" else nearest


def _test(copy: Path, tests: Sequence[str]) -> str:
    environment = os.environ | {
        "PYTHONPATH": f"{copy}:{copy / 'proto'}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    options = ["-x", "-q", "--no-header", "-p", "no:cacheprovider", "-p", "no:randomly"]
    options += [f"--ignore={file}" for file in WITHOUT]
    try:
        done = subprocess.run(
            [*LIMIT, sys.executable, "-m", "pytest", *options, *tests],
            cwd=copy,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        return "noticed by running for ever"
    failed = [line for line in done.stdout.splitlines() if line.startswith("FAILED ")]
    if done.returncode == 1 and failed:
        return f"noticed {failed[0].removeprefix('FAILED ').split(' - ')[0].rpartition('/')[2]}"
    if done.returncode == 0:
        return "SURVIVED"
    return f"BROKEN {done.stdout[-300:]!r}"


if __name__ == "__main__":
    sys.exit(main())
