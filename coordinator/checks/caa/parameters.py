"""The CAA parameters accounturi and validationmethods (RFC 8657, BR 4.2.2.1.2). Pure.

What the standards leave open is refused:

- The labels of validationmethods compare exactly. Their canonical form is lower case. Another
  comparison is permitted only to a CA whose CP/CPS says so (BR 4.2.2.1.2).
- An account URI compares character by character. Two spellings are never taken as equal.
- A repeated validationmethods, or one that does not match its ABNF, is not satisfied. RFC 8657 says
  the same of accounturi.
"""

import re
from collections.abc import Sequence

from coordinator.checks.caa.value import IssueValue

_LABEL = re.compile(r"[A-Za-z0-9-]+")

# A second label under which a method may be listed. "ca-tbr-<n>" is the method of BR 3.2.2.4.<n>.
# Where both labels represent the mechanism, either authorizes (BR 4.2.2.1.2). A "ca-tbr-<n>" stands
# for an ACME label only where 3.2.2.4.<n> is exactly that challenge by its RFC (8555, 8737). Not
# every DNS change (3.2.2.4.7) is a dns-01.
_OTHER_LABEL = {
    "dns-01": "ca-tbr-7",
    "http-01": "ca-tbr-19",
    "ca-tbr-19": "http-01",
    "tls-alpn-01": "ca-tbr-20",
    "ca-tbr-20": "tls-alpn-01",
    "dns-account-01": "ca-tbr-21",
    "dns-persist-01": "ca-tbr-22",
}


def satisfies_accounturi(value: IssueValue, account: str) -> bool:
    """Judge by RFC 8657 section 3; an empty account means that there is none.

    Without the parameter any account is accepted. With it, only the account that asks is accepted.
    An invalid or unrecognized parameter is unsatisfiable, and so is a repeated one.
    """
    wanted = _values_of("accounturi", value)
    return not wanted or (account != "" and wanted == [account])


def satisfies_validationmethods(value: IssueValue, method: str) -> bool:
    """Judge by RFC 8657 section 4: without the parameter any method, else only a listed one."""
    wanted = _values_of("validationmethods", value)
    if not wanted:
        return True
    labels = _read_labels(wanted[0]) if len(wanted) == 1 else ()
    return method in labels or _OTHER_LABEL.get(method) in labels


def _values_of(tag: str, value: IssueValue) -> Sequence[str]:
    return [text for written, text in value.parameters if written == tag]


def _read_labels(value: str) -> Sequence[str]:
    """Return the labels of a validationmethods value; none when it does not match the ABNF.

    RFC 8657 section 4:

        value = [*(label ",") label]
        label = 1*(ALPHA / DIGIT / "-")
    """
    labels = value.split(",")
    return labels if all(map(_LABEL.fullmatch, labels)) else ()
