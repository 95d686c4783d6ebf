"""What is asked of every name, and who judges the findings: one shape, one register.

To add a check: its messages in the agreement, a module beside `addresses` and `caa`, and a line in
`CHECKS` under the name of the `oneof` member. A perspective corroborates a name only if every
check does.
"""

from collections.abc import Mapping
from typing import Protocol

from coordinator.checks.addresses import AddressJudge
from coordinator.checks.caa.check import CaaJudge
from coordinator.checks.check import Ask, Judgement
from coordinator.rules.policy import PolicyRow
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p


class CheckJudge(Protocol):
    """How one check is asked for, and how its findings are judged."""

    def request(self, row: PolicyRow) -> p.Check:
        """Return the message that asks for it under a policy row."""

    def judge(self, finding: o.Finding, ask: Ask) -> Judgement:
        """Judge one perspective's finding alone; raises MalformedFindingError."""

    def compare(self, remote: o.Finding, primary: o.Finding, ask: Ask) -> Judgement:
        """Judge a remote's finding against the primary's; each stood alone."""


CHECKS: Mapping[str, CheckJudge] = {
    "caa_walk": CaaJudge(),
    "addresses": AddressJudge(),
}


def request_checks(row: PolicyRow) -> list[p.Check]:
    """Return what is asked under a policy row, as a question holds it."""
    return [check.request(row) for check in CHECKS.values()]
