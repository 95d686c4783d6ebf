"""The methods of BR 3.2.2.4 that can be asked for: one register.

To add a method: its messages and its member of `DomainControl.method` in the agreement, one file,
one line here under the member's name. Retired methods have no member, so nobody can ask for them.
"""

from collections.abc import Mapping, Sequence

from coordinator.checks.domain_control.acme_dns import AcmeDns01, AcmeDnsAccount01
from coordinator.checks.domain_control.acme_http import AcmeHttp01
from coordinator.checks.domain_control.acme_tls_alpn import AcmeTlsAlpn01
from coordinator.checks.domain_control.contact import (
    CONTACT_EMAIL_CAA,
    CONTACT_EMAIL_TXT,
    CONTACT_PHONE_CAA,
    CONTACT_PHONE_TXT,
)
from coordinator.checks.domain_control.dns_change import DnsChange
from coordinator.checks.domain_control.method import Method
from coordinator.checks.domain_control.persistent_dns_txt import PersistentDnsTxt
from coordinator.checks.domain_control.website_change import WebsiteChange

METHODS: Mapping[str, Method] = {
    "acme_dns_01": AcmeDns01(),
    "acme_dns_account_01": AcmeDnsAccount01(),
    "acme_http_01": AcmeHttp01(),
    "acme_tls_alpn_01": AcmeTlsAlpn01(),
    "contact_email_caa": CONTACT_EMAIL_CAA,
    "contact_email_txt": CONTACT_EMAIL_TXT,
    "contact_phone_caa": CONTACT_PHONE_CAA,
    "contact_phone_txt": CONTACT_PHONE_TXT,
    "dns_change": DnsChange(),
    "persistent_dns_txt": PersistentDnsTxt(),
    "website_change": WebsiteChange(),
}

_ACME_LABELS = {
    "acme_dns_01": "dns-01",
    "acme_dns_account_01": "dns-account-01",
    "acme_http_01": "http-01",
    "acme_tls_alpn_01": "tls-alpn-01",
    "persistent_dns_txt": "dns-persist-01",
}


def is_own_label(label: str) -> bool:
    """Whether a label is a CA's own: "ca-" and a word (RFC 8657 section 4), but not "ca-tbr-"."""
    return label.startswith("ca-") and not label.startswith("ca-tbr-")


def find_labels(member: str) -> Sequence[str]:
    """Return the labels that a method has in CAA records (RFC 8657 section 4, BR 4.2.2.1.2)."""
    section = METHODS[member].clause.rpartition(".")[2]
    acme = _ACME_LABELS.get(member)
    return [*([acme] if acme else []), f"ca-tbr-{section}"]
