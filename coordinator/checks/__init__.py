"""The checks that can be asked about a name, and who judges their findings: one register.

To add a check, add its messages to the agreement, a module beside `addresses` and `caa`, and a line
to `CHECKS`. The key of the line is the name of the check's member of `RequestedCheck`. Then run
`proto/generate.sh`. What a caller says for a check is a field of `RequestedName`. `mpic.bounds`
says how large the findings of all checks of a name may be together.

The register says which checks exist. The purpose of a request, the policy and the request itself
say which of them are asked about a name. Those checks stand in the record, and only they are
judged.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from coordinator.checks.addresses import AddressJudge
from coordinator.checks.caa.check import CaaJudge
from coordinator.checks.check import CheckJudge, CheckSubject, JudgingRules, ParameterError
from coordinator.checks.domain_control.check import DomainControlJudge
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import perspective_pb2 as p

CAA, ADDRESSES, DOMAIN_CONTROL = "caa", "addresses", "domain_control"

CHECKS: Mapping[str, CheckJudge] = {
    CAA: CaaJudge(),
    ADDRESSES: AddressJudge(),
    DOMAIN_CONTROL: DomainControlJudge(),
}


class UnknownCheckError(ValueError):
    """A request or a record names a check that this program does not know."""


class AskedCheck(NamedTuple):
    """One check that is asked about a name."""

    name: str
    """The name of a member of `RequestedCheck`."""
    asked: c.RequestedCheck
    judge: CheckJudge
    questions: Sequence[p.Check]
    kinds: Sequence[str]
    """The names that agents know its questions by: members of `Check`, and of `Finding`."""


def select_checks(subject: CheckSubject, rules: JudgingRules) -> Sequence[str]:
    """Return the names of the checks to ask about a name, in the order of the register."""
    request, requested = subject.request, subject.requested
    is_validation = request.purpose == c.PURPOSE_VALIDATION
    demanded = (DOMAIN_CONTROL,) if is_validation else rules.attempt.row.checks
    given = tuple(name for name, judge in CHECKS.items() if judge.is_given(requested))
    return _sort((*demanded, *given, *request.checks))


@lru_cache(64)  # most requests demand the same
def _sort(demanded: tuple[str, ...]) -> Sequence[str]:
    return tuple(name for name in CHECKS if name in demanded)


def request_checks(subject: CheckSubject, rules: JudgingRules) -> Sequence[AskedCheck]:
    """Return the checks to ask about a caller's name, with the judge and rules of each.

    Raises ParameterError.
    """
    names = select_checks(subject, rules)
    checks = (CHECKS[name].request(subject, rules) for name in names)
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
    try:
        questions = judge.questions(asked, looked_up)
    except ParameterError as error:  # of a record that a newer release has written
        raise UnknownCheckError(str(error)) from error
    kinds = [question.WhichOneof("kind") or "" for question in questions]
    return AskedCheck(name, asked, judge, questions, kinds)
