"""A process takes the files that it may open, up to what is of use; too few are refused."""

from resource import RLIM_INFINITY

import pytest

from mpic.runtime.doctor.open_files import judge_limit
from mpic.runtime.open_files import LEAST, find_limit


@pytest.mark.parametrize(
    ("soft", "hard", "limit"),
    [
        (1024, 524288, 65536),
        (1024, RLIM_INFINITY, 65536),
        (100000, 524288, 100000),  # what somebody set is not lowered
        (RLIM_INFINITY, RLIM_INFINITY, 65536),
    ],
)
def test_no_more_is_taken_than_is_of_use(soft: int, hard: int, limit: int) -> None:
    assert find_limit(soft, hard) == limit


@pytest.mark.parametrize(
    ("limit", "outcome"),
    [(LEAST - 1, "error"), (LEAST, "warning"), (5439, "warning"), (5440, "ok")],
)
def test_a_limit_is_judged(limit: int, outcome: str) -> None:
    finding = judge_limit(limit, 5440, "the running program")
    assert finding.outcome == outcome
    assert f"may have {limit} files open" in finding.what
