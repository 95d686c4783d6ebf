"""Who sees a page, and who may ask anew; how errors are told; what is bounded."""

import asyncio
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import grpc
import pytest
from aiohttp import hdrs, web
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from coordinator.api.answers import Answers
from coordinator.api.explain import routes
from coordinator.api.explain.bounds import VIEWS, CheckBounds
from coordinator.api.explain.links import ExplanationLinks, LinkTerms
from coordinator.api.explain.routes import ExplanationPages
from coordinator.api.http.authentication import Access
from coordinator.api.http.gate import Gate
from coordinator.api.http.metrics import HttpMetrics
from coordinator.api.http.tokens import hash_token, make_token
from coordinator.api.sources import Sources
from coordinator.checks import ADDRESSES, CAA, DOMAIN_CONTROL
from coordinator.corroboration import Call
from coordinator.decision.attempt_id import make_id, show_id
from mpic.runtime.grpc.errors import RequestError
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import record_pb2 as r
from tests.world.records import CALLER, sample_record

NOW = datetime(2026, 12, 1, tzinfo=UTC)
TERMS = LinkTerms("https://mpic.example.ac.jp/p", bytes(range(32)), 3600)
AUDITOR = "spiffe://mpic.test/caller/auditor"
OTHER = "spiffe://mpic.test/caller/other"
TOKENS = {one: make_token() for one in (CALLER, AUDITOR, OTHER)}
SECRET = c.DomainControl(website_change=c.WebsiteChange(path="x", value_sha256=b"v" * 32))


TRANSPORT: Any = SimpleNamespace(
    get_extra_info=lambda name, default=None: ("192.0.2.9", 1) if name == "peername" else default,
    is_closing=lambda: False,
)


class Records:
    """What is recorded."""

    def __init__(self, *records: r.Record) -> None:
        self.by_id = {show_id(one.id): one for one in records}

    async def read_own(self, record_id: str, caller: str) -> r.Record:
        record = await self.read_linked(record_id)
        return record if caller in (record.caller, AUDITOR) else self._refuse()

    async def read_linked(self, record_id: str) -> r.Record:
        return self.by_id.get(record_id) or self._refuse()

    def _refuse(self) -> r.Record:
        raise RequestError(grpc.StatusCode.NOT_FOUND, "RECORD_NOT_FOUND", "none")


class Pages:
    """The pages over one record, and what is asked anew."""

    def __init__(self, record: r.Record, checks: tuple[str, ...] = (CAA, ADDRESSES)) -> None:
        self.record, self.records = record, Records(record)
        self.asked: list[tuple[c.CorroborateRequest, Call]] = []
        row = SimpleNamespace(checks=checks)
        admission = SimpleNamespace(name_caller=lambda identities: identities[0])
        corroborator: Any = SimpleNamespace(
            limiter=SimpleNamespace(admission=admission),
            row_in_force=lambda: row,
            corroborate=self.corroborate,
        )
        self.links = ExplanationLinks(TERMS, lambda: NOW)
        records: Any = self.records
        sources = Sources(records, tuple, Answers(), self.links)
        tokens = {hash_token(token): caller for caller, token in TOKENS.items()}
        self.access = Access(frozenset(TOKENS), "none", tokens)
        self.gate = Gate(self.access, HttpMetrics())
        self.pages = ExplanationPages(corroborator, sources, self.gate, lambda: NOW)

    async def corroborate(self, request: c.CorroborateRequest, call: Call) -> r.Record:
        self.asked.append((request, call))
        later = sample_record()
        later.id = make_id(NOW)
        later.caller, later.request_id, later.dry_run = call.caller, request.request_id, True
        self.records.by_id[show_id(later.id)] = later
        return later

    def url(self, more: str = "") -> str:
        return self.links.make(show_id(self.record.id)).removeprefix(TERMS.public_url) + more

    async def ask(
        self, url: str, method: str = "GET", headers: Mapping[str, str] | None = None
    ) -> web.Response:
        path, _, _ = url.partition("?")
        usual: dict[str, str] = {hdrs.HOST: "inside:8443", hdrs.ACCEPT: "text/html"}
        request = make_mocked_request(
            method,
            url,
            CIMultiDict[str]({**usual, **(headers or {})}),
            match_info={"record_id": path.rpartition("/")[2]},
            transport=TRANSPORT,
        )
        (route,) = [
            one for one in self.pages.public() if one.path == routes.PAGE and one.method == method
        ]
        return await route.handle(request)


