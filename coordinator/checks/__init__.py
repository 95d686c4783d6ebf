"""The checks that can be asked about a name, and who judges their findings: one register.

To add a check, add its messages to the agreement, a module beside `addresses` and `caa`, and a line
to `CHECKS`. The key of the line is the name of the check's member of `RequestedCheck`. Then run
`proto/generate.sh`. What a caller says for a check is a field of `RequestedName`. `mpic.bounds`
says how large the findings of all checks of a name may be together.

The register says which checks exist. The request says which of them are asked about a name. Those
checks stand in the record, and only they are judged.
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
    """A request or a record names a check that this program does not know."""


class AskedCheck(NamedTuple):
    """One check that is asked about a name."""

    name: str
    """The name of a member of `RequestedCheck`."""
    asked: c.RequestedCheck
    judge: CheckJudge
    question: p.Check
    kind: str
    """The name that agents know it by: a member of `Check`, and of `Finding`."""


def request_checks(subject: CheckSubject, rules: JudgingRules) -> Sequence[AskedCheck]:
    """Return the checks to ask about a caller's name, with the judge and rules of each.

    Raises ParameterError.
    """
    requested = (judge.request(subject) for judge in CHECKS.values())
    checks = (one for one in requested if one is not None)
    return prepare_checks(checks, subject.name.looked_up, rules)


def prepare_checks(
    checks: Iterable[c.RequestedCheck], name: str, rules: JudgingRules
) -> Sequence[AskedCheck]:
    """Return the checks of a name (as looked up), of a request or of a record.

    The rules are filled into the messages. Raises UnknownCheckError.
    """
    return [_prepare_check(one, name, rules) for one in checks]


def _prepare_check(asked: c.RequestedCheck, looked_up: str, rules: JudgingRules) -> AskedCheck:
    name = asked.WhichOneof("kind")
    judge = CHECKS.get(name or "")
    if name is None or judge is None:
        raise UnknownCheckError("it was asked for a check that this program does not know")
    judge.apply_rules(asked, rules)
    question = judge.question(asked, looked_up)
    return AskedCheck(name, asked, judge, question, question.WhichOneof("kind") or "")
