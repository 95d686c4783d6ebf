"""Examines a resolver like the agent's: whether it starts, what it is, whether it validates."""

import asyncio
from collections.abc import Collection, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import datetime

from mpic.runtime.doctor import DoctorFinding, Facts
from mpic.runtime.open_files import HOW_TO_SET, TooFewFilesError, raise_limit
from perspective_agent.dns.resolver import ResolverLink
from perspective_agent.doctor.signatures import Signature, read_signature
from perspective_agent.settings import ResolverTable
from perspective_agent.unbound.capacity import fit_capacity
from perspective_agent.unbound.control import UnboundControl
from perspective_agent.unbound.process import PrivateUnbound, UnboundError
from perspective_agent.unbound.trust_anchor import (
    TrustAnchor,
    find_known,
    find_missing,
    read_key_tags,
)
from perspective_agent.unbound.validation_probe import ProbeResult, probe_validation

_TRIES = 3
_PAUSE_SECONDS = 0.3
_MEND = "Mend what it says; Unbound keeps its files in a directory of its own, under TMPDIR or /tmp"


@dataclass(frozen=True, slots=True)
class ResolverExamination:
    """A resolver and what it says, or why there is none."""

    software: str = ""
    problem: str = ""
    """Why it does not start; empty when it does."""
    mend: str = _MEND
    """What to do about that."""
    probe: ProbeResult | None = None
    signature: Signature | None = None
    """The signature of the root's SOA; None if there was none."""
    key_tags: Sequence[int] = ()
    """Of the root's keys that are believed."""
    link: ResolverLink | None = None
    """None: it does not start."""


async def examine_resolver(table: ResolverTable, stack: AsyncExitStack) -> ResolverExamination:
    """Start or find the resolver, and ask it; `stack` ends it."""
    if table.mode == "private":
        try:
            options = table.options(capacity=fit_capacity(raise_limit()))
            unbound = PrivateUnbound(replace(options, port=0))
            stack.push_async_callback(unbound.stop)
            await unbound.start()
        except TooFewFilesError as error:
            return ResolverExamination(problem=error.problem, mend=HOW_TO_SET)
        except (UnboundError, OSError) as error:
            return ResolverExamination(problem=str(error))
        software, address, socket = unbound.version, unbound.address, unbound.control_socket
    else:
        software, address = "a resolver the operator runs", table.beside_address()
        assert table.control_socket is not None  # noqa: S101 - settings see to it
        socket = table.control_socket
    link, control = ResolverLink(address), UnboundControl(socket)
    stack.callback(link.close)
    probe = await _probe(link, control, table)
    return ResolverExamination(
        software=software,
        probe=probe,
        signature=await read_signature(address, table.probe_timeout),
        key_tags=read_key_tags(table.trust_anchor_file),
        link=link,
    )


async def _probe(link: ResolverLink, control: UnboundControl, table: ResolverTable) -> ProbeResult:
    """Probe, and again if it fails: Unbound opens its control last, and a packet may get lost."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + table.probe_timeout
    tries = 1
    while True:
        probe = await probe_validation(link, control, table.probe_timeout, table.rules())
        if probe.validates or tries == _TRIES or clock() > deadline:
            return probe
        await asyncio.sleep(_PAUSE_SECONDS)
        tries += 1


def judge_resolver(resolver: ResolverExamination) -> Sequence[DoctorFinding]:
    """Say whether an agent may serve through it. Pure."""
    if resolver.probe is None:
        what = f"it does not start: {resolver.problem}"
        return [DoctorFinding("error", what, resolver.mend)]
    probe = resolver.probe
    facts: Facts = {
        "software": resolver.software,
        "validates": probe.validates,
        "trust_anchor": [str(tag) for tag in resolver.key_tags],
    }
    if probe.validates:
        return [DoctorFinding("ok", f"it validates: {probe.evidence}", facts=facts)]
    mend = (
        "See `clock` and `ways out`: a wrong clock and a blocked way look like this too. If those"
        " are in order, renew the trust anchor (package dns-root-data), and look for who answers"
        " in place of the root servers"
    )
    return [DoctorFinding("error", f"it is not shown to validate: {probe.evidence}", mend, facts)]


def judge_anchors(anchors: Collection[TrustAnchor], now: datetime) -> Sequence[DoctorFinding]:
    """Say whether the keys believed are those of today and of the time to come. Pure."""
    facts: Facts = {"key_tags": [str(anchor.tag) for anchor in sorted(anchors)]}
    if missing := find_missing(anchors, now):
        mend = "Update the package dns-root-data, and restart the agent"
        return [DoctorFinding("warning", one, mend, facts) for one in missing]
    if not find_known(anchors):
        what = "no key of the IANA root is believed: the root is one of your own"
        return [DoctorFinding("ok", what, facts=facts)]
    return [DoctorFinding("ok", "the keys of the IANA root are there", facts=facts)]