def by(caller: str) -> dict[str, str]:
    return {hdrs.AUTHORIZATION: f"Bearer {TOKENS[caller]}"}


@pytest.fixture
def pages() -> Pages:
    return Pages(sample_record())


def has_button(response: web.Response) -> bool:
    assert isinstance(response.body, bytes)
    return b"<button" in response.body


async def test_a_link_opens_the_page_and_its_button_asks_anew(pages: Pages) -> None:
    response = await pages.ask(pages.url())
    assert (response.status, has_button(response)) == (200, True)
    answer = await pages.ask(pages.url("&lang=ja"), "POST")
    ((request, call),) = pages.asked
    assert (answer.status, call.caller, request.dry_run) == (303, CALLER, True)
    location = answer.headers[hdrs.LOCATION]
    assert location.startswith("?expires=")
    assert "lang=ja" in location
    after = await pages.ask(f"/explain/{show_id(pages.record.id)}{location.partition('#')[0]}")
    assert isinstance(after.body, bytes)
    assert b'id="after"' in after.body


async def test_a_check_that_is_of_another_record_is_not_shown(pages: Pages) -> None:
    other = sample_record()
    other.id = make_id(NOW)
    pages.records.by_id[show_id(other.id)] = other
    told = [
        await pages.ask(pages.url(f"&after={show_id(one)}"), headers={hdrs.ACCEPT: "*/*;q=0"})
        for one in (other.id, make_id(NOW))
    ]
    assert [one.status for one in told] == [404, 404]
    # Whether there is such a record is not told.
    assert told[0].body == told[1].body


async def test_a_record_is_one_however_its_id_is_written(pages: Pages) -> None:
    written = show_id(pages.record.id)
    pages.records.by_id[written.upper()] = pages.record
    first, second = (f"/explain/{one}" for one in (written, written.upper()))
    assert (await pages.ask(first, "POST", by(CALLER))).status == 303
    assert (await pages.ask(second, "POST", by(CALLER))).status == 429


async def test_who_may_read_what_others_asked_may_not_ask_for_them(pages: Pages) -> None:
    path = f"/explain/{show_id(pages.record.id)}"
    own, others = (
        await pages.ask(path, headers=by(CALLER)),
        await pages.ask(path, headers=by(AUDITOR)),
    )
    assert (own.status, has_button(own)) == (200, True)
    assert (others.status, has_button(others)) == (200, False)
    assert (await pages.ask(path, "POST", by(AUDITOR))).status == 409
    assert not pages.asked
    assert (await pages.ask(path)).status == 401


async def test_a_caller_does_not_see_what_others_asked(pages: Pages) -> None:
    response = await pages.ask(f"/explain/{show_id(pages.record.id)}", headers=by(OTHER))
    assert response.status == 404
    assert isinstance(response.body, bytes)
    assert show_id(pages.record.id).encode() not in response.body


async def test_wrong_links_are_counted_by_address(pages: Pages) -> None:
    answers = [await pages.ask(pages.url()[:-1]) for _ in range(11)]
    assert [one.status for one in answers] == [404] * 10 + [429]
    assert len({one.body for one in answers[:10]}) == 1
    assert (await pages.ask(pages.url())).status == 200
    gone = pages.url()
    pages.records.by_id.clear()
    assert (await pages.ask(gone)).body == answers[0].body


async def test_nothing_is_asked_for_a_caller_who_has_left_the_list(pages: Pages) -> None:
    pages.gate.adopt(Access(frozenset({AUDITOR}), "none", pages.access.tokens))
    assert not has_button(await pages.ask(pages.url()))
    assert (await pages.ask(pages.url(), "POST")).status == 409
    assert not pages.asked


