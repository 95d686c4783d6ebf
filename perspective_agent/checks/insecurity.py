"""Finds where the chain of trust to a name ends. Pure.

RFC 4035 section 4.3 calls a name "Insecure" in one case. A chain of signed DNSKEY and DS records
leads to some point. There, a validated denial of the DS record shows that the name below is
unsigned. SERVFAIL, a timeout or an answer without AD is no such proof: those are "Indeterminate".
"""

from mpic.names import walk_levels
from mpic.v1 import observation_pb2 as o
from perspective_agent.dns.lookup import LookupTarget
from perspective_agent.dns.wire import DS

ROOT = ""


class ChainOfTrust:
    """The DS records from the root down to one name, all asked at once."""

    def __init__(self, name: str) -> None:
        """Follow the chain down to `name`."""
        self._levels = walk_levels(name)[::-1]
        self._answers: list[o.Lookup | None] = [None] * len(self._levels)
        # Fetched again: an answer then also shows that our own network works.
        self.wanted = [LookupTarget(level, DS, fresh=True) for level in self._levels]
        self.proof: o.InsecurityProof | None = None
        """The highest insecure delegation, once it is found."""

    def add(self, index: int, lookup: o.Lookup) -> bool:
        """Take the answer to `wanted[index]`; return whether a proof is found, or is impossible."""
        self._answers[index] = lookup
        secure_zone = ROOT  # the resolver was shown to validate the root
        for level, answer in zip(self._levels, self._answers, strict=True):
            if answer is None:
                return False
            if answer.HasField("records") and answer.dnssec == o.DNSSEC_SECURE:
                secure_zone = level
            elif _proves(answer, secure_zone):
                self.proof = answer.insecurity_proof
                return True
            elif not (answer.HasField("absence") and answer.dnssec == o.DNSSEC_SECURE):
                return True
        return True


def _proves(answer: o.Lookup, secure_zone: str) -> bool:
    """Whether an answer shows an insecure delegation out of `secure_zone`."""
    proof = answer.insecurity_proof
    if not answer.HasField("insecurity_proof"):
        return False
    if answer.dnssec == o.DNSSEC_SECURE:
        return True
    # With opt-out AD is never set. But an NSEC3 record of a secure zone that does not validate
    # would have made the answer bogus.
    return proof.kind == "NSEC3 opt-out" and proof.denied_by.partition(".")[2] == secure_zone
