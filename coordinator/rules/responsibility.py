"""Whose failure it is: the domain's, the caller's or ours. Pure; only this module decides it.

What was seen of a name is the domain's, whoever caused it: its records, its servers, or a hijacked
route to them. What kept a perspective from looking, or us from deciding or recording, is ours. What
the caller asked for, or how little time it left, is the caller's.

A failure that is only ours says nothing about the domain. So it is never a verdict that is
remembered. It is never a refusal that is recorded as the domain's. It is never the failure that BR
4.2.2.1 lets pass.

If an agent reports a lookup without an answer in time, the domain's servers are slow. If a
perspective says nothing at all within the attempt's time, the perspective or its network is at
fault.
"""

import enum
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mpic.runtime.grpc.reasons import ErrorReason
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o


class Responsible(enum.Enum):
    """Whose failure something is."""

    DOMAIN = "domain"
    """What the DNS shows about the name."""
    CALLER = "caller"
    OURS = "ours"
    """The coordinator's failure, an agent's, or that of a network between them."""


Blamed = Sequence[Responsible | None]
"""Whose failure it is that each name is not approved; None: the name is approved."""

DOMAIN, CALLER, OURS = Responsible.DOMAIN, Responsible.CALLER, Responsible.OURS

OF_FAILURE: Mapping[o.FailureKind.ValueType, Responsible | None] = {
    o.FAILURE_KIND_UNSPECIFIED: None,
    o.FAILURE_KIND_TIMEOUT: DOMAIN,
    o.FAILURE_KIND_SERVFAIL: DOMAIN,
    # The agent's own resolver refused: if the domain's servers refuse, it answers SERVFAIL.
    o.FAILURE_KIND_REFUSED: OURS,
    o.FAILURE_KIND_OTHER_RCODE: DOMAIN,
    o.FAILURE_KIND_BOGUS: DOMAIN,
    o.FAILURE_KIND_MALFORMED: DOMAIN,
    o.FAILURE_KIND_MISMATCH: OURS,
    o.FAILURE_KIND_ALIAS: DOMAIN,
    o.FAILURE_KIND_TRUNCATED: OURS,
    o.FAILURE_KIND_RESOLVER_UNAVAILABLE: OURS,
    o.FAILURE_KIND_UNSUPPORTED_CHECK: OURS,
    o.FAILURE_KIND_INTERNAL: OURS,
    o.FAILURE_KIND_OVERLOADED: OURS,
    o.FAILURE_KIND_TOO_LARGE: DOMAIN,
    o.FAILURE_KIND_NO_ADDRESS: DOMAIN,
    o.FAILURE_KIND_NOT_PUBLIC: DOMAIN,
    o.FAILURE_KIND_CONNECTION_REFUSED: DOMAIN,
    o.FAILURE_KIND_UNREACHABLE: DOMAIN,
    o.FAILURE_KIND_CONNECTION_LOST: DOMAIN,
    o.FAILURE_KIND_TLS: DOMAIN,
    o.FAILURE_KIND_REDIRECT_NOT_ALLOWED: DOMAIN,
    o.FAILURE_KIND_TOO_MANY_REDIRECTS: DOMAIN,
    o.FAILURE_KIND_REDIRECT_LOOP: DOMAIN,
    o.FAILURE_KIND_NO_WAY_OUT: OURS,
}
"""By kind of failed lookup; None: the kind is not stated."""

OF_DISSENT: Mapping[c.Dissent.ValueType, Responsible | None] = {
    c.DISSENT_UNSPECIFIED: None,
    c.DISSENT_FORBIDS: DOMAIN,
    c.DISSENT_FAILED: DOMAIN,
    c.DISSENT_DIFFERS: DOMAIN,
    c.DISSENT_NOT_IN_PUBLIC_DNS: DOMAIN,
    c.DISSENT_UNREACHABLE: OURS,
    c.DISSENT_LATE: OURS,
    c.DISSENT_MISIDENTIFIED: OURS,
    c.DISSENT_GARBAGE: OURS,
    c.DISSENT_NOT_LOOKED: OURS,
    c.DISSENT_NOT_AWAITED: None,
    c.DISSENT_NO_PRIMARY: None,
    c.DISSENT_OVERLOADED: OURS,
    c.DISSENT_NO_TIME: CALLER,
    c.DISSENT_CLOCK_DIFFERS: OURS,
    c.DISSENT_UNSUPPORTED: OURS,
    c.DISSENT_PROOF_MISSING: DOMAIN,
}
"""By dissent; None: it is nobody's failure."""

OF_ONE_CHECK = frozenset(
    {one for one, whose in OF_DISSENT.items() if whose is DOMAIN} | {c.DISSENT_UNSUPPORTED}
)
"""The dissents that come from one check: what it found, or that an agent does not know it."""

