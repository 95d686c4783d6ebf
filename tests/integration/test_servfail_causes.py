"""Why a lookup failed, as an agent with Debian's Unbound tells it: cause and zone of each fault.

One resolver looks up all of them; each is a zone of its own, so that no fault touches another.
"""

import asyncio
from collections.abc import Iterable, Mapping

import pytest

from mpic.v1 import observation_pb2 as o
from perspective_agent.diagnosis.servfail_cause import ServfailExplainer
from perspective_agent.dns.lookup import LookupTarget
from perspective_agent.dns.resolver import ResolverLink
from perspective_agent.dns.wire import CAA
from perspective_agent.egress import Egress
from perspective_agent.unbound.configuration import UnboundOptions
from perspective_agent.unbound.control import FailureEraser, UnboundControl
from perspective_agent.unbound.process import PrivateUnbound
from tests.world import network, zones
from tests.world.internet import Internet

SOURCE = network.perspective_address(8)
UNTOUCHED = "child.plain.example.co.jp"


def hostile(behaviour: str) -> tuple[str, str]:
    zone = f"{behaviour}.{zones.HOSTILE_ZONE}"
    return f"www.{zone}", zone


LAME = "lame.example.co.jp"
CASES = {
    "REFUSED by a BIND that lacks the zone": (f"www.{LAME}", LAME, "REFUSED"),
    "REFUSED": (*hostile("refused"), "REFUSED"),
    "SERVFAIL": (*hostile("servfail"), "SERVER_FAILED"),
    "NOTIMP": (*hostile("notimp"), "SERVER_FAILED"),
    "no authority, and no referral": (*hostile("lame"), "LAME"),
    "silent": (*hostile("silent"), "SILENT"),
    "silent to CAA alone": (*hostile("dropcaa"), "SILENT"),
    "EDNS dropped": (*hostile("dropsedns"), "EDNS_DROPPED"),
    "TCP closed": (*hostile("truncated"), "TCP_CLOSED"),
    "garbage": (*hostile("garbage"), "UNREADABLE"),
    "no glue": ("www.one.example.co.jp", "one.example.co.jp", "NO_ADDRESS"),
    "only AAAA, and no IPv6 here": (f"www.{zones.V6_ONLY}", zones.V6_ONLY, "ADDRESS_NOT_USABLE"),
    "aliases that loop": ("alias-loop.caa.example.co.jp", "caa.example.co.jp", "ALIAS_LOOP"),
    "an alias": ("alias.plain.example.co.jp", zones.LAME_SIGNED, "REFUSED"),
}


async def look_up(internet: Internet, names: Iterable[str]) -> Mapping[str, o.Lookup]:
    """Look CAA of all names up at a time, with an agent's own Unbound."""
    options = UnboundOptions(
        internet.trust_anchor_file,
        internet.root_hints_file,
        outgoing_address=SOURCE,
        ipv6=False,
        allow_special_purpose_servers=True,
    )
    unbound = PrivateUnbound(options)
    await unbound.start()
    control = UnboundControl(unbound.control_socket)
    link = ResolverLink(unbound.address, FailureEraser(control).erase)
    egress = Egress((SOURCE,), ipv6=False, allow_special_purpose=True)
    link.explainer = ServfailExplainer(unbound.servfails, control.command, egress)
    loop = asyncio.get_running_loop()

    async def look(name: str) -> o.Lookup:
        found: asyncio.Future[o.Lookup] = loop.create_future()
        link.ask(LookupTarget(name, CAA), lambda answer, _: found.set_result(answer))
        return await found

    try:
        async with asyncio.timeout(120):
            answers = await asyncio.gather(*map(look, names))
    finally:
        link.close()
        await unbound.stop()
    return dict(zip(names, answers, strict=True))


@pytest.fixture(scope="module")
def answers(internet: Internet) -> Mapping[str, o.Lookup]:
    return asyncio.run(look_up(internet, [UNTOUCHED, *(name for name, _, _ in CASES.values())]))


@pytest.mark.parametrize("case", CASES)
def test_each_fault_has_its_cause_and_its_zone(answers: Mapping[str, o.Lookup], case: str) -> None:
    name, zone, cause = CASES[case]
    failure = answers[name].failure
    is_ours = "no IPv6 here" in case
    kind = o.FAILURE_KIND_NO_WAY_OUT if is_ours else o.FAILURE_KIND_SERVFAIL
    assert failure.kind == kind
    told = o.FailureCause.Name(failure.cause).removeprefix("FAILURE_CAUSE_")
    assert (told, failure.zone) == (cause, zone), failure
    if zone:
        why = "the resolver answered SERVFAIL: all servers for this domain"
        assert failure.detail.startswith(why)
    assert answers[name].tries == 2


def test_what_is_answered_has_no_cause(answers: Mapping[str, o.Lookup]) -> None:
    assert answers[UNTOUCHED].HasField("absence")


def test_a_top_level_domain_that_is_down_is_named(internet: Internet) -> None:
    for server in (network.TLD, network.FAR[network.TLD]):
        network.black_hole(SOURCE, server)
    failure = asyncio.run(look_up(internet, [UNTOUCHED]))[UNTOUCHED].failure
    assert (failure.cause, failure.zone) == (o.FAILURE_CAUSE_SILENT, "jp"), failure
