"""The parameters of Open MPIC's validation methods to this service's `DomainControl`. Pure.

Only the form is changed here. Whether the values may be used is judged where the other faces have
it judged. What cannot be said in `DomainControl` is refused: to leave it out would be to check less
than was asked for.
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from coordinator.api.open_mpic.messages import (
    ContactCaaParameters,
    DcvParameters,
    Dns01Parameters,
    DnsChangeParameters,
    DnsPersistentParameters,
    Http01Parameters,
    TlsAlpn01Parameters,
    WebsiteChangeParameters,
)
from coordinator.api.open_mpic.refusal import RefusedError, refuse
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o

_AT = "dcv_check_parameters"
_BASE64URL_OF_32 = re.compile(r"[A-Za-z0-9_-]{43}")
_HEX_OF_32 = re.compile(r"[0-9A-Fa-f]{64}")

_NOT_JUDGED: Mapping[str, str] = {
    "ip-address": "BR 3.2.2.4.8 is retired: no validation by it may be used",
    "reverse-address-lookup": "this service decides about names, not about IP addresses",
}
_WITH_CHALLENGE = frozenset(
    {"website-change", "dns-change", "acme-http-01", "acme-dns-01", "acme-tls-alpn-01"}
)


def to_domain_control(parameters: DcvParameters, at: datetime | None) -> c.DomainControl:
    """Return what has to be seen; raises RefusedError.

    A request that does not say when its challenge was created is taken as the caller's word that
    it may be used now, `at`. None: there is no such word, and our own rules refuse the request.
    """
    method = parameters.validation_method
    if method in _NOT_JUDGED:
        text = f"{method} is not judged here: {_NOT_JUDGED[method]}"
        raise refuse(f"{_AT}.validation_method", text, "unsupported-validation-method")
    control = _TO_CONTROL[method](parameters)
    created = parameters.challenge_created_at
    if created is None and method in _WITH_CHALLENGE:
        created = at
    if created is not None:
        control.challenge_created_at.FromDatetime(created)
    return control


def _website_change(parameters: WebsiteChangeParameters) -> c.DomainControl:
    _refuse_headers(parameters)
    if parameters.match_regex:
        raise refuse(f"{_AT}.match_regex", "cannot be searched for; leave it out")
    method = c.WebsiteChange(
        path=parameters.http_token_path,
        value=_need(parameters.challenge_value),
        https=parameters.url_scheme == "https",
    )
    return c.DomainControl(website_change=method)


def _dns_change(parameters: DnsChangeParameters) -> c.DomainControl:
    method = c.DnsChange(
        record_type=o.RecordType.Value(f"RECORD_TYPE_{parameters.dns_record_type}"),
        label=(parameters.dns_name_prefix or "").lower(),
        value=_need(parameters.challenge_value),
        # A part of a CNAME or CAA record never counts.
        contained=parameters.dns_record_type == "TXT" and not parameters.require_exact_match,
    )
    return c.DomainControl(dns_change=method)


def _dns_persistent(parameters: DnsPersistentParameters) -> c.DomainControl:
    method = c.PersistentDnsTxt(account_uris=[parameters.expected_account_uri])
    return c.DomainControl(persistent_dns_txt=method)


def _acme_http_01(parameters: Http01Parameters) -> c.DomainControl:
    _refuse_headers(parameters)
    if not parameters.key_authorization:
        raise refuse(f"{_AT}.key_authorization", "is empty")
    method = c.AcmeHttp01(token=parameters.token, key_authorization=parameters.key_authorization)
    return c.DomainControl(acme_http_01=method)


def _acme_dns_01(parameters: Dns01Parameters) -> c.DomainControl:
    text = parameters.key_authorization_hash
    digest = base64.urlsafe_b64decode(f"{text}=") if _BASE64URL_OF_32.fullmatch(text) else b""
    # The last character has two bits that say nothing. A record has them as zeros.
    if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != text or not digest:
        raise _refuse_hash("must be base64url of a SHA-256, 43 characters without padding")
    return c.DomainControl(acme_dns_01=c.AcmeDns01(key_authorization_sha256=digest))


def _acme_tls_alpn_01(parameters: TlsAlpn01Parameters) -> c.DomainControl:
    if not _HEX_OF_32.fullmatch(parameters.key_authorization_hash):
        raise _refuse_hash("must be a SHA-256 as 64 hexadecimal digits")
    digest = binascii.unhexlify(parameters.key_authorization_hash)
    return c.DomainControl(acme_tls_alpn_01=c.AcmeTlsAlpn01(key_authorization_sha256=digest))


def _contact(field: str) -> Callable[[Any], c.DomainControl]:
    def convert(parameters: Any) -> c.DomainControl:  # noqa: ANN401 - one of the contact methods
        if isinstance(parameters, ContactCaaParameters) and parameters.dns_name_prefix:
            raise refuse(f"{_AT}.dns_name_prefix", "must be empty: CAA is searched at the name")
        control = c.DomainControl()
        getattr(control, field).contact = _need(parameters.challenge_value)
        return control

    return convert


_TO_CONTROL: Mapping[str, Callable[[Any], c.DomainControl]] = {
    "website-change": _website_change,
    "dns-change": _dns_change,
    "dns-persistent": _dns_persistent,
    "acme-http-01": _acme_http_01,
    "acme-dns-01": _acme_dns_01,
    "acme-tls-alpn-01": _acme_tls_alpn_01,
    "contact-email-txt": _contact("contact_email_txt"),
    "contact-email-caa": _contact("contact_email_caa"),
    "contact-phone-txt": _contact("contact_phone_txt"),
    "contact-phone-caa": _contact("contact_phone_caa"),
}


def _need(value: str) -> str:
    """Return a challenge value that is not empty; raises RefusedError."""
    if value:
        return value
    issue = {"issue_type": "empty-challenge-value", "message": "Empty challenge value."}
    raise RefusedError([issue])


def _refuse_headers(parameters: WebsiteChangeParameters | Http01Parameters) -> None:
    if parameters.http_headers:
        raise refuse(f"{_AT}.http_headers", "cannot be sent; every agent sends its own alone")


def _refuse_hash(text: str) -> RefusedError:
    return refuse(f"{_AT}.key_authorization_hash", text)
