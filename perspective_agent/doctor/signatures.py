"""Compares the clock with the signature over the root's SOA record.

The root is signed anew every day. So its signature tells the time to within days, and nobody can
forge it. A clock that is wrong by more makes every answer bogus. Nothing in DNS tells the time more
precisely. Only a time service knows whether the clock is right to the second
(`mpic.runtime.doctor.clock`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.ANY.RRSIG

from mpic.runtime.doctor import DoctorFinding, Facts

# The root is signed twice a day; this leaves room for a server that lags behind.
_USUAL_AGE = timedelta(days=3)
_SET_CLOCK = "Set the clock by a time service (chrony or systemd-timesyncd)"


@dataclass(frozen=True, slots=True)
class Signature:
    """When the signature begins and ends to be valid, and whether the resolver validated it."""

    inception: datetime
    expiration: datetime
    validated: bool


async def read_signature(resolver: tuple[str, int], timeout: float) -> Signature | None:  # noqa: ASYNC109 - None says so
    """Ask the resolver for the root's SOA with its signature; None if there is none.

    With a wrong clock that fails. Only then it is asked once more without checking (CD). That
    answer serves only to say how wrong the clock is.
    """
    for flags in (0, dns.flags.CD):
        query = dns.message.make_query(".", "SOA", want_dnssec=True)
        query.flags |= flags | dns.flags.AD
        try:
            answer = await dns.asyncquery.tcp(query, resolver[0], timeout, resolver[1])
        except (OSError, EOFError, dns.exception.DNSException):
            continue
        found = _find(answer)
        if found is not None:
            validated = bool(answer.flags & dns.flags.AD) and not flags
            first, last = (datetime.fromtimestamp(at, UTC) for at in found)
            return Signature(first, last, validated)
    return None


def _find(answer: dns.message.Message) -> tuple[int, int] | None:
    for rrset in answer.answer:
        for rdata in rrset:
            if isinstance(rdata, dns.rdtypes.ANY.RRSIG.RRSIG):
                return rdata.inception, rdata.expiration
    return None


def judge_signatures(signature: Signature | None, now: datetime) -> Sequence[DoctorFinding]:
    """Hold the clock against the signature. Pure."""
    if signature is None:
        what = "the root's signature cannot be had: the clock cannot be held against it"
        return [DoctorFinding("warning", what, "See `resolver` and `ways out`")]
    facts: Facts = {
        "now": now.isoformat(timespec="seconds"),
        "inception": signature.inception.isoformat(),
        "expiration": signature.expiration.isoformat(),
        "validated": signature.validated,
    }
    if now < signature.inception:
        slow = signature.inception - now
        return [DoctorFinding("error", f"the clock is slow by {slow} or more", _SET_CLOCK, facts)]
    if now > signature.expiration:
        fast = now - signature.expiration
        return [DoctorFinding("error", f"the clock is fast by {fast} or more", _SET_CLOCK, facts)]
    if now > signature.inception + _USUAL_AGE:
        what = f"the root's signature was made {(now - signature.inception).days} days ago"
        mend = f"The clock is fast, or an old root zone is served. {_SET_CLOCK}; see `ways out`"
        return [DoctorFinding("warning", what, mend, facts)]
    what = "the clock lies within the root's signature, which tells it to within days, not seconds"
    return [DoctorFinding("ok", what, facts=facts)]
