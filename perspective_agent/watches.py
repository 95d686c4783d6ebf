"""What an agent watches while it serves: its resolver, and whether its own side keeps up."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog

from perspective_agent.cpu_starvation import CpuStarvation
from perspective_agent.servicer import PerspectiveServicer, ResolverState
from perspective_agent.settings import ResolverTable
from perspective_agent.unbound.liveness import INTERVAL, ResolverLiveness
from perspective_agent.unbound.validation_probe import probe_validation, succeed

log = structlog.get_logger()

Tell = Callable[[], Awaitable[None]]
"""Tells everybody concerned whether the agent can look."""

_SLOW = 0.4
"""At most this part of a question's time may pass in waiting for our own side."""


async def watch_validation(resolver: ResolverState, table: ResolverTable, tell: Tell) -> None:
    """Keep `resolver.probe` up to date."""
    while True:
        is_proven = resolver.probe.validates and resolver.probe.is_conclusive
        await asyncio.sleep(table.probe_interval if is_proven else 1.0)
        if resolver.hangs:
            continue
        latest = await probe_validation(
            resolver.link, resolver.control, table.probe_timeout, table.rules()
        )
        probe = succeed(resolver.probe, latest)
        if is_proven and not latest.is_conclusive:
            log.warning("resolver_probe_inconclusive", evidence=latest.evidence)
        is_new = probe.validates != resolver.probe.validates
        resolver.probe = probe
        if is_new:
            log.warning("resolver_probe", validates=probe.validates, evidence=probe.evidence)
            await tell()


async def watch_liveness(resolver: ResolverState, restart_after: float, tell: Tell) -> None:
    """Keep `resolver.hangs` up to date; kill a resolver that goes on hanging."""
    clock = asyncio.get_running_loop().time
    liveness = ResolverLiveness(resolver.link, resolver.control)
    alive_at = clock()
    while True:
        await asyncio.sleep(INTERVAL)
        hangs = await liveness.check(is_proven=resolver.probe.validates)
        if hangs != resolver.hangs:
            log.warning("resolver_hangs" if hangs else "resolver_lives_again", evidence=hangs)
            resolver.hangs = hangs
            await tell()
        if not hangs:
            alive_at = clock()
        elif resolver.kill is not None and clock() - alive_at > restart_after:
            resolver.kill()
            alive_at = clock()


async def adapt_limit(
    resolver: ResolverState, servicer: PerspectiveServicer, longest: float
) -> None:
    """Let in only as many questions as can be looked up in a part of the time they may take."""
    starvation = CpuStarvation(resolver.link, resolver.control)
    while True:
        await starvation.measure()
        load = servicer.load()
        is_slow = time.perf_counter() - load.oldest > _SLOW * longest
        servicer.limit.adjust(
            load.questions, strained=resolver.link.overload_history.is_on and is_slow
        )
