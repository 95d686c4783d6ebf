"""The host's clock, as far as the kernel knows: whether a time service keeps it, and how well."""

import ctypes
import os
from collections.abc import Sequence
from dataclasses import dataclass

from mpic.runtime.doctor import DoctorFinding

_UNSYNCHRONISED = 0x40  # STA_UNSYNC, linux/timex.h
_TOLERABLE_SECONDS = 1.0
_KEEP = "Install and start chrony or systemd-timesyncd, and let UDP 123 out to its servers"


class _Timex(ctypes.Structure):
    """struct timex of adjtimex(2), as on every 64-bit Linux."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("constant", ctypes.c_long),
        ("precision", ctypes.c_long),
        ("tolerance", ctypes.c_long),
        ("time", ctypes.c_long * 2),
        ("rest", ctypes.c_char * 256),
    )


@dataclass(frozen=True, slots=True)
class KernelClock:
    """What the kernel says of its clock."""

    kept: bool
    """Whether a time service has disciplined it lately."""
    error_seconds: float
    """How far it may be off, by the time service's own estimate."""


def read_kernel_clock() -> KernelClock:
    """Ask the kernel, which needs no privilege; raises OSError."""
    timex = _Timex(modes=0)
    if ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(timex)) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return KernelClock(not timex.status & _UNSYNCHRONISED, timex.maxerror / 1e6)


def examine_kernel_clock() -> Sequence[DoctorFinding]:
    """Say what the kernel knows of the clock."""
    try:
        return [judge_kernel_clock(read_kernel_clock())]
    except OSError as error:
        what = f"the kernel does not tell whether the clock is kept: {error.strerror}"
        return [
            DoctorFinding("warning", what, "Run `timedatectl` or `chronyc tracking` on the host")
        ]


def judge_kernel_clock(clock: KernelClock) -> DoctorFinding:
    """Say whether a time service keeps the clock well enough. Pure."""
    facts = {"kept": clock.kept, "error_seconds": round(clock.error_seconds, 3)}
    if not clock.kept:
        what = "no time service keeps this host's clock: nothing bounds how far it will be off"
        return DoctorFinding("warning", what, _KEEP, facts)
    if clock.error_seconds > _TOLERABLE_SECONDS:
        what = f"the clock may be off by {clock.error_seconds:.1f} s, by its own time service"
        return DoctorFinding(
            "warning", what, "See what its time service says of its sources", facts
        )
    return DoctorFinding("ok", "a time service keeps the clock", facts=facts)
