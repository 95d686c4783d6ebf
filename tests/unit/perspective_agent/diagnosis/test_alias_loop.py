"""Aliases that lead back to themselves, as the server of their zone shows them."""

from collections.abc import Mapping

import dns.message
import dns.name
import dns.rrset
import pytest

from mpic.v1 import observation_pb2 as o
from perspective_agent.diagnosis import alias_loop
from perspective_agent.diagnosis.alias_loop import is_loop
from perspective_agent.diagnosis.direct_query import DirectQuery, QueryResult
from perspective_agent.egress import Egress

ZONE = dns.name.from_text("a.test")


@pytest.mark.parametrize(
    ("aliases", "is_one"),
    [
        ({"www": "www"}, True),
        ({"www": "b", "b": "www"}, True),
        # It need not come back to the first.
        ({"www": "b", "b": "c", "c": "b"}, True),
        ({}, False),
        ({"www": "b"}, False),
        ({"www": "b.other.test."}, False),
        ({"www": "n0", **{f"n{n}": f"n{n + 1}" for n in range(100)}}, False),
    ],
)
async def test_whether_aliases_loop(
    monkeypatch: pytest.MonkeyPatch, aliases: Mapping[str, str], *, is_one: bool
) -> None:
    asked: list[DirectQuery] = []

    async def ask(_: str, question: DirectQuery, *__: object) -> QueryResult:
        asked.append(question)
        message = dns.message.make_response(question.make_query(edns=False))
        for owner, target in aliases.items():
            if dns.name.from_text(owner, ZONE) == question.name:
                to = dns.name.from_text(target, ZONE)
                rrset = dns.rrset.from_text(question.name, 60, "IN", "CNAME", to.to_text())
                message.answer.append(rrset)
        return QueryResult(o.SERVER_OUTCOME_ANSWERED, message)

    monkeypatch.setattr(alias_loop, "ask_once", ask)
    name = dns.name.from_text("www", ZONE)
    assert await is_loop(name, ZONE, "192.0.2.1", Egress()) is is_one
    assert len(asked) <= alias_loop.MOST_ALIASES
    assert all(question.name.is_subdomain(ZONE) for question in asked)


async def test_silence_shows_no_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    async def ask(*_: object) -> QueryResult:
        return QueryResult(o.SERVER_OUTCOME_SILENT)

    monkeypatch.setattr(alias_loop, "ask_once", ask)
    assert not await is_loop(dns.name.from_text("www", ZONE), ZONE, "192.0.2.1", Egress())
