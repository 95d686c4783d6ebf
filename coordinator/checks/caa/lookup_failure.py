"""When a failed CAA lookup may count as permission, if the policy allows it. Pure.

BR 4.2.2.1:

    CAs are permitted to treat a record lookup failure as permission to issue if:
      - the failure is outside the CA's infrastructure; and
      - the lookup has been retried at least once; and
      - the CA has confirmed that the domain is "Insecure" as defined in RFC 4035, Section 4.3.

Such a failure permits at its own level only. The record sets of the levels above are read as usual.
An auditor may read the text as permission to stop there. But then a parent's set that forbids would
be seen and ignored.

All three proofs are read from the observation. A failure is outside if two things are seen. The
perspective's own resolver answered that the lookup failed. The domain's servers, asked directly,
fail by themselves (`servers`). The resolver's silence, its own limits and our deadlines are inside.

A DNSSEC error is never such a failure (BR 4.2.2.2.5). It has another kind, and an insecure zone
cannot have one.
"""

from collections.abc import Sequence

from coordinator.checks.caa.servers import find_doubt
from coordinator.checks.check import name_failure
from mpic.v1 import observation_pb2 as o

CLAUSE = "BR 4.2.2.1 (lookup failure in an insecure zone)"

_TRIES = 2
_PROOFS = ("NSEC", "NSEC3", "NSEC3 opt-out")
# Extended DNS Errors (RFC 8914) about the domain's servers: no reachable authority, network error,
# invalid data. All others are about the resolver (cached, not ready, blocked, ...).
_OUTSIDE = frozenset({22, 23, 24})


def is_permission(lookup: o.Lookup) -> bool:
    """Whether a failed CAA lookup has all three proofs."""
    return not missing_proofs(lookup)


def missing_proofs(lookup: o.Lookup) -> Sequence[str]:
    """Return which of the three proofs a failed CAA lookup lacks; none: it may be permission."""
    missing = []
    if doubt := _find_doubt(lookup):
        missing.append(f"that the failure is outside our infrastructure ({doubt})")
    if lookup.tries < _TRIES:
        missing.append("that it was retried")
    if not _is_insecure(lookup):
        missing.append("that the zone is insecure")
    return missing


def _find_doubt(lookup: o.Lookup) -> str:
    """Return why a failure may be inside our infrastructure; "" when it is shown to be outside."""
    failure = lookup.failure
    if failure.kind != o.FAILURE_KIND_SERVFAIL or lookup.dnssec != o.DNSSEC_INDETERMINATE:
        return f"it is {name_failure(failure)}"
    if failure.HasField("extended_error") and failure.extended_error.code not in _OUTSIDE:
        return f"the resolver speaks of itself: Extended DNS Error {failure.extended_error.code}"
    return find_doubt(lookup)


def _is_insecure(lookup: o.Lookup) -> bool:
    proof = lookup.insecurity_proof
    at_or_above = f".{lookup.name}".endswith(f".{proof.zone_cut}") and bool(proof.zone_cut)
    return at_or_above and bool(proof.denied_by) and proof.kind in _PROOFS
