"""What can be asked about a name, and who judges the findings: one shape, one register.

To add a check: its messages in the agreement, a module beside `addresses` and `caa`, and a line in
`CHECKS` under the name of its member of `RequestedCheck`. The register says what there is. What is
asked about a name is said by the request, stands in the record, and alone is judged.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from coordinator.checks.addresses import AddressJudge
from coordinator.checks.caa.check import CaaJudge
from coordinator.checks.check import CheckJudge, CheckSubject, JudgingRules
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import perspective_pb2 as p

CHECKS: Mapping[str, CheckJudge] = {
    "caa": CaaJudge(),
    "addresses": AddressJudge(),
}


class UnknownCheckError(ValueError):
    """A check was asked that this program does not know."""


class AskedCheck(NamedTuple):
    """One check that is asked about a name."""

    name: str
    """The name of a member of `RequestedCheck`."""
    asked: c.RequestedCheck
    judge: CheckJudge
    question: p.Check
    kind: str
    """By which agents know it: the name of a member of `Check`, and of `Finding`."""


def request_checks(subject: CheckSubject, rules: JudgingRules) -> Sequence[AskedCheck]:
    """Return the checks that a caller's name is asked for, with what each is judged by."""
    requested = (judge.request(subject) for judge in CHECKS.values())
    return read_checks((one for one in requested if one is not None), rules)


def read_checks(checks: Iterable[c.RequestedCheck], rules: JudgingRules) -> Sequence[AskedCheck]:
    """Return checks, of a request or of a record, under rules; raises UnknownCheckError.

    The messages are kept, with the rules filled in.
    """
    return [_read_check(one, rules) for one in checks]


def _read_check(asked: c.RequestedCheck, rules: JudgingRules) -> AskedCheck:
    name = asked.WhichOneof("kind")
    judge = CHECKS.get(name or "")
    if name is None or judge is None:
        raise UnknownCheckError("it was asked for a check that this program does not know")
    judge.apply_rules(asked, rules)
    question = judge.question(asked)
    return AskedCheck(name, asked, judge, question, question.WhichOneof("kind") or "")
