"""The program on the page for callers asks what the page says, and believes no refusal."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from coordinator.checks.caa.issuer import Issuer
from coordinator.decision.request import IssuanceRequest, RequestRules, read_request
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from tests.world.domain_control import KEY_AUTHORIZATION, TOKEN
from tests.world.samples import NOVEMBER, RULES

PAGE = (Path(__file__).parents[2] / "deploy" / "domain-control.md").read_text()
AGAINST = RequestRules(
    {"one": Issuer(frozenset({"ca.example.test"}))}, RULES.row, 5, 11.0, NOVEMBER
)
NAME = "www.example.com"
CREATED = NOVEMBER - timedelta(minutes=1)


class Service:
    """Reads what it is asked as a coordinator does, and answers what it was told to."""

    def __init__(self, **answer: bool) -> None:
        self.answer = c.CorroborateResponse(**answer)
        self.asked: list[IssuanceRequest] = []

    def Corroborate(self, question: c.CorroborateRequest, timeout: float) -> c.CorroborateResponse:  # noqa: N802 - gRPC's
        assert timeout > AGAINST.max_linger
        self.asked.append(read_request(question, AGAINST))
        return self.answer


@pytest.fixture(scope="module")
def program() -> dict[str, Any]:
    (text,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {}
    exec(text, names)  # noqa: S102 - the page's own
    return names


def test_it_validates_while_the_challenge_is_pending(program: dict[str, Any]) -> None:
    service = Service(corroborated=True)
    validate = program["validate"]
    assert validate(service, "r-1", NAME, TOKEN, KEY_AUTHORIZATION, CREATED) is service.answer
    (asked,) = service.asked
    assert not asked.may_permit
    assert [one.name for one in asked.names[0].checks] == ["domain_control"]
    # What would permit to issue is no validation.
    refusing = Service(approved=True)
    assert validate(refusing, "r-1", NAME, TOKEN, KEY_AUTHORIZATION, CREATED) is None


def test_it_asks_for_caa_before_it_issues(program: dict[str, Any]) -> None:
    service = Service(approved=True)
    account = "https://ca.example.test/acct/1"
    assert program["may_issue"](service, "r-2", {NAME: "http-01"}, account) is service.answer
    (asked,) = service.asked
    assert asked.may_permit
    caa = asked.names[0].checks[0].asked.caa
    assert (caa.validation_method, caa.account_uri) == ("http-01", account)
    # A corroborated validation is no permission to issue.
    assert program["may_issue"](Service(corroborated=True), "r-2", {NAME: "http-01"}, "") is None


def test_each_line_of_the_table_of_methods_is_accepted() -> None:
    rows = re.findall(r"^\| .* \| `(\w+=c\..*)` \| `([a-z0-9-]+)` \|$", PAGE, re.MULTILINE)
    assert len(rows) == 4
    for control, label in rows:
        filled = control.replace("token=...", "token=TOKEN").replace("=...", "=KEY_AUTHORIZATION")
        known = {"c": c, "o": o, "TOKEN": TOKEN, "KEY_AUTHORIZATION": KEY_AUTHORIZATION}
        made: c.DomainControl = eval(f"c.DomainControl({filled})", known)  # noqa: S307 - the page's own
        made.challenge_created_at.FromDatetime(CREATED)
        name = c.RequestedName(name=NAME, validation_method=label, domain_control=made)
        read_request(c.CorroborateRequest(request_id="r-3", names=[name]), AGAINST)