OF_REASON: Mapping[c.Reason.ValueType, Responsible | None] = {
    c.REASON_UNSPECIFIED: None,
    c.REASON_CORROBORATED: None,
    c.REASON_QUORUM_NOT_MET: None,
    c.REASON_REGIONS_NOT_MET: None,
    c.REASON_TOO_FEW_REMOTES: OURS,
    c.REASON_PRIMARY_FORBIDS: DOMAIN,
    c.REASON_PRIMARY_FAILED: DOMAIN,
    c.REASON_NOT_IN_PUBLIC_DNS: DOMAIN,
    c.REASON_PRIMARY_UNAVAILABLE: OURS,
    c.REASON_CUT_SHORT: None,
    c.REASON_PROOF_MISSING: DOMAIN,
}
"""By reason of a verdict; None: not by the reason alone, see `blame_verdict`."""

OF_ERROR: Mapping[ErrorReason, Responsible] = {
    "CALLER_LIMIT": CALLER,
    "CALLER_NOT_ALLOWED": CALLER,
    "CONTENT_TOO_LARGE": CALLER,
    "DEADLINE_TOO_SHORT": CALLER,
    "DUPLICATE_REQUEST_ID": CALLER,
    "INTERNAL": OURS,
    "INVALID_REQUEST": CALLER,
    "MEDIA_TYPE_NOT_SUPPORTED": CALLER,
    "METHOD_NOT_ALLOWED": CALLER,
    "NOTHING_RECORDED": OURS,
    "NOT_AUTHENTICATED": CALLER,
    "NO_POLICY_ROW": OURS,
    "OVERLOADED": OURS,
    "PATH_NOT_FOUND": CALLER,
    "RECORD_NOT_FOUND": CALLER,
    "RECORD_NOT_READ": OURS,
    "RECORD_NOT_WHOLE": OURS,
    "RECORD_NOT_WRITTEN": OURS,
    "REQUEST_TOO_SLOW": CALLER,
    "ROSTER_BREAKS_POLICY": OURS,
    "SHUTTING_DOWN": OURS,
    "TOO_MANY_FAILURES": CALLER,
    "TOO_MANY_ISSUANCES": CALLER,
}
"""By error after which nothing was decided."""

_QUORUM = (c.REASON_QUORUM_NOT_MET, c.REASON_REGIONS_NOT_MET)


class RemoteDissent(NamedTuple):
    """The dissent of one remote, and its region."""

    rir: o.Rir.ValueType
    dissent: c.Dissent.ValueType


class Needed(NamedTuple):
    """What an approval needs."""

    remotes: int
    """At least this many must corroborate."""
    regions: int
    """They must be in at least this many service regions."""


def blame_failure(kind: o.FailureKind.ValueType) -> Responsible | None:
    """Return whose failure a failed lookup is; None: only a newer agent knows its kind."""
    return OF_FAILURE.get(kind)


def blame_dissent(dissent: c.Dissent.ValueType) -> Responsible | None:
    """Return whose failure a dissent is; an unknown one, recorded by a newer release, is ours."""
    return OF_DISSENT.get(dissent, OURS)


def blame_error(reason: ErrorReason) -> Responsible:
    """Return whose failure an error is after which nothing was decided."""
    return OF_ERROR[reason]


def blame_verdict(
    reason: c.Reason.ValueType,
    primary: c.Dissent.ValueType,
    remotes: Sequence[RemoteDissent],
    needed: Needed,
) -> Responsible | None:
    """Return whose failure it is that a name is not approved; None: it is approved.

    Error 338 is ours if our failures alone may have caused it. An attempt that was cut short is the
    caller's failure if nothing but its deadline was in the way.
    """
    if reason in _QUORUM:
        return OURS if may_be_ours(remotes, needed) else DOMAIN
    if reason == c.REASON_CUT_SHORT:
        dissents = [primary, *(one.dissent for one in remotes)]
        return OURS if any(blame_dissent(one) is OURS for one in dissents) else CALLER
    return OF_REASON.get(reason, OURS)


def may_be_ours(remotes: Sequence[RemoteDissent], needed: Needed) -> bool:
    """Whether an unmet quorum would be met if the remotes that failed by our fault corroborated.

    Remotes that were not awaited, or had no time, count as corroborating too: they might have. A
    roster that could not meet the quorum at all is also ours.
    """
    possible = [one for one in remotes if blame_dissent(one.dissent) is not DOMAIN]
    return _is_met(possible, needed) or not _is_met(remotes, needed)


def _is_met(corroborating: Sequence[RemoteDissent], needed: Needed) -> bool:
    regions = {one.rir for one in corroborating}
    return len(corroborating) >= needed.remotes and len(regions) >= needed.regions
