"""Whether asking again about a name helps, and when. Pure.

What determined nothing may be asked again at once. What the domain showed may pass by itself, such
as a server that does not answer, or networks that do not see the same yet. Or it stays until the
domain's owner changes something, such as a CAA record that forbids.
"""

import enum
from collections.abc import Iterable, Mapping

from coordinator.rules.responsibility import Responsible
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o


class Retry(enum.Enum):
    """When to ask again about a name that is not approved."""

    NOW = "now"
    LATER = "later"
    """What stands in the way may pass by itself."""
    AFTER_CHANGE = "after change"


NOW, LATER, AFTER_CHANGE = Retry.NOW, Retry.LATER, Retry.AFTER_CHANGE

AFTER_FAILURE: Mapping[o.FailureKind.ValueType, Retry] = {
    o.FAILURE_KIND_UNSPECIFIED: LATER,
    o.FAILURE_KIND_TIMEOUT: LATER,
    o.FAILURE_KIND_SERVFAIL: LATER,
    o.FAILURE_KIND_REFUSED: LATER,
    o.FAILURE_KIND_OTHER_RCODE: AFTER_CHANGE,
    o.FAILURE_KIND_BOGUS: AFTER_CHANGE,
    o.FAILURE_KIND_MALFORMED: AFTER_CHANGE,
    o.FAILURE_KIND_MISMATCH: LATER,
    o.FAILURE_KIND_ALIAS: AFTER_CHANGE,
    o.FAILURE_KIND_TRUNCATED: LATER,
    o.FAILURE_KIND_RESOLVER_UNAVAILABLE: LATER,
    o.FAILURE_KIND_UNSUPPORTED_CHECK: LATER,
    o.FAILURE_KIND_INTERNAL: LATER,
    o.FAILURE_KIND_OVERLOADED: LATER,
    o.FAILURE_KIND_TOO_LARGE: AFTER_CHANGE,
    o.FAILURE_KIND_NO_ADDRESS: AFTER_CHANGE,
    o.FAILURE_KIND_NOT_PUBLIC: AFTER_CHANGE,
    o.FAILURE_KIND_CONNECTION_REFUSED: LATER,
    o.FAILURE_KIND_UNREACHABLE: LATER,
    o.FAILURE_KIND_CONNECTION_LOST: LATER,
    o.FAILURE_KIND_TLS: AFTER_CHANGE,
    o.FAILURE_KIND_REDIRECT_NOT_ALLOWED: AFTER_CHANGE,
    o.FAILURE_KIND_TOO_MANY_REDIRECTS: AFTER_CHANGE,
    o.FAILURE_KIND_REDIRECT_LOOP: AFTER_CHANGE,
    o.FAILURE_KIND_NO_WAY_OUT: LATER,
}
"""By kind of failure at the primary: whether it may pass by itself."""

AFTER_CAUSE: Mapping[o.FailureCause.ValueType, Retry] = {
    o.FAILURE_CAUSE_UNSPECIFIED: LATER,
    o.FAILURE_CAUSE_REFUSED: AFTER_CHANGE,
    o.FAILURE_CAUSE_SERVER_FAILED: LATER,
    o.FAILURE_CAUSE_LAME: AFTER_CHANGE,
    o.FAILURE_CAUSE_SILENT: LATER,
    o.FAILURE_CAUSE_EDNS_DROPPED: AFTER_CHANGE,
    o.FAILURE_CAUSE_TCP_CLOSED: AFTER_CHANGE,
    o.FAILURE_CAUSE_UNREADABLE: AFTER_CHANGE,
    o.FAILURE_CAUSE_NO_ADDRESS: AFTER_CHANGE,
    o.FAILURE_CAUSE_ADDRESS_NOT_USABLE: AFTER_CHANGE,
    o.FAILURE_CAUSE_ALIAS_LOOP: AFTER_CHANGE,
}
"""By what the servers of the domain's zone did. A top-level domain's owner is somebody else."""

_STAY = (c.REASON_PRIMARY_FORBIDS, c.REASON_NOT_IN_PUBLIC_DNS, c.REASON_PROOF_MISSING)


def advise_retry(
    reason: c.Reason.ValueType,
    responsible: Responsible | None,
    failures: Iterable[o.Failure],
) -> Retry | None:
    """Return when to ask again about a name; None: it is approved.

    `failures` are those that the primary met. One of them that stays is enough. If
    networks differ (error 338), nobody can tell from one attempt whether that will pass.
    """
    if responsible is None:
        return None
    if responsible is not Responsible.DOMAIN:
        return LATER if reason == c.REASON_TOO_FEW_REMOTES else NOW
    if reason in _STAY:
        return AFTER_CHANGE
    if reason != c.REASON_PRIMARY_FAILED:
        return LATER
    return AFTER_CHANGE if any(map(_stays, failures)) else LATER


def _stays(failure: o.Failure) -> bool:
    """Whether a failure stays until the domain's owner changes something."""
    # Aliases that loop are the owner's own. Unbound names no zone then.
    is_owners = "." in failure.zone or failure.cause == o.FAILURE_CAUSE_ALIAS_LOOP
    of_cause = AFTER_CAUSE.get(failure.cause) if is_owners else None
    return AFTER_CHANGE in (AFTER_FAILURE.get(failure.kind), of_cause)
