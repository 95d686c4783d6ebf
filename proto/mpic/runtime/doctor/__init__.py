"""What `mpic doctor` finds: one shape for every check, one register for each program.

A check takes what it examines (of the program's own kind) and returns findings. To add a
check, write that function and one line in the program's register. The register names the findings.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias, TypeVar

from mpic.runtime.config import ConfigError
from mpic.runtime.problem import Problem

Outcome = Literal["ok", "warning", "error"]
Fact = str | int | float | bool | Sequence[str]
Facts: TypeAlias = Mapping[str, Fact]

P = TypeVar("P")


@dataclass(frozen=True, slots=True)
class DoctorFinding:
    """One thing that was looked at."""

    outcome: Outcome
    """error: it does not work, or nothing may be approved; warning: it soon will not, or is
    unsafe."""
    what: str
    """One sentence without its final stop, for a person."""
    mend: str = ""
    """What to do about it; empty when it is ok."""
    facts: Facts = field(default_factory=dict)
    """What was seen; times in UTC, ISO 8601."""
    check: str = ""
    """The name its check has in the register."""

    def __post_init__(self) -> None:
        """Refuse a finding that does not say what to do."""
        if (self.outcome == "ok") == bool(self.mend):
            raise ValueError(f"a mend belongs to what is not ok, and only there: {self.what}")


DoctorCheck: TypeAlias = Callable[[P], Awaitable[Sequence[DoctorFinding]]]
Register: TypeAlias = Mapping[str, DoctorCheck[P]]


async def run_checks(register: Register[P], examined: P) -> list[DoctorFinding]:
    """Run all checks at once; return their findings in the order of the register."""
    found = await asyncio.gather(
        *(_run_one(name, check, examined) for name, check in register.items())
    )
    return [finding for findings in found for finding in findings]


async def _run_one(name: str, check: DoctorCheck[P], examined: P) -> list[DoctorFinding]:
    try:
        findings = await check(examined)
    except Exception as error:  # noqa: BLE001 - one check that breaks must not hide the others
        broken = f"the check could not be made: {type(error).__name__}: {error}"
        findings = [DoctorFinding("error", broken, "Report this with what is above and below it")]
    return [replace(finding, check=name) for finding in findings]


def from_problem(problem: Problem) -> DoctorFinding:
    """Turn a problem of a configuration or a certificate into a finding."""
    what = f"{problem.place}: {problem.message}" if problem.place else problem.message
    return DoctorFinding("warning" if problem.warning else "error", what, problem.mend)


def from_config_error(error: ConfigError) -> list[DoctorFinding]:
    """Return the findings of a file that cannot be used; nothing more can be examined."""
    return [replace(from_problem(problem), check="config") for problem in error.problems]
