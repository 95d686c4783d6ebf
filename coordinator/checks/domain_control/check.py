"""The check `domain_control`: control of the name, seen from one perspective. Pure.

BR 3.2.2.9: a remote corroborates if it observes the same Random Value, Request Token, token,
contact or persistent record as the primary. So each perspective must see the evidence itself. What
else is there may differ: other records, addresses, the way of redirects.

The caller says by which method control was proved, and what has to be seen. If the authorization
domain name is reached by CNAME records, each perspective must see these too. Otherwise a lying
server near the primary could move it.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from coordinator.checks.check import (
    CheckSubject,
    Findings,
    Judgement,
    JudgingRules,
    MalformedFindingError,
    ParameterError,
    Statuses,
)
from coordinator.checks.domain_control.authorization_domain import (
    Applied,
    Steps,
    find_steps,
    may_need_cname,
)
from coordinator.checks.domain_control.method import (
    Asked,
    Method,
    ValueRules,
    ask_records,
    could_not_learn,
    proof_missing,
    read_record_set,
)
from coordinator.checks.domain_control.methods import METHODS, find_labels, is_own_label
from coordinator.checks.domain_control.reuse import reusable_for
from mpic.name_form import MAX_NAME, InvalidNameError
from mpic.names import base_domain_name, find_suffix_list_date, is_public_suffix, parse_name
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p

_FIELD = "domain_control"
# BR 3.2.2.4.7, .18 to .21: a Random Value or token may be used for at most 30 days from its
# creation.
_CHALLENGE_AGE = timedelta(days=30)
_CLOCKS_DIFFER = timedelta(minutes=1)
"""How far the caller's clock may be ahead: a pipeline asks as soon as it has made a challenge."""


class DomainControlJudge:
    """The check `domain_control`."""

    def is_given(self, requested: c.RequestedName) -> bool:
        """Whether the caller says by which method control was proved."""
        return requested.HasField("domain_control")

    def request(self, subject: CheckSubject, rules: JudgingRules) -> c.RequestedCheck:
        """Return the check with what the caller says, completed, and with values as SHA-256."""
        if not subject.requested.HasField("domain_control"):
            text = "is missing; say by which method control of the name was proved, and what to see"
            raise ParameterError(_FIELD, text)
        check = c.RequestedCheck()
        requested = check.domain_control
        control = requested.control
        control.CopyFrom(subject.requested.domain_control)
        requested.wildcard = subject.name.wildcard
        requested.judged_at.FromDatetime(subject.at)
        method = _method_of(control)
        _check_label(subject.requested.validation_method, control)
        _check_age(control, method, subject.at)
        applied = Applied(subject.name.looked_up, subject.name.wildcard)
        _complete_domain(control, method, applied)
        try:
            method.read(control, ValueRules(subject.at, rules.attempt.row.shortest_value))
        except ParameterError as error:
            raise ParameterError(f"{_FIELD}.{error.field}", str(error)) from error
        _check_owners(method.questions(Asked(subject.name.looked_up, requested)))
        return check

    def apply_rules(self, asked: c.RequestedCheck, rules: JudgingRules) -> None:
        """Fill in the issuer's own names, where records have to name it."""
        requested = asked.domain_control
        if requested.control.HasField("persistent_dns_txt"):
            requested.issuer_domains[:] = sorted(rules.issuer.domains)

    def questions(self, asked: c.RequestedCheck, name: str) -> Sequence[p.Check]:
        """Return what the perspectives look at: the CNAME steps, if there are any, come first."""
        about, method = _read(asked, name)
        questions = method.questions(about)
        return [_ask_cname(about), *questions] if _needs_cname(about, method) else questions

    def judge(
        self, findings: Findings, name: str, asked: c.RequestedCheck, believed: Statuses
    ) -> Judgement:
        """Judge what one perspective found about the evidence, and about the steps to it."""
        about, method = _read(asked, name)
        steps = _find_steps(about, method)
        if steps is None:
            followed = _follow_cname(findings[0], about, method, believed)
            if isinstance(followed, Judgement):
                return followed._replace(clause=f"BR 3.2.2.4, {method.clause}")
            steps, findings = followed, findings[1:]
        judged = method.judge(findings, about, believed)
        judged_at = about.requested.judged_at.ToDatetime(UTC)
        pruned = any(one.kind == c.AUTHORIZATION_STEP_KIND_PRUNE for one in steps)
        return judged._replace(
            detail=_add_suffix_list(judged.detail) if pruned else judged.detail,
            clause=f"{method.clause}, {judged.clause}".rstrip(", "),
            usable_for=_usable_for(judged, judged_at),
            steps=steps,
        )

    def compare(
        self, remote: Findings, primary: Findings, name: str, asked: c.RequestedCheck
    ) -> Judgement | None:
        """Judge a remote's findings against the primary's, where the method selects one of many."""
        about, method = _read(asked, name)
        steps = len(primary) - len(method.questions(about))
        return method.compare(remote[steps:], primary[steps:], about)


