"""Who calls over HTTP: by the names in a client certificate, by a bearer token, or by both. Pure.

The list of callers is that of gRPC, and so are the names that a certificate is searched for. Rules:

- A certificate that is shown must name a caller of the list.
- A token that is sent must be known, and its caller must be on the list.
- If both are there, the certificate must name the token's caller.
- Without either, and without what the configuration requires, nobody is let in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, NamedTuple

from cryptography import x509

from coordinator.api.http.tokens import find_caller, is_token
from mpic.runtime.certificate_check import names_by_kind
from mpic.runtime.grpc.identity import choose_identities

ClientCertificates = Literal["required", "accepted", "none"]
Failure = Literal[
    "nothing_shown",
    "certificate_missing",
    "token_malformed",
    "token_unknown",
    "caller_not_allowed",
    "token_contradicts_certificate",
    "link_not_valid",
]
"""Why a caller is not let in: what the metric tells apart."""

_SCHEME = "bearer"
_SHOWN = 8
"""How many names of a certificate a person is told."""


class Credentials(NamedTuple):
    """What a caller shows."""

    certificate: bytes | None
    """The client certificate, in DER; the TLS handshake has verified it. None: there is none."""
    authorization: Sequence[str]
    """The values of all Authorization headers."""


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call, as the configuration in force says."""

    allowed: frozenset[str]
    """Identities."""
    client_certificates: ClientCertificates
    tokens: Mapping[bytes, str] = field(default_factory=dict)
    """The caller of each token, by the token's SHA-256."""


class Admitted(NamedTuple):
    """A caller that is let in."""

    identities: Sequence[str]
    """The identities of the list under which it is; the first is the one that it is known by."""


class Refused(NamedTuple):
    """A caller that is not let in."""

    failure: Failure
    detail: str
    """For the caller."""


def authenticate(shown: Credentials, access: Access) -> Admitted | Refused:
    """Say who calls, or why the caller is not let in."""
    certificate = None if access.client_certificates == "none" else shown.certificate
    if certificate is None and access.client_certificates == "required":
        return Refused("certificate_missing", "this service requires a client certificate")
    named: Sequence[str] = ()
    if certificate is not None:
        names = read_certificate_names(certificate)
        named = [one for one in names if one in access.allowed]
        if not named:
            return _refuse_names(names)
    if not shown.authorization:
        if named:
            return Admitted(named)
        return Refused("nothing_shown", "send a client certificate, or Authorization: Bearer TOKEN")
    return _check_token(shown.authorization, access, named if certificate is not None else None)


def read_token(authorization: Sequence[str]) -> str | None:
    """Return the token of a request's only Authorization header; None: it holds none."""
    if len(authorization) != 1:
        return None
    scheme, _, token = authorization[0].partition(" ")
    token = token.strip(" ")
    return token if scheme.lower() == _SCHEME and is_token(token) else None


@lru_cache(1024)
def read_certificate_names(der: bytes) -> tuple[str, ...]:
    """Return the URIs and DNS names of a certificate, as gRPC reads them; none if it is garbage."""
    try:
        uris, names = names_by_kind(x509.load_der_x509_certificate(der))
    except ValueError:
        return ()
    return tuple(choose_identities(uris, names))


def _check_token(
    authorization: Sequence[str], access: Access, named: Sequence[str] | None
) -> Admitted | Refused:
    """Judge a token; `named` are the identities of the certificate, None if there is none."""
    token = read_token(authorization)
    if token is None:
        return Refused("token_malformed", "send one header: Authorization: Bearer TOKEN")
    caller = find_caller(token, access.tokens)
    if caller is None:
        return Refused("token_unknown", "the token is not known here, or not any more")
    if caller not in access.allowed:
        return Refused("caller_not_allowed", "the token's caller is not on the list of callers")
    if named is not None and caller not in named:
        text = "the token is not that of a caller whom the client certificate names"
        return Refused("token_contradicts_certificate", text)
    return Admitted([caller])


def _refuse_names(names: Sequence[str]) -> Refused:
    shown = ", ".join(names[:_SHOWN]) or "no URI and no DNS name"
    text = f"the client certificate names {shown}: add one of its names to [callers] allowed"
    return Refused("caller_not_allowed", text)