async def test_nothing_is_asked_where_the_policy_demands_what_is_not_recorded() -> None:
    record = sample_record()
    record.names[0].checks.add(domain_control=c.RequestedDomainControl(control=SECRET))
    assert has_button(await Pages(record).ask(Pages(record).url()))
    strict = Pages(record, (CAA, DOMAIN_CONTROL))
    assert not has_button(await strict.ask(strict.url()))


@pytest.mark.parametrize(
    ("headers", "by_link", "status"),
    [
        ({"Origin": "https://mpic.example.ac.jp"}, False, 303),
        ({"Origin": "https://inside:8443"}, False, 303),
        ({"Origin": "null"}, True, 303),
        ({"Origin": "null"}, False, 403),
        ({"Origin": "https://evil.example"}, True, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "https://mpic.example.ac.jp"}, False, 403),
    ],
)
async def test_a_form_comes_from_the_page_itself(
    pages: Pages, headers: dict[str, str], by_link: bool, status: int
) -> None:
    url = pages.url() if by_link else f"/explain/{show_id(pages.record.id)}"
    credentials = {} if by_link else by(CALLER)
    response = await pages.ask(url, "POST", {**headers, **credentials})
    assert (response.status, len(pages.asked)) == (status, status == 303)


async def test_too_often_is_told_with_the_time_to_wait(pages: Pages) -> None:
    assert (await pages.ask(pages.url(), "POST")).status == 303
    response = await pages.ask(pages.url(), "POST")
    assert (response.status, response.headers["Retry-After"]) == (429, "30")
    assert isinstance(response.body, bytes)
    assert b"30 seconds" in response.body


async def test_a_program_is_told_problem_details(pages: Pages) -> None:
    response = await pages.ask(pages.url()[:-1], headers={hdrs.ACCEPT: "*/*"})
    assert (response.status, response.content_type) == (404, "application/problem+json")


async def test_what_breaks_is_told_without_its_text(
    pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: object) -> bytes:
        raise ValueError("a secret of the service")

    monkeypatch.setattr(routes, "make_page", break_down)
    response = await pages.ask(pages.url())
    assert isinstance(response.body, bytes)
    assert response.status == 500
    assert b"a secret" not in response.body
    assert b"ja" in response.body


async def test_few_pages_are_made_at_a_time_and_few_wait(
    pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, end = 0, asyncio.Event()

    async def make(*_: object) -> bytes:
        nonlocal begun
        begun += 1
        await end.wait()
        return b""

    monkeypatch.setattr(asyncio, "to_thread", make)
    asking = [asyncio.create_task(pages.ask(pages.url())) for _ in range(routes.PAGES_WAITING)]
    for _ in range(5):
        await asyncio.sleep(0)
    assert begun == routes.PAGES_AT_A_TIME
    assert (await pages.ask(pages.url())).status == 503
    end.set()
    assert {one.status for one in await asyncio.gather(*asking)} == {200}
    assert (await pages.ask(pages.url())).status == 200


async def test_a_link_shows_few_pages_a_minute_and_a_caller_sees_all(pages: Pages) -> None:
    answers = [(await pages.ask(pages.url())).status for _ in range(VIEWS + 1)]
    assert answers == [200] * VIEWS + [429]
    path = f"/explain/{show_id(pages.record.id)}"
    assert (await pages.ask(path, headers=by(CALLER))).status == 200


async def test_a_form_has_no_content(pages: Pages) -> None:
    length = str(routes.FORM_OCTETS + 1)
    response = await pages.ask(pages.url(), "POST", {hdrs.CONTENT_LENGTH: length})
    assert (response.status, pages.asked) == (413, [])


async def test_a_check_that_is_given_up_makes_room(pages: Pages) -> None:
    entered: list[AbstractContextManager[None]] = []
    bounds = CheckBounds(lambda: 0.0)
    pages.pages._bounds = bounds

    async def fail(*_: object) -> r.Record:
        entered.append(bounds.enter("x", "192.0.2.1"))
        raise asyncio.CancelledError

    corroborator: Any = pages.pages._corroborator
    corroborator.corroborate = fail
    with pytest.raises(asyncio.CancelledError):
        await pages.ask(pages.url(), "POST")
    assert not bounds._running
