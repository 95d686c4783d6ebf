"""A second way of looking, with targets and results of its own, beside DNS in one question.

Neither `examine` nor `wants` knows of it: here are all the parts that a way of looking needs.
"""

import asyncio
import gc
import weakref
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from structlog.testing import capture_logs

from mpic.bounds import FINDING_OCTETS
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p
from perspective_agent import examine
from perspective_agent.checks import CHECKS
from perspective_agent.dns.lookup import Answer, LookupTarget
from perspective_agent.dns.wire import A
from perspective_agent.examine import Examination
from perspective_agent.wants import Missing, PendingResult, Step, Want

NAME = "www.example.test"
TEXT = "token"


class Page(NamedTuple):
    """What came of a fetch."""

    text: str = ""
    failure: str = ""
    lookups_us: tuple[int, ...] = ()


class Fetch(NamedTuple):
    """What to fetch."""

    url: str

    def too_large(self, detail: str) -> Page:
        return Page(failure=f"too large: {detail}")


class PendingPage:
    """A fetch on its way."""

    no_times = (0, 0)

    def __init__(self, receive: Callable[[Page], None]) -> None:
        self.is_open = True
        self.is_queued = False
        self.withdrawn = 0
        self.released = asyncio.Event()
        self._receive: Callable[[Page], None] | None = receive

    def answer(self, page: Page) -> None:
        assert self._receive is not None
        receive, self._receive = self._receive, None
        self.is_open = False
        receive(page)

    def cut_short(self, since: float, seconds: float) -> Page:
        assert since > 0
        return Page(failure=f"no page within {seconds:g} s", lookups_us=(5, 0))

    def withdraw(self) -> None:
        self.withdrawn += 1

    def release(self, receive: Callable[[Page], None]) -> None:
        assert receive == self._receive
        self.released.set()


class PageCheck:
    """An address first, then a page: two ways of looking in one check."""

    def __init__(self, name: str) -> None:
        self._lookup = LookupTarget(name, A)
        self._fetch = Fetch(f"http://{name}/")

    def start(self) -> Step:
        return [Want(self._lookup, self._take_address)]

    def _take_address(self, answer: Answer) -> Step:
        assert answer.levels[0].name == NAME
        return [Want(self._fetch, self._take_page)]

    def _take_page(self, page: Page) -> o.Finding:
        finding = o.Finding()
        finding.addresses.lookup.name = page.text
        if page.failure:
            finding.addresses.lookup.failure.detail = page.failure
        return finding

    def finish(self, missing: Missing) -> o.Finding:
        return self._take_page(missing(self._fetch))


class World:
    """Both ways, and the examination of one question that wants both."""

    def __init__(self, timeout: float = 10.0) -> None:
        self.pages: list[PendingPage] = []
        self.reports: list[p.EncodedObservation] = []
        self._is_reported = asyncio.Event()
        question = p.Question(id=7, name=NAME, checks=[p.Check(addresses=p.AddressLookup())])
        ways = {LookupTarget: self._look_up, Fetch: self._fetch}
        self.examination = Examination(question, ways, timeout, self._take)
        self.examination.start()

    def _look_up(
        self, target: LookupTarget, receive: Callable[[Answer], None]
    ) -> PendingResult[Answer]:
        pending: Any = PendingPage(lambda _: None)
        found = Answer((o.Lookup(name=target.name, absence=o.ABSENCE_NO_DATA),), (3,))
        pending.is_open = False
        pending.release = lambda _: None
        pending.withdraw = lambda: None
        asyncio.get_running_loop().call_soon(receive, found)
        return pending  # type: ignore[no-any-return]

    def _fetch(self, target: Fetch, receive: Callable[[Page], None]) -> PendingPage:
        assert target.url == f"http://{NAME}/"
        self.pages.append(PendingPage(receive))
        return self.pages[-1]

    async def page(self) -> PendingPage:
        await asyncio.sleep(0)
        (page,) = self.pages
        return page

    def _take(self, report: p.EncodedObservation) -> None:
        self.reports.append(report)
        self._is_reported.set()

    async def wait(self) -> None:
        await asyncio.wait_for(self._is_reported.wait(), 30)

    @property
    def finding(self) -> o.Finding:
        (report,) = self.reports
        (finding,) = o.Observation.FromString(report.observation).findings
        return finding


