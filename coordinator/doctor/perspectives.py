"""Calls every perspective as the coordinator does, and compares it with the roster.

For each it connects, reads the certificate that is shown, and asks for the agent's description.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from grpc import StatusCode, aio

from coordinator.perspectives.agent_clock import (
    ClockBounds,
    find_difference,
    make_reading,
)
from coordinator.perspectives.clock_watch import read_ours_us
from coordinator.rules.roster import Perspective, Roster
from mpic.channel import TlsFiles, open_channel
from mpic.runtime.certificate_check import RENEWAL
from mpic.runtime.clock import read_steady_us
from mpic.runtime.doctor import DoctorFinding, Fact, Facts
from mpic.runtime.doctor.handshake import Presented, StrangerError, shake_hands
from mpic.text import describe_difference
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p
from mpic.v1 import perspective_pb2_grpc

_HANDSHAKE_SECONDS = 5.0
_DESCRIBE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class AgentExamination:
    """The result of calling one agent, or one of its workers."""

    perspective: Perspective
    address: str
    problem: str = ""
    """Why the call failed or met another agent; empty if all is well."""
    mend: str = ""
    presented: Presented | None = None
    description: p.DescribeResponse | None = None
    milliseconds: float = 0.0
    """From asking for the description until it came, connecting included."""
    clock_ahead: float | None = None
    """Its clock minus this host's, in seconds; None: it does not tell its time."""
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


async def meet_all(roster: Roster, tls: TlsFiles) -> list[AgentExamination]:
    """Call every worker of every perspective, all at once; results in the order of the roster."""
    meetings = [
        _meet(perspective, address, roster, tls)
        for perspective in roster.perspectives
        for address in perspective.addresses
    ]
    return list(await asyncio.gather(*meetings))


async def _meet(
    perspective: Perspective, address: str, roster: Roster, tls: TlsFiles
) -> AgentExamination:
    try:
        presented = await asyncio.to_thread(shake_hands, address, tls, _HANDSHAKE_SECONDS)
    except StrangerError as error:
        mend = "Give it a certificate of the authority named here under [tls]"
        return AgentExamination(perspective, address, f"something answers, but {error}", mend)
    except OSError as error:
        mend = "Start its agent; check address in the roster, and the firewalls between"
        problem = f"it cannot be reached: {error.strerror or error}"
        return AgentExamination(perspective, address, problem, mend)
    if perspective.server_name not in presented.names:
        return AgentExamination(
            perspective, address, *_explain_name(perspective, presented, roster)
        )
    return await _describe(perspective, address, presented, tls)


def _explain_name(
    perspective: Perspective, presented: Presented, roster: Roster
) -> tuple[str, str]:
    """Say what is wrong if another agent's certificate is shown, and what to do."""
    names = ", ".join(presented.names)
    others = [one.id for one in roster.perspectives if one.server_name in presented.names]
    if others:
        problem = f"the agent of {others[0]} answers there ({names})"
        return problem, f"Correct the addresses of {perspective.id} and {others[0]}: swapped?"
    problem = f"its certificate is for {names}, not for {perspective.server_name}"
    return problem, "Correct server_name in the roster, or give the agent its own certificate"


async def _describe(
    perspective: Perspective, address: str, presented: Presented, tls: TlsFiles
) -> AgentExamination:
    asked_us = read_steady_us()
    try:
        async with open_channel(address, tls, perspective.server_name) as channel:
            stub = perspective_pb2_grpc.PerspectiveServiceStub(channel)
            description = await stub.Describe(p.DescribeRequest(), timeout=_DESCRIBE_SECONDS)
    except aio.AioRpcError as error:
        return AgentExamination(perspective, address, *_explain_refusal(error), presented)
    read_us, told_us = read_steady_us(), description.clock_us
    reading = make_reading(told_us, asked_us, read_us)
    ahead = find_difference(reading, read_ours_us()) if told_us else None
    elapsed = (read_us - asked_us) / 1000
    return AgentExamination(perspective, address, "", "", presented, description, elapsed, ahead)


def _explain_refusal(error: aio.AioRpcError) -> tuple[str, str]:
    text = error.details() or error.code().name
    if error.code() is StatusCode.PERMISSION_DENIED:
        return (
            f"it refuses this coordinator: {text}",
            "Add this coordinator's SPIFFE id to [callers] allowed of the agent",
        )
    if error.code() is StatusCode.UNAVAILABLE:
        return (
            f"it shows its certificate and then closes: {text}",
            "See the agent's log; is the authority named there the one that signed ours?",
        )
    return f"it does not describe itself: {text}", "See the agent's log; start it anew if it hangs"


