"""How control of a name was to be proved, as an answer tells it. Pure."""

from dataclasses import dataclass

from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o

_TYPES = {o.RECORD_TYPE_CNAME: "CNAME", o.RECORD_TYPE_CAA: "CAA"}


@dataclass(frozen=True, slots=True)
class ProofFacts:
    """What was asked; nothing of it is escaped. No expected value is here."""

    asked: str = ""
    """The name that is to be proved, as looked up."""
    domain: str = ""
    """Its authorization domain name."""
    method: str = ""
    """A member of DomainControl."""
    record_type: str = "TXT"
    """Of the records that are looked for, if the method looks for records."""
    path: str = ""
    """Of the file: the token of ACME, or the path below the well-known directory."""
    is_https: bool = False
    is_wildcard: bool = False
    issuers: tuple[str, ...] = ()
    """The issuer domain names of the CA, for a persistent record."""


def read_proof_facts(verdict: c.NameVerdict) -> ProofFacts:
    """Return how control of a name was to be proved; empty facts if that was not asked."""
    checks = (one.domain_control for one in verdict.checks if one.HasField("domain_control"))
    requested = next(checks, c.RequestedDomainControl())
    control = requested.control
    return ProofFacts(
        asked=verdict.looked_up,
        domain=control.authorization_domain_name or verdict.looked_up,
        method=control.WhichOneof("method") or "",
        record_type=_name_type(control),
        path=control.acme_http_01.token or control.website_change.path,
        is_https=control.website_change.https,
        is_wildcard=requested.wildcard,
        issuers=tuple(requested.issuer_domains),
    )


def _name_type(control: c.DomainControl) -> str:
    if control.HasField("dns_change"):
        return _TYPES.get(control.dns_change.record_type, "TXT")
    return "CAA" if (control.WhichOneof("method") or "").endswith("_caa") else "TXT"
