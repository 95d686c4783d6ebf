"""For each code: whose task it is, whether asking again helps, and which clause demands it. Pure.

Whose failure a code is, and when to ask again, follows what the coordinator decides by
(`coordinator.rules`). Here it is said for people: a failure of the domain is the task of whoever
runs its DNS, or of the administrator of the server.
"""

from collections.abc import Mapping
from typing import NamedTuple

from mpic.explain.explanation import AgainCode, WhoseCode


class Task(NamedTuple):
    """What follows from a code."""

    whose: WhoseCode
    again: AgainCode
    clause: str = ""
    """"": that of the check."""


_QUORUM = "BR 3.2.2.9"
_DNSSEC = "BR 4.2.2.2, RFC 4035 section 5"
_NOTHING = Task("nobody", "no")
_OURS = Task("service", "now")
_DNS = Task("dns_operator", "after_change")
_DNS_LATER = Task("dns_operator", "later")
_WEB = Task("you", "after_change")
_WEB_LATER = Task("you", "later")

_REASONS: Mapping[str, Task] = {
    "UNSPECIFIED": Task("service", "later"),
    "CORROBORATED": Task("nobody", "no", _QUORUM),
    "QUORUM_NOT_MET": Task("dns_operator", "later", _QUORUM),
    "REGIONS_NOT_MET": Task("dns_operator", "later", _QUORUM),
    "TOO_FEW_REMOTES": Task("service", "later", _QUORUM),
    "PRIMARY_FORBIDS": _DNS,
    "PRIMARY_FAILED": _DNS_LATER,
    "NOT_IN_PUBLIC_DNS": Task("you", "after_change", "BR 4.2.2"),
    "PRIMARY_UNAVAILABLE": _OURS,
    "CUT_SHORT": _OURS,
    "PROOF_MISSING": _WEB,
}

_DISSENTS: Mapping[str, Task] = {
    "UNSPECIFIED": _NOTHING,
    "FORBIDS": _DNS,
    "FAILED": _DNS_LATER,
    "DIFFERS": Task("dns_operator", "later", _QUORUM),
    "DIFFERS.addresses": Task("dns_operator", "later", _QUORUM),
    "DIFFERS.domain_control": Task("dns_operator", "later", _QUORUM),
    "NOT_IN_PUBLIC_DNS": Task("you", "after_change", "BR 4.2.2"),
    "UNREACHABLE": _OURS,
    "LATE": _OURS,
    "MISIDENTIFIED": _OURS,
    "GARBAGE": _OURS,
    "NOT_LOOKED": _OURS,
    "NOT_AWAITED": _NOTHING,
    "NO_PRIMARY": _NOTHING,
    "OVERLOADED": _OURS,
    "NO_TIME": Task("ca", "now"),
    "CLOCK_DIFFERS": _OURS,
    "UNSUPPORTED": _OURS,
    "PROOF_MISSING": _WEB,
}

_FAILURES: Mapping[str, Task] = {
    "UNSPECIFIED": _DNS_LATER,
    "TIMEOUT": _DNS_LATER,
    "SERVFAIL": _DNS_LATER,
    "REFUSED": _OURS,
    "OTHER_RCODE": _DNS,
    "BOGUS": Task("dns_operator", "after_change", _DNSSEC),
    "MALFORMED": _DNS,
    "MISMATCH": _OURS,
    "ALIAS": Task("dns_operator", "after_change", "RFC 1034 section 3.6.2"),
    "TRUNCATED": _OURS,
    "RESOLVER_UNAVAILABLE": _OURS,
    "UNSUPPORTED_CHECK": _OURS,
    "INTERNAL": _OURS,
    "OVERLOADED": _OURS,
    "TOO_LARGE": _DNS,
    "NO_ADDRESS": _DNS,
    "NOT_PUBLIC": Task("dns_operator", "after_change", "RFC 6890"),
    "CONNECTION_REFUSED": _WEB_LATER,
    "UNREACHABLE": _WEB_LATER,
    "CONNECTION_LOST": _WEB_LATER,
    "TLS": _WEB,
    "REDIRECT_NOT_ALLOWED": _WEB,
    "TOO_MANY_REDIRECTS": _WEB,
    "REDIRECT_LOOP": _WEB,
    "NO_WAY_OUT": _OURS,
    # The same kinds, when it was a web server that failed and not a name server.
    "web.TIMEOUT": _WEB_LATER,
    "web.MALFORMED": _WEB,
    "web.TOO_LARGE": _WEB,
}

