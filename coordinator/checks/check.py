"""What it takes to judge a check: the values every check's module speaks of. Pure."""

from typing import NamedTuple

from coordinator.rules.responsibility import Responsible, blame_failure
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o


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


def check_validated(lookup: o.Lookup, believed: Statuses) -> None:
    """Check that an answer may be believed; raises NotValidatedError or MalformedFindingError."""
    if lookup.dnssec in believed:
        return
    if lookup.dnssec == o.DNSSEC_INDETERMINATE:
        raise NotValidatedError(f"the answer about {lookup.name!r} was not validated")
    raise MalformedFindingError(f"an answer about {lookup.name!r} that did not validate")


class Judgement(NamedTuple):
    """What follows from one finding: a dissent with its detail, or none."""

    dissent: c.Dissent.ValueType
    detail: str
    caa: c.CaaDetermination | None = None
    """For the CAA check: which record and clause decided."""
    ttl: int | None = None
    """For the CAA check: seconds its records may be kept; None: there are none."""


class Ask(NamedTuple):
    """What is asked of one name, as far as judging needs it."""

    name: str
    """As looked up."""
    wildcard: bool
    issuer_domains: frozenset[str]
    understood_tags: frozenset[str] = frozenset()
    account_uri: str = ""
    validation_method: str = ""
    address_agreement: c.AddressAgreement.ValueType = c.ADDRESS_AGREEMENT_EXACT
    permit_caa_failure_in_insecure_zone: bool = False
    believed: Statuses = VALIDATED


def choose_dissent(failure: o.Failure, otherwise: c.Dissent.ValueType) -> "c.Dissent.ValueType":
    """Return the dissent of a failure: what is ours is held against no domain."""
    if failure.kind == o.FAILURE_KIND_OVERLOADED:
        return c.DISSENT_OVERLOADED
    return c.DISSENT_NOT_LOOKED if blame_failure(failure.kind) is Responsible.OURS else otherwise


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
