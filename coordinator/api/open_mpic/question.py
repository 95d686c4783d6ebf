"""A request of Open MPIC's API to a question of this service. Pure.

| check_type | purpose             | checks                        | `is_valid` is  |
|------------|---------------------|-------------------------------|----------------|
| caa        | PURPOSE_ISSUANCE    | those of the policy, and CAA  | `approved`     |
| dcv        | PURPOSE_VALIDATION  | domain control                | `corroborated` |

A caller issues when `caa` is valid. So `caa` must be as strict as an approval: whatever the policy
demands for one is asked too, such as that the remotes see the name at the primary's addresses. If
the policy demands domain control of every name, `caa` is refused: this API asks for the two apart.
"""

import re
import uuid
from dataclasses import dataclass
from datetime import datetime

from coordinator.api.open_mpic.issuers import choose_issuer
from coordinator.api.open_mpic.messages import (
    CaaParameters,
    DnsPersistentParameters,
    MpicCaaRequest,
    MpicDcvRequest,
    MpicRequest,
)
from coordinator.api.open_mpic.methods import to_domain_control
from coordinator.api.open_mpic.orchestration import Terms, UsedCounts, choose_counts
from coordinator.api.open_mpic.refusal import refuse
from coordinator.checks import CAA
from coordinator.checks.caa.issuer import Issuers
from mpic.v1 import corroboration_pb2 as c

_TRACE = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_PREFIX = "open-mpic"


@dataclass(frozen=True, slots=True)
class TranslationRules:
    """What requests are translated by."""

    issuers: Issuers
    default_issuer: str
    """The issuer of a request without issuer domains."""
    terms: Terms
    at: datetime
    """When the request is read."""
    linger: float = 0.0
    """Seconds to wait for perspectives that have not answered when the verdict is certain."""
    require_challenge_created_at: bool = False
    """Every challenge must say when it was created, as in the other faces."""
    honour_smaller_quorum: bool = False
    """For labs: every question is a dry run, and smaller numbers count."""


@dataclass(frozen=True, slots=True)
class Translated:
    """A request, and the question that was made of it."""

    asked: MpicRequest
    question: c.CorroborateRequest
    counts: UsedCounts
    honour_smaller_quorum: bool


def translate(asked: MpicRequest, rules: TranslationRules) -> Translated:
    """Return the question for a request; raises RefusedError."""
    honour = rules.honour_smaller_quorum
    counts = choose_counts(asked.orchestration_parameters, rules.terms, honour_smaller=honour)
    question = c.CorroborateRequest(
        request_id=_make_id(asked.trace_identifier),
        names=[c.RequestedName(name=asked.domain_or_ip_target)],
        dry_run=honour,
    )
    question.linger.FromMilliseconds(round(rules.linger * 1000))
    if counts.quorum > rules.terms.required:
        question.tightening.min_corroborating = counts.quorum
    if isinstance(asked, MpicCaaRequest):
        _fill_caa(question, asked.caa_check_parameters or CaaParameters(), rules)
    else:
        _fill_domain_control(question, asked, rules)
    return Translated(asked, question, counts, honour)


def _fill_caa(
    question: c.CorroborateRequest, parameters: CaaParameters, rules: TranslationRules
) -> None:
    if parameters.certificate_type != "tls-server":
        text = "s-mime is not judged here: issuemail (RFC 9495) is not read; give tls-server"
        raise refuse("caa_check_parameters.certificate_type", text)
    question.purpose = c.PURPOSE_ISSUANCE
    question.checks.append(CAA)
    question.issuer = choose_issuer(
        parameters.caa_domains or (),
        "caa_check_parameters.caa_domains",
        rules.issuers,
        rules.default_issuer,
    )
    question.account_uri = parameters.account_uri or ""
    question.names[0].validation_method = parameters.validation_method or ""


def _fill_domain_control(
    question: c.CorroborateRequest, asked: MpicDcvRequest, rules: TranslationRules
) -> None:
    parameters = asked.dcv_check_parameters
    question.purpose = c.PURPOSE_VALIDATION
    question.issuer = choose_issuer(
        parameters.issuer_domain_names if isinstance(parameters, DnsPersistentParameters) else (),
        "dcv_check_parameters.issuer_domain_names",
        rules.issuers,
        rules.default_issuer,
    )
    created_at = None if rules.require_challenge_created_at else rules.at
    question.names[0].domain_control.CopyFrom(to_domain_control(parameters, created_at))


def _make_id(trace: str | None) -> str:
    """Return a new request id, with the trace identifier in it if it fits.

    A trace identifier need not be unique. So it cannot say that a request was asked before.
    """
    told = f":{trace}" if trace and _TRACE.fullmatch(trace) else ""
    return f"{_PREFIX}:{uuid.uuid4().hex}{told}"
