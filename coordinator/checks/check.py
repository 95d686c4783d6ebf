"""What every check's module speaks of: what is asked, by which rules, and what follows. Pure."""

from datetime import timedelta
from typing import NamedTuple, Protocol

from coordinator.checks.caa.issuer import Issuer
from coordinator.rules.quorum import AttemptRules
from coordinator.rules.responsibility import Responsible, blame_failure
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p


class MalformedFindingError(ValueError):
    """A finding is not what the agreement says; the perspective that sent it is not believed."""


class NotValidatedError(ValueError):
    """A finding holds an answer that nobody validated, of a perspective that must validate."""


# One that a newer agent may know is not believed: what it means is unknown.
ABSENCES = frozenset({o.ABSENCE_NO_DATA, o.ABSENCE_NAME_ERROR, o.ABSENCE_NXNAME})

Statuses = frozenset["o.Dnssec.ValueType"]

# Records and absences are believed if validation ended in one of these (RFC 4035 section 4.3).
VALIDATED: Statuses = frozenset({o.DNSSEC_SECURE, o.DNSSEC_INSECURE})
# Of a remote that need not validate (BR 4.2.2.2.6). What is bogus is believed of nobody.
UNVALIDATED_TOO: Statuses = VALIDATED | {o.DNSSEC_INDETERMINATE}


class CheckSubject(NamedTuple):
    """What a caller says of one name of a certificate."""

    wildcard: bool
    """Whether the certificate's name is a wildcard."""
    account_uri: str = ""
    validation_method: str = ""


class JudgingRules(NamedTuple):
    """What is judged by, beside what the caller says."""

    issuer: Issuer
    attempt: AttemptRules


class Judgement(NamedTuple):
    """What follows from one finding."""

    outcome: c.Outcome.ValueType = c.OUTCOME_PASSED
    dissent: c.Dissent.ValueType = c.DISSENT_UNSPECIFIED
    """Unspecified: it passed."""
    detail: str = ""
    """The facts in one sentence; may hold text from the network."""
    found_at: str = ""
    clause: str = ""
    record: str = ""
    usable_for: timedelta | None = None
    """How long it may be used to issue, from before the lookup; None: it has no end of its own."""


class CheckJudge(Protocol):
    """One check: how it is asked, and how its findings are judged."""

    def request(self, subject: CheckSubject) -> c.RequestedCheck | None:
        """Return the check with what the caller says; None: it is not asked about this name."""

    def apply_rules(self, asked: c.RequestedCheck, rules: JudgingRules) -> None:
        """Fill in what the rules say, in place of what is there."""

    def question(self, asked: c.RequestedCheck) -> p.Check:
        """Return what the perspectives are asked; it is not changed."""

    def judge(
        self, finding: o.Finding, name: str, asked: c.RequestedCheck, believed: Statuses
    ) -> Judgement:
        """Judge one perspective's finding about `name` (as looked up) alone.

        Raises MalformedFindingError, or NotValidatedError for an answer that is not `believed`.
        """

    def compare(
        self, remote: o.Finding, primary: o.Finding, asked: c.RequestedCheck
    ) -> Judgement | None:
        """Judge a remote's finding against the primary's, which both passed; None: they agree."""


def check_validated(lookup: o.Lookup, believed: Statuses) -> None:
    """Check that an answer may be believed; raises NotValidatedError or MalformedFindingError."""
    if lookup.dnssec in believed:
        return
    if lookup.dnssec == o.DNSSEC_INDETERMINATE:
        raise NotValidatedError(f"the answer about {lookup.name!r} was not validated")
    raise MalformedFindingError(f"an answer about {lookup.name!r} that did not validate")


def choose_dissent(
    failure: o.Failure, otherwise: c.Dissent.ValueType = c.DISSENT_FAILED
) -> "c.Dissent.ValueType":
    """Return the dissent of a failure: what is ours is held against no domain."""
    if failure.kind == o.FAILURE_KIND_OVERLOADED:
        return c.DISSENT_OVERLOADED
    if failure.kind == o.FAILURE_KIND_UNSUPPORTED_CHECK:
        return c.DISSENT_UNSUPPORTED
    is_ours = blame_failure(failure.kind) is Responsible.OURS
    return c.DISSENT_NOT_LOOKED if is_ours else otherwise


def describe_failure(failure: o.Failure) -> str:
    """Say a failure in one phrase; may hold text from the network."""
    extended = failure.extended_error
    if not failure.HasField("extended_error"):
        return failure.detail
    return f"{failure.detail} (Extended DNS Error {extended.code}: {extended.text})"


def name_failure(failure: o.Failure) -> str:
    """Return the name of a failure's kind, such as "SERVFAIL"; a newer agent may know more."""
    if failure.kind not in o.FailureKind.values():
        return f"kind {failure.kind}"
    return o.FailureKind.Name(failure.kind).removeprefix("FAILURE_KIND_")