_CAUSES: Mapping[str, Task] = {
    "UNSPECIFIED": _DNS_LATER,
    "REFUSED": _DNS,
    "SERVER_FAILED": _DNS_LATER,
    "LAME": Task("dns_operator", "after_change", "RFC 1034 section 4.2.2"),
    "SILENT": _DNS_LATER,
    "EDNS_DROPPED": Task("dns_operator", "after_change", "RFC 6891 section 7"),
    "TCP_CLOSED": Task("dns_operator", "after_change", "RFC 7766 section 5"),
    "UNREADABLE": _DNS,
    "NO_ADDRESS": Task("dns_operator", "after_change", "RFC 9471 section 2"),
    "ADDRESS_NOT_USABLE": Task("dns_operator", "after_change", "RFC 6890"),
    "ALIAS_LOOP": Task("dns_operator", "after_change", "RFC 1034 section 3.6.2"),
}

_CAA: Mapping[str, Task] = {
    "unusable": Task("dns_operator", "after_change", "RFC 8659 section 4.1"),
    "issuer": Task("dns_operator", "after_change", "RFC 8659 section 4.2"),
    "wildcard": Task("dns_operator", "after_change", "RFC 8659 section 4.3"),
    "nobody": Task("dns_operator", "after_change", "RFC 8659 section 4.2"),
    "malformed": Task("dns_operator", "after_change", "RFC 8659 section 4.2"),
    "account": Task("dns_operator", "after_change", "RFC 8657 section 3"),
    "method": Task("dns_operator", "after_change", "RFC 8657 section 4"),
}

_RECORD = Task("dns_operator", "after_change", "BR 3.2.2.4")
_PERSISTENT = Task("dns_operator", "after_change", "BR 3.2.2.4.22")
_PAGE = Task("you", "after_change", "BR 3.2.2.4.18, BR 3.2.2.4.19")
_HANDSHAKE = Task("you", "after_change", "BR 3.2.2.4.20, RFC 8737 section 3")

_FAULTS: Mapping[str, Task] = {
    "NO_RECORD": _RECORD,
    "OTHER_VALUE": _RECORD,
    "TOO_MANY_RECORDS": _RECORD,
    "OTHER_ALIAS": _RECORD,
    "HTTP_STATUS": _PAGE,
    "HTTP_STATUS.not_found": _PAGE,
    "HTTP_STATUS.not_allowed": _PAGE,
    "HTTP_STATUS.redirect": _PAGE,
    "HTTP_STATUS.server_error": _PAGE,
    "HTTP_TOO_LONG": _PAGE,
    "HTTP_CONTENT": _PAGE,
    "HTTP_VALUE_IN_URL": _PAGE,
    "TLS_VERSION": _HANDSHAKE,
    "TLS_PROTOCOL": _HANDSHAKE,
    "CERTIFICATE_NAME": _HANDSHAKE,
    "CERTIFICATE_IDENTIFIER": _HANDSHAKE,
    "CERTIFICATE_OTHER_CHALLENGE": _HANDSHAKE,
    "CERTIFICATE_UNUSABLE": _HANDSHAKE,
    "PERSISTENT_MALFORMED": _PERSISTENT,
    "PERSISTENT_ISSUER": _PERSISTENT,
    "PERSISTENT_NO_ACCOUNT": _PERSISTENT,
    "PERSISTENT_ACCOUNT": _PERSISTENT,
    "PERSISTENT_POLICY": _PERSISTENT,
    "PERSISTENT_EXPIRED": _PERSISTENT,
}

TASKS: Mapping[str, Task] = {
    f"{group}.{code}": task
    for group, tasks in (
        ("reason", _REASONS),
        ("dissent", _DISSENTS),
        ("failure", _FAILURES),
        ("cause", _CAUSES),
        ("caa", _CAA),
        ("fault", _FAULTS),
    )
    for code, task in tasks.items()
}
"""By code. These are all codes that an explanation can have."""

CLAUSES: Mapping[str, str] = {
    "caa": "RFC 8659 section 3, BR 4.2.2.1",
    "addresses": _QUORUM,
    "domain_control": "BR 3.2.2.4",
}
"""By check: what demands that its lookups succeed."""

_OF_UNKNOWN = Task("service", "later")


def find_task(code: str) -> Task:
    """Return what follows from a code; what only a newer release tells is the service's."""
    # A code with three parts is a kind of the code with two.
    return TASKS.get(code) or TASKS.get(code.rpartition(".")[0], _OF_UNKNOWN)
