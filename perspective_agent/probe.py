"""Proof that the resolver validates, at the start and again and again while serving.

Three facts together: no setting leads around validation (`unbound_rules`); the root's SOA comes
back authenticated (the trust anchor fits the root that is being asked, and AD is reported); and
the canary, a signed domain with a trust anchor that none of its keys satisfies, is called bogus
(whoever does not validate gives its SOA).
"""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime

from mpic.v1 import observation_pb2 as o
from perspective_agent.resolver import Resolver
from perspective_agent.unbound_conf import CANARY
from perspective_agent.unbound_control import UnboundControl
from perspective_agent.unbound_rules import find_violation

_SOA = 6


@dataclass(frozen=True, slots=True)
class Probe:
    """What one probe saw."""

    validates: bool
    evidence: str
    ended_at: datetime


async def probe_validation(resolver: Resolver, control: UnboundControl, timeout: float) -> Probe:  # noqa: ASYNC109 - the result says so, no exception
    """Read the settings and ask the two questions, at most `timeout` seconds each."""
    violation = await find_violation(control)
    if violation:
        return Probe(validates=False, evidence=violation, ended_at=datetime.now(UTC))
    root, canary = await asyncio.gather(
        resolver.lookup("", _SOA, timeout), resolver.lookup(CANARY, _SOA, timeout)
    )
    problem = judge_probe(root, canary)
    evidence = problem or f"the root's SOA is authenticated and {CANARY} is bogus"
    return Probe(not problem, evidence, datetime.now(UTC))


def judge_probe(root: o.Lookup, canary: o.Lookup) -> str:
    """Say what is wrong with a resolver that gave these answers; "" when it validates."""
    if root.HasField("failure"):
        return f"the root's SOA cannot be looked up: {_say(root.failure)}"
    if not root.HasField("records") or root.dnssec != o.DNSSEC_SECURE:
        return (
            "the root's SOA comes back without AD: the resolver does not validate, or its trust"
            " anchor is not that of the root it asks"
        )
    if canary.dnssec != o.DNSSEC_BOGUS:
        saw = _say(canary.failure) if canary.HasField("failure") else "an answer"
        return (
            f"{CANARY} must be bogus but gave {saw}: validation is off or permissive, or the"
            " resolver lacks the canary's trust anchor (see the agent's configuration reference)"
        )
    return ""


def _say(failure: o.Failure) -> str:
    extended = failure.extended_error
    more = f" (extended error {extended.code} {extended.text})" if extended.code else ""
    return failure.detail + more