def _read(asked: c.RequestedCheck, name: str) -> tuple[Asked, Method]:
    requested = asked.domain_control
    return Asked(name, requested), _method_of(requested.control)


def _method_of(control: c.DomainControl) -> Method:
    """Return the method; raises ParameterError if there is none."""
    method = METHODS.get(control.WhichOneof("method") or "")
    if method is None:
        text = f"has no method that this service knows; it knows {', '.join(METHODS)}"
        raise ParameterError(_FIELD, text)
    return method


def _check_label(given: str, control: c.DomainControl) -> None:
    """Check that CAA is judged for the method by which control was proved; raises ParameterError.

    An owner who lists methods in CAA records would otherwise not be protected from the others. What
    a CA's own label stands for, only the CA knows.
    """
    member = control.WhichOneof("method") or ""
    labels = find_labels(member)
    if given and given not in labels and not is_own_label(given):
        text = f"is {given}, but {_FIELD} has {member}, which is {' or '.join(labels)}"
        raise ParameterError("validation_method", f"{text} (RFC 8657 section 4)")


def _check_age(control: c.DomainControl, method: Method, now: datetime) -> None:
    """Check when the challenge was created; raises ParameterError."""
    field = f"{_FIELD}.challenge_created_at"
    if not control.HasField("challenge_created_at"):
        if not method.has_challenge:
            return
        text = f"is missing; a challenge may be used for 30 days from then ({method.clause})"
        raise ParameterError(field, text)
    try:
        created = control.challenge_created_at.ToDatetime(UTC)
    except (ValueError, OverflowError) as error:
        raise ParameterError(field, "is no moment of this era") from error
    if created - now > _CLOCKS_DIFFER:
        raise ParameterError(field, f"is in the future; it is {now:%Y-%m-%dT%H:%M:%SZ} now")
    if now - created > _CHALLENGE_AGE:
        text = f"is more than 30 days ago; the challenge may not be used ({method.clause})"
        raise ParameterError(field, text)


def _complete_domain(control: c.DomainControl, method: Method, applied: Applied) -> None:
    """Check the authorization domain name, and set it if the caller left it out."""
    if applied.wildcard and not method.allowed.wildcard:
        text = f"is a method that cannot validate a wildcard domain name ({method.clause})"
        raise ParameterError(f"{_FIELD}.{control.WhichOneof('method')}", text)
    field = f"{_FIELD}.authorization_domain_name"
    adn = control.authorization_domain_name or applied.name
    _check_domain(adn, field)
    if adn != applied.name and is_public_suffix(adn):
        raise ParameterError(field, "is a public suffix; nobody controls all names below it")
    unreachable = find_steps(applied, adn, method.allowed) is None
    if unreachable and not may_need_cname(applied, adn, method.allowed):
        raise ParameterError(field, _say_steps(applied, method))
    control.authorization_domain_name = adn


