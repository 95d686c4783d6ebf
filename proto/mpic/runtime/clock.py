"""The two clocks of a host: the time of day, and how long something takes."""

import time


def read_clock_us() -> int:
    """Return microseconds since 1970, UTC, as this host has it."""
    return time.time_ns() // 1000


def read_steady_us() -> int:
    """Return microseconds since the host started: nobody sets this clock, and it never stops."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000
