"""W3C Trace Context: what is a traceparent, and what is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpic.trace import Trace, read_traceparent

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def test_what_is_read_is_written_again() -> None:
    header = f"00-{TRACE}-{PARENT}-01"
    trace = read_traceparent(header)
    assert trace == Trace(TRACE, PARENT, "01")
    assert trace.traceparent == header


def test_a_later_version_is_read_as_far_as_it_is_ours() -> None:
    trace = read_traceparent(f"cc-{TRACE}-{PARENT}-01-what-the-future-holds")
    assert trace is not None
    assert trace.traceparent == f"00-{TRACE}-{PARENT}-01"


@pytest.mark.parametrize(
    "header",
    [
        "",
        "00",
        f"00-{TRACE}-{PARENT}",
        f"00-{TRACE}-{PARENT}-01-more",
        f"00-{TRACE}-{PARENT}-01 ",
        f"00-{TRACE}-{PARENT}-01\n",
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{TRACE[:-1]}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-0g",
        f"cc-{TRACE}-{PARENT}-01-{'x' * 600}",
        f"00-{TRACE[:-1]}\u0661-{PARENT}-01",
    ],
)
def test_what_is_not_valid_is_no_trace(header: str) -> None:
    assert read_traceparent(header) is None


@given(st.text())
def test_whatever_comes_is_read_or_refused(header: str) -> None:
    trace = read_traceparent(header)
    assert trace is None or trace.traceparent.isascii()
