"""The pages: everything of strangers is text, and what fails is found."""

import re

import pytest

from coordinator.api.preflight.coming import DATES, ComingChange
from coordinator.api.preflight.handed_in import read_pasted
from coordinator.api.preflight.jobs import PreflightJob, PreflightJobs
from coordinator.api.preflight.page import (
    ROWS,
    JobView,
    StartView,
    render_job,
    render_sign_in,
    render_start,
)
from coordinator.rules.policy import Policy
from mpic.ask.lists.journal import JournalLine, LineState
from mpic.words import Language
from tests.world.samples import NOVEMBER

HOSTILE = "<script>\u202eabc</script>"


def make_job(count: int = 3) -> PreflightJob:
    text = "".join(f"h{number}.example\n" for number in range(count))
    job = PreflightJobs().add("one", "", read_pasted(text))
    for number in range(1, count):
        is_bad = number % 2 == 1
        state = LineState.REFUSED if is_bad else LineState.APPROVED
        words = {"verdict": state.value, "reason": HOSTILE, "remedy": ""}
        result = {"words": words, "record_id": "r-1"}
        names = (f"h{number - 1}.example",)
        line = JournalLine(number, "", names, b"", state, "", result)
        job.end(number, {"en": line, "ja": line})
    return job


def show(
    job: PreflightJob, language: Language = "en", first: int = 0, *, only_bad: bool = False
) -> str:
    return render_job(JobView(job, language, only_bad, first, Policy(), NOVEMBER)).decode()


def test_a_page_shows_each_line_and_how_many_there_are() -> None:
    page = show(make_job())
    assert page.count("<tr>") == 1 + 3 + 1 + 3
    assert "h2.example" in page
    assert 'href="../explain/r-1?lang=en"' in page
    assert "<script" not in page
    assert "\u202e" not in page


def test_what_fails_alone_is_shown() -> None:
    page = show(make_job(), only_bad=True)
    assert "h0.example" in page
    assert "h1.example" not in page
    assert 'href="?lang=ja' not in page
    assert "show=bad&amp;lang=ja" in page


@pytest.mark.parametrize(("first", "names"), [(0, ROWS), (ROWS, ROWS), (2 * ROWS, 100)])
def test_a_long_list_has_pages(first: int, names: int) -> None:
    page = show(make_job(2 * ROWS + 100), first=first)
    assert len(re.findall(r"</span> \d+</th>", page)) == names
    assert ('rel="prev"' in page) is bool(first)
    assert ('rel="next"' in page) is (first < 2 * ROWS)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_what_changes_later_is_told(language: Language) -> None:
    job = make_job()
    page = show(job, language)
    assert page.count('<time datetime="2026-12-15">') == 1
    others = {"en": "other rules of corroboration hold", "ja": "確認の規則が変わりますが"}
    assert page.count(others[language]) == 1  # the same row is in force at the dates after it
    assert page.count('<time datetime="2029-03-15">') == 2
    assert "<td>47</td><td>10</td><td>8</td><td>24</td>" in page
    job.changes[2] = [ComingChange(DATES[0], "h1.example", "TOO_FEW_REMOTES")]
    assert "TOO_FEW_REMOTES" in show(job, language)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_other_pages(language: Language) -> None:
    job = make_job()
    start = render_start(StartView(["one", "two"], [job], HOSTILE, can_sign_out=True), language)
    assert b"<script" not in start
    assert b"<option>two</option>" in start
    assert f"preflight/{job.id}?lang={language}".encode() in start
    assert b"preflight/sign-out" in start
    sign_in = render_sign_in(language, "../", is_wrong=True)
    assert b'action="../preflight/sign-in' in sign_in
    assert b'type="password"' in sign_in
    assert b"../explain/style.css" in sign_in
