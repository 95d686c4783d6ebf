"""Who owns a certificate, by the names that `mpic pki init` gives. Pure.

An identity is `spiffe://<trust domain>/<kind>/<id>`, with the DNS name `<id>.<kind>.<trust domain>`
beside it. Another authority may use other names; this module says nothing of those.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["coordinator", "perspective", "caller"]

_KINDS = "(?P<kind>coordinator|perspective|caller)"
_ID = "(?P<id>[a-z0-9]([a-z0-9-]*[a-z0-9])?)"
_URI = re.compile(rf"spiffe://[^/]+/{_KINDS}/{_ID}")
_DNS_NAME = re.compile(rf"{_ID}\.{_KINDS}\..+")


@dataclass(frozen=True, slots=True)
class CertificateOwner:
    """The program a certificate is to be for."""

    kind: Kind
    id: str = ""
    """Empty: anybody of that kind."""

    def __str__(self) -> str:
        """Name it as a person does."""
        return f"{self.kind} {self.id}".rstrip()


@dataclass(frozen=True, slots=True)
class Stranger:
    """Names that say that a certificate is for somebody else."""

    names: Sequence[str]
    certain: bool
    """Whether its SPIFFE ids say so; DNS names alone may be of another scheme that looks alike."""


def find_stranger(names: Sequence[str], owner: CertificateOwner) -> Stranger | None:
    """Return whom the DNS names and URIs of a certificate name instead of `owner`."""
    for form, certain in ((_URI, True), (_DNS_NAME, False)):
        told = {name: found for name in names if (found := form.fullmatch(name))}
        if any(_is(found, owner) for found in told.values()):
            return None
        if told:
            return Stranger(list(told), certain)
    return None


def _is(found: "re.Match[str]", owner: CertificateOwner) -> bool:
    return found["kind"] == owner.kind and owner.id in ("", found["id"])
