"""A resolver that does not get to its work: what fails then is the agent's own failure."""

import asyncio
import os
import re
import signal

from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p
from perspective_agent.cpu_starvation import CpuStarvation
from perspective_agent.dns.lookup import LookupTarget
from perspective_agent.dns.resolver import ResolverLink
from perspective_agent.dns.shared_lookups import SharedLookups
from perspective_agent.examine import Examination
from perspective_agent.unbound.configuration import UnboundOptions
from perspective_agent.unbound.control import FailureEraser, UnboundControl
from perspective_agent.unbound.process import PrivateUnbound
from tests.world.internet import Internet

QUESTION = p.Question(
    id=1,
    name="child.parent.example.co.jp",
    timeout_ms=3000,
    checks=[p.Check(caa_walk=p.CaaWalk()), p.Check(addresses=p.AddressLookup())],
)


def options(internet: Internet) -> UnboundOptions:
    return UnboundOptions(
        trust_anchor_file=internet.trust_anchor_file,
        root_hints_file=internet.root_hints_file,
        ipv6=False,
        allow_special_purpose_servers=True,
    )


def failures(report: p.EncodedObservation) -> list[o.Failure]:
    """Return what each check failed by, whether it was not run or its lookup failed."""
    found = []
    for finding in o.Observation.FromString(report.observation).findings:
        lookup = finding.addresses.lookup
        if finding.HasField("caa_walk"):
            lookup = finding.caa_walk.levels[-1]
        found.append(finding.not_run if finding.HasField("not_run") else lookup.failure)
    return found


async def feel_for_ever(exertion: CpuStarvation) -> None:
    while True:
        await exertion.measure()


async def find_process(control: UnboundControl) -> int:
    """Return which process Unbound is, once it listens to who asks."""
    while True:
        try:
            status = await control.command("status")
        except OSError:
            await asyncio.sleep(0.01)
        else:
            found = re.search(r"\(pid (\d+)\)", status)
            assert found
            return int(found[1])


async def examine(unbound: PrivateUnbound) -> p.EncodedObservation:
    """Ask a question of a resolver that is stopped."""
    control = UnboundControl(unbound.control_socket)
    pid = await find_process(control)
    resolver = ResolverLink(unbound.address, FailureEraser(control).erase)
    reported: asyncio.Future[p.EncodedObservation] = asyncio.get_running_loop().create_future()
    watch = asyncio.create_task(feel_for_ever(CpuStarvation(resolver, control)))
    os.kill(pid, signal.SIGSTOP)
    try:
        Examination(
            QUESTION,
            {LookupTarget: SharedLookups(resolver, lambda: True).start},
            10,
            reported.set_result,
        ).start()
        return await reported
    finally:
        os.kill(pid, signal.SIGCONT)
        watch.cancel()
        resolver.close()


async def test_a_resolver_that_does_not_run_is_held_against_no_domain(internet: Internet) -> None:
    unbound = PrivateUnbound(options(internet))
    await unbound.start()
    try:
        report = await examine(unbound)
    finally:
        await unbound.stop()
    assert [failure.kind for failure in failures(report)] == [o.FAILURE_KIND_OVERLOADED] * 2
