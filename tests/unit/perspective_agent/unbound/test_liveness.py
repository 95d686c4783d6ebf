"""The pulse: an answer is life, so is a reply over the control socket, even a refusal."""

import asyncio
from pathlib import Path

import pytest

from perspective_agent.dns.resolver import ResolverLink
from perspective_agent.unbound import liveness as pulse
from perspective_agent.unbound.control import UnboundControl
from perspective_agent.unbound.liveness import ResolverLiveness

SOCKET = Path("/run/control")


class Control(UnboundControl):
    """Does what an Unbound does that lives, refuses, hangs or is dead."""

    def __init__(self, does: str | Exception) -> None:
        super().__init__(SOCKET)
        self.does = does

    async def command(self, command: str) -> str:
        assert command == "status"
        if isinstance(self.does, Exception):
            raise self.does
        if not self.does:
            await asyncio.sleep(3600)
        return self.does


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse, "_REPLY_SECONDS", 0.01)


def resolver(in_flight: int = 1) -> ResolverLink:
    """Return a link over which so many lookups are open."""
    link = ResolverLink(("127.0.0.1", 9))
    link.in_flight = in_flight
    return link


@pytest.mark.parametrize("does", ["version: 1.17.1", ValueError("error unknown command")])
async def test_a_reply_is_a_sign_of_life(does: str | Exception) -> None:
    one = ResolverLiveness(resolver(), Control(does))
    assert [await one.check(is_proven=True) for _ in range(4)] == [""] * 4


async def test_silence_is_a_hung_resolver_the_second_time_and_until_it_ends() -> None:
    control = Control("")
    one = ResolverLiveness(resolver(), control)
    hung = f"no reply within 0.01 s over {SOCKET}"
    assert [await one.check(is_proven=True) for _ in range(4)] == ["", hung, hung, hung]
    control.does = "version: 1.17.1"
    assert await one.check(is_proven=True) == ""
    control.does = ""
    assert [await one.check(is_proven=True) for _ in range(2)] == ["", hung]


async def test_an_answer_about_anything_is_a_sign_of_life() -> None:
    asked = resolver()
    one = ResolverLiveness(asked, Control(""))
    for _ in range(4):
        asked.heard += 1
        assert await one.check(is_proven=True) == ""
    assert await one.check(is_proven=True) == ""
    assert await one.check(is_proven=True)
    asked.heard += 1
    assert await one.check(is_proven=True) == ""


async def test_a_socket_nobody_holds_is_a_dead_resolver() -> None:
    one = ResolverLiveness(resolver(), Control(FileNotFoundError(2, "No such file or directory")))
    assert await one.check(is_proven=True) == ""
    assert await one.check(is_proven=True) == f"{SOCKET}: No such file or directory"


async def test_a_resolver_that_is_asked_nothing_is_left_alone_until_it_is_asked() -> None:
    asked = resolver(in_flight=0)
    one = ResolverLiveness(asked, Control(""))
    assert [await one.check(is_proven=True) for _ in range(4)] == [""] * 4
    assert await one.check(is_proven=False) == "", "one miss"
    assert await one.check(is_proven=True)
    one = ResolverLiveness(asked, Control(""))
    asked.in_flight = 1
    assert await one.check(is_proven=True) == ""
    asked.in_flight = 0
    assert [bool(await one.check(is_proven=True)) for _ in range(3)] == [True] * 3, (
        "until it lives again"
    )
