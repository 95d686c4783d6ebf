"""Takes from a command what a systemd unit takes from it, as far as one process can take it itself.

    python3 confine.py UNIT-FILE COMMAND...

MemoryDenyWriteExecute, SystemCallFilter, SystemCallErrorNumber and RestrictAddressFamilies. Run by
the system's own Python, so it imports nothing but the standard library.
"""

import ctypes
import errno
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

_PR_SET_MDWE, _REFUSE_EXEC_GAIN = 65, 1  # linux/prctl.h
_ALLOW = 0x7FFF0000  # SCMP_ACT_ALLOW
_ERRNO = 0x00050000  # SCMP_ACT_ERRNO
_EQUAL = 4  # SCMP_CMP_EQ


class _Compare(ctypes.Structure):
    """struct scmp_arg_cmp of seccomp.h."""

    _fields_ = (
        ("arg", ctypes.c_uint),
        ("op", ctypes.c_int),
        ("datum_a", ctypes.c_uint64),
        ("datum_b", ctypes.c_uint64),
    )


def main(unit: Path, command: list[str]) -> None:
    settings = re.findall(r"(?m)^(\w+)=(.*)$", unit.read_text())
    plain = dict(settings)
    if plain["MemoryDenyWriteExecute"] == "yes":
        _check(ctypes.CDLL(None).prctl(_PR_SET_MDWE, _REFUSE_EXEC_GAIN, 0, 0, 0))
    allowed: set[str] = set()
    for key, value in settings:
        if key == "SystemCallFilter":
            name = value.removeprefix("~")
            named = expand(name) if name.startswith("@") else {name}
            allowed = allowed - named if value.startswith("~") else allowed | named
    number = getattr(errno, plain["SystemCallErrorNumber"])
    families = plain["RestrictAddressFamilies"].split()
    restrict(allowed, {getattr(socket, family) for family in families}, number)
    os.execvp(command[0], command)  # noqa: S606 - no shell is wanted


def expand(group: str) -> set[str]:
    """The system calls of a group, with those of the groups it names."""
    done = subprocess.run(
        ["systemd-analyze", "syscall-filter", group], capture_output=True, text=True, check=True
    )
    found: set[str] = set()
    for line in done.stdout.splitlines()[1:]:
        word = line.strip()
        if word.startswith("@"):
            found |= expand(word)
        elif word and not word.startswith("#"):
            found.add(word)
    return found


def restrict(allowed: set[str], families: set[int], number: int) -> None:
    """Let the kernel refuse every other system call, and every other family of sockets."""
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(_ERRNO | number))
    for name in sorted(allowed - {"socket"}):
        call = library.seccomp_syscall_resolve_name(name.encode())
        if call >= 0:  # others this architecture does not have
            _check(library.seccomp_rule_add_array(context, _ALLOW, call, 0, None))
    call = library.seccomp_syscall_resolve_name(b"socket")
    for family in families:
        equal = (_Compare * 1)(_Compare(0, _EQUAL, family, 0))
        _check(library.seccomp_rule_add_array(context, _ALLOW, call, 1, equal))
    _check(library.seccomp_load(context))


def _check(result: int) -> None:
    if result < 0:
        raise OSError(-result, os.strerror(-result))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