def judge_sightings(
    sightings: Sequence[AgentExamination], roster: Roster, *, remotes_must_validate: bool
) -> list[DoctorFinding]:
    """Say of each perspective whether it can corroborate. Pure."""
    findings = []
    for sighting in sightings:
        validates = remotes_must_validate or sighting.perspective is roster.primary
        findings.append(_judge_one(sighting, must_validate=validates))
        findings.extend(_judge_expiry(sighting))
    return findings


def _judge_one(sighting: AgentExamination, *, must_validate: bool) -> DoctorFinding:
    perspective, description = sighting.perspective, sighting.description
    facts: dict[str, Fact] = {"address": sighting.address}
    if sighting.presented is not None and sighting.presented.accepts_tls_1_2:
        what = f"{perspective.id}: it accepts TLS 1.2; only TLS 1.3 may be spoken"
        return DoctorFinding("error", what, "Start its agent anew, from this release", facts)
    if description is None:
        what = f"{perspective.id}: {sighting.problem}"
        return DoctorFinding("error", what, sighting.mend or "See the agent's log", facts)
    resolver = description.resolver
    facts |= {
        "version": description.version,
        "resolver": resolver.software,
        "validates": resolver.validates,
        "ms": round(sighting.milliseconds, 1),
    }
    if (description.perspective_id, description.rir) != (perspective.id, perspective.rir):
        what = (
            f"{perspective.id}: it says it is {description.perspective_id!r} in"
            f" {_name_rir(description.rir)}, the roster says {perspective.id!r} in"
            f" {_name_rir(perspective.rir)}"
        )
        return DoctorFinding(
            "error", what, "Correct id and rir in the agent's file, or here", facts
        )
    if must_validate and not resolver.validates:
        what = f"{perspective.id}: its resolver is not shown to validate: {resolver.evidence}"
        mend = "Run `mpic doctor` on its host; it corroborates nothing meanwhile"
        return DoctorFinding("error", what, mend, facts)
    return DoctorFinding("ok", f"{perspective.id} is there and looks", facts=facts)


def _judge_expiry(sighting: AgentExamination) -> list[DoctorFinding]:
    if sighting.presented is None:
        return []
    ends_at = sighting.presented.ends_at
    if sighting.at <= ends_at - RENEWAL:
        return []
    what = f"{sighting.perspective.id}: its certificate ends on {ends_at:%F %R} UTC"
    return [DoctorFinding("warning", what, "Give its agent a new one before that day")]


def judge_clocks(sightings: Sequence[AgentExamination], bounds: ClockBounds) -> list[DoctorFinding]:
    """Compare this clock with the agents', as far as they tell theirs. Pure."""
    described = [one for one in sightings if one.description is not None]
    silent = [one.perspective.id for one in described if one.clock_ahead is None]
    told = {one.perspective.id: one.clock_ahead for one in described if one.clock_ahead is not None}
    findings = []
    if silent:
        what = f"{', '.join(silent)}: it does not tell its time, so a wrong clock goes unseen"
        findings.append(DoctorFinding("warning", what, "Bring its agent up to this release"))
    if told:
        findings.append(_judge_told(told, bounds))
    return findings


def _judge_told(told: Mapping[str, float], bounds: ClockBounds) -> DoctorFinding:
    facts: Facts = {"compared": len(told), "seconds_at_most": max(map(abs, told.values()))}
    far = {one: ahead for one, ahead in told.items() if abs(ahead) > bounds.warning}
    if not far:
        return DoctorFinding("ok", "the agents' clocks and this one agree", facts=facts)
    # If several agents differ alike, they are right and this clock is wrong.
    is_ours = len(far) > 1 and len({ahead > 0 for ahead in far.values()}) == 1
    most = max(far.values(), key=abs)
    what = f"the clocks of {', '.join(far)} are {describe_difference(most)} this host's"
    if is_at_limit := abs(most) > bounds.limit:
        what += f": beyond {bounds.limit:g} s they are not asked"
    mend = "Let a time service set this clock" if is_ours else "Let a time service set the agent's"
    return DoctorFinding("error" if is_at_limit else "warning", what, mend, facts)


def _name_rir(rir: o.Rir.ValueType) -> str:
    return o.Rir.Name(rir).removeprefix("RIR_") if rir in o.Rir.values() else f"region {rir}"
