"""Proves that the resolver validates, at the start and again and again while the agent serves.

Three facts together are the proof:

- No setting leads around validation (`rules`).
- The root's SOA comes back authenticated. So the trust anchor fits the root that is asked, and AD
  is reported.
- The canary is bogus. It is a signed domain with a trust anchor that none of its keys satisfies. A
  resolver that does not validate gives its SOA.

A probe may get no answer. That refutes nothing: an outage on the way to the root is no reason to
answer nothing about other names. The last proof then holds for a while. At the start there is none:
the agent waits for one and says what it waits for.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from mpic.v1 import observation_pb2 as o
from perspective_agent.dns.resolver import ResolverLink
from perspective_agent.unbound.configuration import CANARY
from perspective_agent.unbound.control import UnboundControl
from perspective_agent.unbound.rules import RULES, Rule, find_violation

_SOA = 6
PROOF_LIFETIME = timedelta(minutes=5)


class ResolverNotValidatingError(Exception):
    """The agent refuses to serve through a resolver that does not validate."""


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What one probe saw."""

    validates: bool
    evidence: str
    ended_at: datetime
    is_conclusive: bool = True
    """Whether it showed that the resolver validates, or that it does not."""
    proven_at: datetime | None = None
    """When the resolver was last shown to validate."""


def succeed(last: ProbeResult, probe: ProbeResult) -> ProbeResult:
    """Return what holds after `probe`: an inconclusive one leaves the last proof in force."""
    if probe.is_conclusive or not last.validates or last.proven_at is None:
        return probe
    if probe.ended_at - last.proven_at > PROOF_LIFETIME:
        return probe
    evidence = f"shown at {last.proven_at:%H:%M:%S} UTC; since then {probe.evidence}"
    return replace(probe, validates=True, evidence=evidence, proven_at=last.proven_at)


async def probe_validation(
    resolver: ResolverLink,
    control: UnboundControl,
    timeout: float,  # noqa: ASYNC109 - the result says so, no exception
    rules: Sequence[Rule] = RULES,
) -> ProbeResult:
    """Read the settings and ask the two questions, at most `timeout` seconds each."""
    violation = await find_violation(control, rules)
    if violation:
        return ProbeResult(validates=False, evidence=violation, ended_at=datetime.now(UTC))
    root, canary = await asyncio.gather(
        resolver.lookup("", _SOA, timeout), resolver.lookup(CANARY, _SOA, timeout)
    )
    return judge_answers(root, canary, datetime.now(UTC))


def judge_answers(root: o.Lookup, canary: o.Lookup, now: datetime) -> ProbeResult:
    """Say what the two answers show. Pure."""
    problem = judge_probe(root, canary)
    if not problem:
        evidence = f"the root's SOA is authenticated and {CANARY} is bogus"
        return ProbeResult(validates=True, evidence=evidence, ended_at=now, proven_at=now)
    refuted = not (_is_secure(root) or _is_silence(root)) or not (
        _is_bogus(canary) or _is_silence(canary)
    )
    return ProbeResult(validates=False, evidence=problem, ended_at=now, is_conclusive=refuted)


def _is_secure(root: o.Lookup) -> bool:
    return root.HasField("records") and root.dnssec == o.DNSSEC_SECURE


def _is_bogus(canary: o.Lookup) -> bool:
    return canary.dnssec == o.DNSSEC_BOGUS


def _is_silence(answer: o.Lookup) -> bool:
    """Whether a lookup failed for another reason than DNSSEC."""
    return answer.HasField("failure") and answer.dnssec != o.DNSSEC_BOGUS


def judge_probe(root: o.Lookup, canary: o.Lookup) -> str:
    """Say what is wrong with a resolver that gave these answers; "" when it validates."""
    if root.HasField("failure"):
        return f"the root's SOA cannot be looked up: {_say(root.failure)}"
    if not _is_secure(root):
        return (
            "the root's SOA comes back without AD: the resolver does not validate, or its trust"
            " anchor is not that of the root it asks"
        )
    if _is_silence(canary):
        return (
            f"{CANARY} should be bogus, but nothing tells yet: {_say(canary.failure)}. Its servers"
            " or the root's cannot be reached, or are further away than probe_timeout allows"
        )
    if not _is_bogus(canary):
        return (
            f"{CANARY} must be bogus but gave an answer: validation is off or permissive, or the"
            " resolver lacks the canary's trust anchor (see the agent's configuration reference)"
        )
    return ""


def _say(failure: o.Failure) -> str:
    extended = failure.extended_error
    more = f" (extended error {extended.code} {extended.text})" if extended.code else ""
    return failure.detail + more
