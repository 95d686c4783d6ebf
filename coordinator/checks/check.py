"""The shape of every check: what is asked, the rules it is judged by, and the judgement. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from coordinator.checks.caa.issuer import Issuer
from coordinator.rules.quorum import AttemptRules
from coordinator.rules.responsibility import Responsible, blame_failure
from mpic.names import Name
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p


class MalformedFindingError(ValueError):
    """A finding breaks the agreement; the perspective that sent it is not believed."""


class NotValidatedError(ValueError):
    """A perspective that must validate sent an answer that nobody validated."""


# An absence that only a newer agent knows is not believed: its meaning is unknown.
ABSENCES = frozenset({o.ABSENCE_NO_DATA, o.ABSENCE_NAME_ERROR, o.ABSENCE_NXNAME})

Statuses = frozenset["o.Dnssec.ValueType"]

# Records and absences are believed if validation ended in one of these (RFC 4035 section 4.3).
VALIDATED: Statuses = frozenset({o.DNSSEC_SECURE, o.DNSSEC_INSECURE})
# For a remote that need not validate (BR 4.2.2.2.6). A bogus answer is never believed.
UNVALIDATED_TOO: Statuses = VALIDATED | {o.DNSSEC_INDETERMINATE}


class CheckSubject(NamedTuple):
    """What a caller says of one name of a certificate."""

    name: Name
    requested: c.RequestedName
    """What it says for this name."""
    request: c.CorroborateRequest
    """What it says for all names."""
    at: datetime
    """When it is asked; dates in the rules are judged by it."""


class ParameterError(ValueError):
    """A parameter that the caller gave for a name cannot be used."""

    def __init__(self, field: str, text: str) -> None:
        """Name the field of RequestedName, and say what would be right."""
        super().__init__(text)
        self.field = field


class JudgingRules(NamedTuple):
    """The rules a check is judged by, beside what the caller says."""

    issuer: Issuer
    attempt: AttemptRules


class Judgement(NamedTuple):
    """What follows from one finding."""

    outcome: c.Outcome.ValueType = c.OUTCOME_PASSED
    dissent: c.Dissent.ValueType = c.DISSENT_UNSPECIFIED
    """Unspecified: it passed."""
    detail: str = ""
    """The facts in one sentence; it may hold text from the network."""
    found_at: str = ""
    clause: str = ""
    record: str = ""
    usable_for: timedelta | None = None
    """How long the finding may be used to issue, counted from before the lookup; None: no limit."""
    steps: Sequence[c.AuthorizationStep] = ()
    """How an authorization domain name was reached from the name."""
    fault: c.ProofFault.ValueType = c.PROOF_FAULT_UNSPECIFIED
    """What is wrong with what was seen where a proof should be."""


Findings = Sequence[o.Finding]
"""What one perspective found for one check: a finding for each of its questions, in their order."""


class CheckJudge(Protocol):
    """One check: how it is asked, and how its findings are judged."""

    def is_given(self, requested: c.RequestedName) -> bool:
        """Whether the caller says of a name what only this check needs; it is then asked."""

    def request(self, subject: CheckSubject, rules: JudgingRules) -> c.RequestedCheck:
        """Return the check with what the caller says.

        Raises ParameterError for what the caller says wrongly, or does not say.
        """

    def apply_rules(self, asked: c.RequestedCheck, rules: JudgingRules) -> None:
        """Fill in what the rules say, and replace what is there."""

    def questions(self, asked: c.RequestedCheck, name: str) -> Sequence[p.Check]:
        """Return what perspectives are asked about `name` (as looked up), at least one thing.

        Callers must not change the messages.
        """

    def judge(
        self, findings: Findings, name: str, asked: c.RequestedCheck, believed: Statuses
    ) -> Judgement:
        """Judge what one perspective found about `name` (as looked up) alone.

        Raises MalformedFindingError, or NotValidatedError for an answer that is not `believed`.
        """

    def compare(
        self, remote: Findings, primary: Findings, name: str, asked: c.RequestedCheck
    ) -> Judgement | None:
        """Judge a remote's findings against the primary's, after both passed; None: they agree."""


def read_lookup(lookup: o.Lookup, owner: str, believed: Statuses) -> o.Lookup:
    """Return a lookup of `owner` that says soundly how it ended.

    Raises MalformedFindingError, or NotValidatedError for an answer that is not `believed`.
    """
    if lookup.name != owner:
        raise MalformedFindingError(f"a lookup of {lookup.name!r} instead of {owner!r}")
    kind = lookup.WhichOneof("result")
    if kind is None or (kind == "absence" and lookup.absence not in ABSENCES):
        raise MalformedFindingError(f"a lookup of {owner!r} without a result")
    if kind == "records" and not lookup.records.rdata:
        raise MalformedFindingError(f"a lookup of {owner!r} with an empty set")
    if kind != "failure":
        check_validated(lookup, believed)
    return lookup


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
    """Return the dissent of a failure; only a failure of the domain is blamed on it.

    A kind that only a newer agent knows may be ours.
    """
    if failure.kind == o.FAILURE_KIND_OVERLOADED:
        return c.DISSENT_OVERLOADED
    if failure.kind == o.FAILURE_KIND_UNSUPPORTED_CHECK:
        return c.DISSENT_UNSUPPORTED
    is_the_domains = blame_failure(failure.kind) is Responsible.DOMAIN
    return otherwise if is_the_domains else c.DISSENT_NOT_LOOKED


def describe_failure(failure: o.Failure) -> str:
    """Describe a failure in one phrase; it may hold text from the network."""
    extended = failure.extended_error
    if not failure.HasField("extended_error"):
        return failure.detail
    return f"{failure.detail} (Extended DNS Error {extended.code}: {extended.text})"


def name_failure(failure: o.Failure) -> str:
    """Return the name of a failure's kind, such as "SERVFAIL", or its number if it is unknown."""
    if failure.kind not in o.FailureKind.values():
        return f"kind {failure.kind}"
    return o.FailureKind.Name(failure.kind).removeprefix("FAILURE_KIND_")
