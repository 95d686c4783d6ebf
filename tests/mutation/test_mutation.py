"""The planted faults: each fits the source as it stands, and a few are planted each time."""

import pytest

from tests.mutation.run import FAULTS, PROJECT, plant

EACH = 40


def test_every_fault_can_be_planted() -> None:
    for fault in FAULTS:
        assert (PROJECT / fault.file).read_text().count(fault.old) == 1, fault.what
        assert fault.old != fault.new


def test_no_two_faults_are_the_same() -> None:
    changes = [(fault.file, fault.old, fault.new) for fault in FAULTS]
    assert len(set(changes)) == len(changes)


@pytest.mark.parametrize("fault", FAULTS[::EACH], ids=lambda fault: fault.what)
def test_a_planted_fault_is_noticed(fault: tuple[str, str, str, str]) -> None:
    assert plant(fault).startswith("noticed")
