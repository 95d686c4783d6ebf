"""The CAA parameters accounturi and validationmethods (RFC 8657, BR 4.2.2.1.2). Pure.

What the standards leave open is refused:

- The labels of validationmethods compare exactly. Their canonical form is lower case; to compare
  them otherwise is permitted only to a CA whose CP/CPS says so (BR 4.2.2.1.2).
- An account URI compares character by character; no two spellings are taken for the same.
- validationmethods more than once, or not matching its ABNF, is not satisfied, as is written of
  accounturi.
"""

import re
from collections.abc import Sequence

from coordinator.checks.caa.value import IssueValue

_LABEL = re.compile(r"[A-Za-z0-9-]+")

# The label beside its own under which a method may be listed. "ca-tbr-<n>" is the method of
# BR 3.2.2.4.<n>; where either label represents the mechanism, either authorizes (BR 4.2.2.1.2).
# From "ca-tbr-<n>" back only where 3.2.2.4.<n> is that ACME challenge by its RFC (8555, 8737) and
# nothing else: not every DNS change (3.2.2.4.7) is a dns-01.
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
    """Judge by RFC 8657 section 3; an empty account is none.

    Without the parameter any account will do. With one it must be the account that asks. One that
    is invalid or unrecognized is unsatisfiable, and so is more than one.
    """
    wanted = _values_of("accounturi", value)
    return not wanted or (account != "" and wanted == [account])


def satisfies_validationmethods(value: IssueValue, method: str) -> bool:
    """Judge by RFC 8657 section 4: without the parameter any, else only a method it lists."""
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
