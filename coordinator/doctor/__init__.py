"""What `mpic doctor` examines on a coordinator: the register of its checks."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from coordinator.doctor.perspectives import (
    AgentExamination,
    judge_clocks,
    judge_sightings,
    meet_all,
)
from coordinator.doctor.record import examine_record
from coordinator.doctor.rules import judge_places, judge_roster, judge_suffix_list
from coordinator.perspectives.agent_clock import ClockBounds
from coordinator.rules.countries import Atlas
from coordinator.settings import CoordinatorSettings, read_settings
from coordinator.settings.certificates import OWNER
from mpic.channel import TlsFiles
from mpic.names import find_suffix_list_date
from mpic.runtime.address import shift_port
from mpic.runtime.certificate_check import read_names
from mpic.runtime.doctor import DoctorFinding, Register, run_checks
from mpic.runtime.doctor.clock import examine_kernel_clock
from mpic.runtime.doctor.grpcio import examine_grpcio
from mpic.runtime.doctor.identity import examine_callers, examine_certificates
from mpic.runtime.doctor.open_files import examine_open_files
from mpic.runtime.doctor.ports import examine_ports
from mpic.runtime.open_files import USUAL


@dataclass(frozen=True, slots=True)
class ExaminedCoordinator:
    """A coordinator, by its configuration, and what its perspectives said."""

    settings: CoordinatorSettings
    sightings: Sequence[AgentExamination]
    now: datetime


def examine(file: Path) -> list[DoctorFinding]:
    """Examine the coordinator that a file configures; raises ConfigError when it is none."""
    return asyncio.run(_examine(read_settings(file)))


async def _examine(settings: CoordinatorSettings) -> list[DoctorFinding]:
    sightings = await meet_all(settings.roster(), settings.tls.files())
    return await run_checks(CHECKS, ExaminedCoordinator(settings, sightings, datetime.now(UTC)))


async def _check_config(examined: ExaminedCoordinator) -> Sequence[DoctorFinding]:
    facts = {"issuers": sorted(examined.settings.issuer)}
    findings = [DoctorFinding("ok", "the file says what it must, and nothing unknown", facts=facts)]
    if examined.settings.policy.allow_below_baseline:
        what = "the policy may ask for less than the Baseline Requirements: that is for labs only"
        findings.append(DoctorFinding("warning", what, "Remove allow_below_baseline"))
    return findings


async def _check_clock(examined: ExaminedCoordinator) -> Sequence[DoctorFinding]:
    table = examined.settings.coordinator
    bounds = ClockBounds(table.clock_warning, table.clock_limit)
    return [*examine_kernel_clock(), *judge_clocks(examined.sightings, bounds)]


async def _check_tls(examined: ExaminedCoordinator) -> Sequence[DoctorFinding]:
    return examine_certificates(examined.settings.tls, OWNER)


async def _check_callers(examined: ExaminedCoordinator) -> Sequence[DoctorFinding]:
    return examine_callers(examined.settings.callers, examined.settings.tls)


async def _check_port(examined: ExaminedCoordinator) -> Sequence[DoctorFinding]:
    table, tls = examined.settings.coordinator, examined.settings.tls
    addresses = [shift_port(table.listen, worker) for worker in range(table.workers)]
    own = read_names(tls.certificate)
    return await asyncio.to_thread(examine_ports, addresses, tls.files(), own)


async def _check_http_port(examined: ExaminedCoordinator) -> Sequence[DoctorFinding]:
    settings = examined.settings
    table, tls = settings.http, settings.tls
    if not table.listen:
        return [DoctorFinding("ok", "HTTP is off: [http] listen is not set")]
    addresses = [shift_port(table.listen, one) for one in range(settings.coordinator.workers)]
    certificate, _, _ = table.files(tls)
    authority = tls.authority if table.tls is None else certificate
    shown = TlsFiles(tls.certificate, tls.private_key, authority)
    return await asyncio.to_thread(examine_ports, addresses, shown, read_names(certificate))


async def _check_open_files(examined: ExaminedCoordinator) -> Sequence[DoctorFinding]:
    return await asyncio.to_thread(examine_open_files, examined.settings.admin.listen, USUAL)


async def _check_grpcio(_examined: ExaminedCoordinator) -> Sequence[DoctorFinding]:
    return await examine_grpcio()


async def _check_roster(examined: ExaminedCoordinator) -> Sequence[DoctorFinding]:
    roster, policy = examined.settings.roster(), examined.settings.policy.policy()
    return [*judge_roster(roster, policy, examined.now), *judge_places(roster, Atlas.read())]


async def _check_public_suffixes(examined: ExaminedCoordinator) -> Sequence[DoctorFinding]:
    return [judge_suffix_list(find_suffix_list_date(), examined.now)]


async def _check_record(examined: ExaminedCoordinator) -> Sequence[DoctorFinding]:
    return await asyncio.to_thread(examine_record, examined.settings.record)


async def _check_perspectives(examined: ExaminedCoordinator) -> Sequence[DoctorFinding]:
    must_validate = examined.settings.policy.remotes_must_validate
    roster = examined.settings.roster()
    return judge_sightings(examined.sightings, roster, remotes_must_validate=must_validate)


CHECKS: Register[ExaminedCoordinator] = {
    "config": _check_config,
    "clock": _check_clock,
    "tls": _check_tls,
    "callers": _check_callers,
    "port": _check_port,
    "http port": _check_http_port,
    "open files": _check_open_files,
    "grpcio": _check_grpcio,
    "roster": _check_roster,
    "public suffixes": _check_public_suffixes,
    "record": _check_record,
    "perspectives": _check_perspectives,
}
