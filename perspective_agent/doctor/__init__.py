"""What `mpic doctor` examines on an agent: the register of its checks.

In mode private the doctor starts an Unbound of its own, just like the agent's but on a free port.
So the doctor can run beside the agent. In mode beside it examines the resolver that is there.
"""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from mpic.runtime.address import shift_port
from mpic.runtime.certificate_check import read_names
from mpic.runtime.doctor import DoctorFinding, Register, run_checks
from mpic.runtime.doctor.clock import examine_kernel_clock
from mpic.runtime.doctor.identity import examine_callers, examine_certificates
from mpic.runtime.doctor.open_files import examine_open_files
from mpic.runtime.doctor.ports import examine_ports
from mpic.runtime.open_files import LEAST
from perspective_agent.doctor.connections import judge_connections, probe_connections
from perspective_agent.doctor.reachability import judge_reachability, probe_reachability
from perspective_agent.doctor.resolver import (
    ResolverExamination,
    examine_resolver,
    judge_anchors,
    judge_resolver,
)
from perspective_agent.doctor.signatures import judge_signatures
from perspective_agent.settings import AgentSettings, read_settings
from perspective_agent.unbound.capacity import FULL
from perspective_agent.unbound.trust_anchor import read_anchors


@dataclass(frozen=True, slots=True)
class ExaminedAgent:
    """An agent, by its configuration, and what its resolver said."""

    settings: AgentSettings
    resolver: ResolverExamination
    now: datetime
    """When the resolver had said it."""


def examine(file: Path) -> list[DoctorFinding]:
    """Examine the agent that a file configures; raises ConfigError when it configures none."""
    return asyncio.run(_examine(read_settings(file)))


async def _examine(settings: AgentSettings) -> list[DoctorFinding]:
    async with AsyncExitStack() as stack:
        resolver = await examine_resolver(settings.resolver, stack)
        return await run_checks(CHECKS, ExaminedAgent(settings, resolver, datetime.now(UTC)))


async def _check_config(examined: ExaminedAgent) -> Sequence[DoctorFinding]:
    table = examined.settings.resolver
    facts = {"id": examined.settings.agent.id, "rir": examined.settings.agent.rir}
    findings = [DoctorFinding("ok", "the file says what it must, and nothing unknown", facts=facts)]
    if table.lab_allow_special_purpose_servers:
        what = "name servers at private and loopback addresses are asked: that is for labs only"
        mend = "Remove lab_allow_special_purpose_servers"
        findings.append(DoctorFinding("warning", what, mend))
    if not table.require_validation:
        what = "it serves without validation too, and is then believed only of a remote"
        mend = "Remove require_validation = false"
        findings.append(DoctorFinding("warning", what, mend))
    return findings


async def _check_clock(examined: ExaminedAgent) -> Sequence[DoctorFinding]:
    signatures = judge_signatures(examined.resolver.signature, examined.now)
    return [*examine_kernel_clock(), *signatures]


async def _check_tls(examined: ExaminedAgent) -> Sequence[DoctorFinding]:
    return examine_certificates(examined.settings.tls, examined.settings.owner)


async def _check_callers(examined: ExaminedAgent) -> Sequence[DoctorFinding]:
    return examine_callers(examined.settings.callers, examined.settings.tls)


async def _check_port(examined: ExaminedAgent) -> Sequence[DoctorFinding]:
    agent, tls = examined.settings.agent, examined.settings.tls
    addresses = [shift_port(agent.listen, worker) for worker in range(agent.workers)]
    own = read_names(tls.certificate)
    return await asyncio.to_thread(examine_ports, addresses, tls.files(), own)


async def _check_open_files(examined: ExaminedAgent) -> Sequence[DoctorFinding]:
    admin, table = examined.settings.admin.listen, examined.settings.resolver
    wanted = FULL.files if table.mode == "private" else LEAST
    return await asyncio.to_thread(examine_open_files, admin, wanted)


async def _check_resolver(examined: ExaminedAgent) -> Sequence[DoctorFinding]:
    return judge_resolver(examined.resolver)


async def _check_anchor(examined: ExaminedAgent) -> Sequence[DoctorFinding]:
    anchors = read_anchors(examined.settings.resolver.trust_anchor_file)
    return judge_anchors(anchors, examined.now)


async def _check_ways(examined: ExaminedAgent) -> Sequence[DoctorFinding]:
    return judge_reachability(await probe_reachability(examined.settings.resolver))


async def _check_connections(examined: ExaminedAgent) -> Sequence[DoctorFinding]:
    settings, link = examined.settings, examined.resolver.link
    if link is None:
        return []  # the resolver's own finding says why
    hosts = settings.connect.doctor_hosts
    return judge_connections(await probe_connections(hosts, settings.reach().egress, link))


CHECKS: Register[ExaminedAgent] = {
    "config": _check_config,
    "clock": _check_clock,
    "tls": _check_tls,
    "callers": _check_callers,
    "port": _check_port,
    "open files": _check_open_files,
    "trust anchor": _check_anchor,
    "resolver": _check_resolver,
    "ways out": _check_ways,
    "connections": _check_connections,
}