def _say_steps(applied: Applied, method: Method) -> str:
    """Say which authorization domain names a method allows for a name."""
    if not method.allowed.prune:
        return f"must be {applied.name} itself; no step leads to another ({method.clause})"
    return (
        f"cannot be reached from {applied.name}: only the removal of leftmost labels, down to"
        f" {base_domain_name(applied.name) or applied.name}, leads to another"
        f" (BR 3.2.2.4, {method.clause}; {_name_suffix_list()})"
    )


def _check_domain(adn: str, field: str) -> None:
    """Check that a name can be an authorization domain name; raises ParameterError."""
    try:
        read = parse_name(adn)
    except InvalidNameError as error:
        raise ParameterError(field, str(error)) from error
    if read.looked_up != adn:
        raise ParameterError(field, "must be lower-case A-labels, without a wildcard label")


def _check_owners(questions: Sequence[p.Check]) -> None:
    """Check that the names that are looked up fit into the DNS; raises ParameterError."""
    longest = max((one.records.owner for one in questions), key=len, default="")
    if len(longest) > MAX_NAME:
        text = (
            f"is too long for this method: it would look at a name of {len(longest)} octets;"
            f" at most {MAX_NAME} fit (RFC 1035 section 2.3.4)"
        )
        raise ParameterError(f"{_FIELD}.authorization_domain_name", text)


def _usable_for(judged: Judgement, at: datetime) -> timedelta:
    """Return how long a validation may be used: until its own end, or by the dated rows."""
    return reusable_for(at) if judged.usable_for is None else judged.usable_for


def _add_suffix_list(detail: str) -> str:
    """Add to the facts by which list it was decided that labels may be removed."""
    return f"{detail}; labels removed by the {_name_suffix_list()}".removeprefix("; ")


def _name_suffix_list() -> str:
    made = find_suffix_list_date()
    return f"Public Suffix List of {made.isoformat() if made else 'an unknown day'}"


def _needs_cname(about: Asked, method: Method) -> bool:
    return may_need_cname(_applied(about), about.domain, method.allowed)


def _find_steps(about: Asked, method: Method) -> Steps | None:
    return find_steps(_applied(about), about.domain, method.allowed)


def _applied(about: Asked) -> Applied:
    return Applied(about.name, about.requested.wildcard)


def _ask_cname(about: Asked) -> p.Check:
    """Return the question for the CNAME records from the name on.

    The resolver follows them all to find addresses, and tells each. So one lookup shows all steps.
    """
    return ask_records(about.name, o.RECORD_TYPE_A)


def _follow_cname(
    finding: o.Finding, about: Asked, method: Method, believed: Statuses
) -> Steps | Judgement:
    """Return the steps to the authorization domain name, or why they do not lead there."""
    lookup = read_record_set(finding, about.name, o.RECORD_TYPE_A, believed)
    if lookup.HasField("failure"):
        return could_not_learn(lookup.failure, f"the CNAME of {about.name} could not be looked up")
    targets = _read_targets(lookup)
    steps = find_steps(_applied(about), about.domain, method.allowed, targets)
    if steps is None:
        seen = f"CNAME records to {', then '.join(targets)}" if targets else "no CNAME record"
        detail = f"{about.name} has {seen}: that does not lead to {about.domain}"
        return proof_missing(c.PROOF_FAULT_OTHER_ALIAS, detail)
    return steps


def _read_targets(lookup: o.Lookup) -> Sequence[str]:
    """Return the targets of the CNAME records from a name on; raises MalformedFindingError."""
    name, targets = lookup.name, []
    for alias in lookup.aliases:
        if alias.owner != name:
            raise MalformedFindingError(f"a CNAME of {alias.owner!r} instead of {name!r}")
        name = alias.target
        targets.append(name)
    return targets
