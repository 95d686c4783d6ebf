"""The planted faults: each fits the source as it stands, and a few are planted each time."""

from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue

import pytest

from tests.mutation import run
from tests.mutation.fault import Fault
from tests.mutation.run import FAULTS, PROJECT, copies, plant

EACH = 270


@pytest.fixture(scope="module")
def free() -> Iterator["SimpleQueue[Path]"]:
    with copies(1) as lent:
        yield lent


def test_every_fault_can_be_planted() -> None:
    for fault in FAULTS:
        assert (PROJECT / fault.file).read_text().count(fault.old) == 1, fault.what
        assert fault.old != fault.new


def test_no_two_faults_are_the_same() -> None:
    changes = [(fault.file, fault.old, fault.new) for fault in FAULTS]
    assert len(set(changes)) == len(changes)


def test_tests_that_are_named_are_there() -> None:
    for fault in FAULTS:
        for test in fault.tests:
            file, _, function = test.partition("::")
            named = f"def {function.partition('[')[0]}(" if function else ""
            assert named in (PROJECT / file).read_text(), test


@pytest.mark.parametrize("fault", FAULTS[::EACH], ids=lambda fault: fault.what)
def test_a_planted_fault_is_noticed(fault: Fault, free: "SimpleQueue[Path]") -> None:
    assert plant(fault, free).startswith("noticed")


def test_tests_that_are_slow_anyway_notice_nothing(
    free: "SimpleQueue[Path]", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "NEAREST_SECONDS", 0)
    assert plant(FAULTS[0], free) == run.TOO_LONG