@pytest.fixture(autouse=True)
def _page_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CHECKS, "addresses", lambda name, _: PageCheck(name))
    monkeypatch.setattr(examine, "_OVERDUE", 3600.0)  # however late this test's timer comes


async def test_its_result_is_the_finding_and_its_times_follow_those_of_dns() -> None:
    world = World()
    (await world.page()).answer(Page(TEXT, lookups_us=(4, 9)))
    assert world.finding.addresses.lookup.name == TEXT
    assert list(world.reports[0].lookups_us) == [3, 4, 9]
    assert world.examination._deadline.cancelled()


async def test_an_examination_that_has_ended_leaves_nothing_to_the_collector() -> None:
    """Thousands end each second: cycles would cost more than the memory."""
    world = World()
    (await world.page()).answer(Page(TEXT))
    ended = weakref.ref(world.examination)
    gc.disable()
    try:
        world.pages.clear()
        del world.examination
        assert ended() is None
    finally:
        gc.enable()


async def test_a_failure_of_it_is_a_result_like_any_other() -> None:
    world = World()
    (await world.page()).answer(Page(failure="refused", lookups_us=(4, 0)))
    assert world.finding.addresses.lookup.failure.detail == "refused"


async def test_at_the_deadline_it_says_itself_how_it_was_cut_short() -> None:
    world = World(timeout=0.02)
    page = await world.page()
    await world.wait()
    assert world.finding.addresses.lookup.failure.detail == "no page within 0.02 s"
    assert list(world.reports[0].lookups_us) == [3, 5, 0]
    await asyncio.wait_for(page.released.wait(), 30)
    assert not page.withdrawn


async def test_what_of_it_our_own_load_kept_from_being_sent_is_nobodys_failure() -> None:
    world = World(timeout=0.02)
    (await world.page()).is_queued = True
    await world.wait()
    assert world.finding.not_run.kind == o.FAILURE_KIND_OVERLOADED
    assert list(world.reports[0].lookups_us) == [3, 0, 0]


async def test_what_is_withdrawn_is_withdrawn_there_and_released_at_the_deadline() -> None:
    world = World(timeout=0.02)
    page = await world.page()
    world.examination.withdraw()
    assert page.withdrawn == 1
    assert not page.released.is_set()
    await asyncio.wait_for(page.released.wait(), 30)
    assert not world.reports


async def test_what_is_too_large_is_a_failure_in_its_own_form() -> None:
    world = World()
    (await world.page()).answer(Page("x" * FINDING_OCTETS, lookups_us=(4, 9)))
    assert world.finding.addresses.lookup.failure.detail.startswith("too large: ")
    assert len(world.reports[0].observation) < FINDING_OCTETS


class ReadyCheck(PageCheck):
    """Knows its finding before anything is looked at."""

    def start(self) -> Step:
        return self._take_page(Page("asked for in vain"))


async def test_what_a_check_knows_at_once_needs_no_lookup(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CHECKS, "addresses", lambda name, _: ReadyCheck(name))
    world = World()
    await world.wait()
    assert world.finding.addresses.lookup.name == "asked for in vain"
    assert not world.reports[0].lookups_us


class BrokenCheck(PageCheck):
    """A check with a defect, in one of the places where the examination calls it."""

    broken = ""

    def start(self) -> Step:
        if self.broken == "start":
            raise RuntimeError(self.broken)
        return super().start()

    def _take_address(self, answer: Answer) -> Step:
        if self.broken == "take":
            raise RuntimeError(self.broken)
        return super()._take_address(answer)

    def finish(self, missing: Missing) -> o.Finding:
        if self.broken == "finish":
            raise RuntimeError(self.broken)
        return super().finish(missing)


@pytest.mark.parametrize("broken", ["make", "start", "take", "finish"])
async def test_a_check_that_breaks_is_reported_as_not_run(
    monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def make(name: str, _: p.Check) -> BrokenCheck:
        if broken == "make":
            raise RuntimeError(broken)
        check = BrokenCheck(name)
        check.broken = broken
        return check

    monkeypatch.setitem(CHECKS, "addresses", make)
    with capture_logs() as lines:
        world = World(timeout=0.05)
        await world.wait()
    assert world.finding.not_run.kind == o.FAILURE_KIND_INTERNAL
    assert [line["event"] for line in lines] == ["check_broken"]
    world.examination.withdraw()  # whatever broke, it can be ended
