"""Bounds of asking servers directly: whatever the delegations are, it ends, and without proof."""

import asyncio

import dns.name
import pytest

from mpic.v1 import observation_pb2 as o
from perspective_agent.diagnosis import servers as module
from perspective_agent.diagnosis.referral import Delegation
from perspective_agent.diagnosis.servers import AT_A_TIME, MOST_DELEGATIONS, Diagnoser
from perspective_agent.dns.overload_history import OverloadHistory
from perspective_agent.egress import Egress

NAME = "www.example.test"
SERVERS = {dns.name.from_text("ns.example.test"): frozenset({"203.0.113.1"})}


def diagnoser() -> Diagnoser:
    return Diagnoser(("127.0.0.1", 9), Egress(), OverloadHistory())


def fill_with(monkeypatch: pytest.MonkeyPatch, fill: object) -> None:
    monkeypatch.setattr(Diagnoser, "_fill", fill)


async def test_delegations_without_end_are_no_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    followed = 0

    async def root(_: Diagnoser) -> Delegation:
        return Delegation(dns.name.root, SERVERS)

    async def follow(*_: object) -> Delegation:
        nonlocal followed
        followed += 1
        return Delegation(dns.name.from_text(f"{followed}.test"), SERVERS)

    monkeypatch.setattr(Diagnoser, "_find_root", root)
    monkeypatch.setattr(Diagnoser, "_follow", follow)
    diagnosis = await diagnoser().diagnose(NAME)
    assert diagnosis.incomplete == "more than 16 delegations lead to it"
    assert followed == MOST_DELEGATIONS


async def test_what_takes_too_long_is_no_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fill(_: Diagnoser, diagnosis: o.Diagnosis, __: object) -> None:
        diagnosis.zone = "example.test"
        await asyncio.Event().wait()

    fill_with(monkeypatch, fill)
    monkeypatch.setattr(module, "SECONDS", 0.01)
    diagnosis = await diagnoser().diagnose(NAME)
    assert diagnosis.incomplete == "it would take more than 0.01 s"


async def test_what_breaks_here_is_no_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fill(*_: object) -> None:
        raise RuntimeError("broken")

    fill_with(monkeypatch, fill)
    diagnosis = await diagnoser().diagnose(NAME)
    assert diagnosis.incomplete == "this agent failed at it"


async def test_few_names_are_looked_into_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    began, release = 0, asyncio.Event()

    async def fill(*_: object) -> None:
        nonlocal began
        began += 1
        await release.wait()

    fill_with(monkeypatch, fill)
    one = diagnoser()
    looking = [asyncio.create_task(one.diagnose(NAME)) for _ in range(AT_A_TIME + 3)]
    for _ in range(10):
        await asyncio.sleep(0)
    assert began == AT_A_TIME
    release.set()
    await asyncio.gather(*looking)
    assert began == AT_A_TIME + 3


@pytest.mark.parametrize(
    ("egress", "address", "says"),
    [
        (Egress(), "192.0.2.1", "a special-purpose address"),
        (Egress(), "10.0.0.1", "a special-purpose address"),
        (Egress(), "169.254.169.254", "a special-purpose address"),
        (Egress(), "127.0.0.1", "a special-purpose address"),
        (Egress(), "::1", "a special-purpose address"),
        (Egress(), "::ffff:8.8.8.8", "a special-purpose address"),
        (Egress(), "2001:db8::1", "a special-purpose address"),
        (Egress(), "198.41.0.4", ""),
        (Egress(), "2a00::1", ""),
        (Egress(ipv6=False), "2a00::1", "does not use IPv6"),
        (Egress(ipv6=False), "198.41.0.4", ""),
        (Egress(("198.18.0.10",)), "2a00::1", "asks from 198.18.0.10 alone"),
        (Egress(("2a00::2",)), "198.41.0.4", "asks from 2a00::2 alone"),
        (Egress(("2a00::2",)), "2a00::1", ""),
        (Egress(allow_special_purpose=True), "10.0.0.1", ""),
        (Egress(allow_special_purpose=True, ipv6=False), "::1", "does not use IPv6"),
    ],
)
def test_rfc_8659_6_3_whom_our_rules_let_us_ask(egress: Egress, address: str, says: str) -> None:
    bar = egress.find_bar(address)
    assert says in bar
    assert bool(bar) == bool(says)
