"""What it takes to judge a check: the values every check's module speaks of. Pure."""

from dataclasses import dataclass, field

from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o


class MalformedFindingError(ValueError):
    """A finding is not what the agreement says; the perspective that sent it is not believed."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What follows from one finding: a dissent with its detail, or none."""

    dissent: c.Dissent.ValueType
    detail: str
    caa: c.CaaDetermination | None = None
    """For the CAA check: which record and clause decided."""
    ttl: int | None = None
    """For the CAA check: seconds its records may be kept; None: there are none."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked of one name, as far as judging needs it."""

    name: str
    """As looked up."""
    wildcard: bool
    issuer_domains: frozenset[str]
    account_uri: str = ""
    validation_method: str = ""
    address_agreement: c.AddressAgreement.ValueType = field(default=c.ADDRESS_AGREEMENT_EXACT)
    permit_caa_failure_in_insecure_zone: bool = False


def describe_failure(failure: o.Failure) -> str:
    """Say a failure in one phrase; may hold text from the network."""
    extended = failure.extended_error
    if not failure.HasField("extended_error"):
        return failure.detail
    return f"{failure.detail} (Extended DNS Error {extended.code}: {extended.text})"
