"""The failure that may be permission, if the policy wants it so. Pure.

BR 4.2.2.1:

    CAs are permitted to treat a record lookup failure as permission to issue if:
      - the failure is outside the CA's infrastructure; and
      - the lookup has been retried at least once; and
      - the CA has confirmed that the domain is "Insecure" as defined in RFC 4035, Section 4.3.

It permits at its own level alone: the record sets of the levels above are read as ever. An auditor
may read the text as permission to stop there, but a parent's set that forbids was seen.

All three are read from the observation. Outside means that the perspective's own resolver, shown
to work, answered that the domain's servers failed, and could then fetch the proof from the
servers above them; its silence, its own limits and our deadlines are inside. A DNSSEC error never
is such a failure (BR 4.2.2.2.5): it has another kind, and no insecure zone has one.
"""

from collections.abc import Sequence

from mpic.v1 import observation_pb2 as o

CLAUSE = "BR 4.2.2.1 (lookup failure in an insecure zone)"

_TRIES = 2
_PROOFS = ("NSEC", "NSEC3", "NSEC3 opt-out")
# Extended DNS Errors (RFC 8914) that speak of the domain's servers: no reachable authority,
# network error, invalid data. Others speak of the resolver (cached, not ready, blocked, ...).
_OUTSIDE = frozenset({22, 23, 24})


def is_permission(lookup: o.Lookup) -> bool:
    """Whether a failed CAA lookup has all three proofs."""
    return not missing_proofs(lookup)


def missing_proofs(lookup: o.Lookup) -> Sequence[str]:
    """Return which of the three proofs a failed CAA lookup lacks; none: it may be permission."""
    proofs = {
        "that the failure is outside our infrastructure": _is_outside(lookup),
        "that it was retried": lookup.tries >= _TRIES,
        "that the zone is insecure": _is_insecure(lookup),
    }
    return [what for what, given in proofs.items() if not given]


def _is_outside(lookup: o.Lookup) -> bool:
    failure = lookup.failure
    if failure.kind != o.FAILURE_KIND_SERVFAIL or lookup.dnssec != o.DNSSEC_INDETERMINATE:
        return False
    return not failure.HasField("extended_error") or failure.extended_error.code in _OUTSIDE


def _is_insecure(lookup: o.Lookup) -> bool:
    proof = lookup.insecurity_proof
    at_or_above = f".{lookup.name}".endswith(f".{proof.zone_cut}") and bool(proof.zone_cut)
    return at_or_above and bool(proof.denied_by) and proof.kind in _PROOFS
