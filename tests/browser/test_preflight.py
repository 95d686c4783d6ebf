"""The officer's page: sign in, hand a list in, see what fails, take the file away."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.pages import (
    DESK,
    PHONE,
    find_unreached,
    find_violations,
    is_within_width,
    opened,
)
from tests.world import zones
from tests.world.applications import application
from tests.world.browsing import FormSender
from tests.world.deployment import Deployment
from tests.world.http_caller import CALLER, TOKEN, HttpCaller
from tests.world.process import wait_until
from tests.world.scenes import PUBLIC_URL

GOOD, BAD = "child.parent.example.co.jp", f"other.{zones.CAA.name}"
URL = f"{PUBLIC_URL}/preflight"
SIGN_IN, CHECK = "サインイン", "確認する"


def sign_in(page: Page) -> None:
    page.get_by_label("トークン", exact=True).fill(TOKEN)
    page.get_by_role("button", name=SIGN_IN).click()
    page.wait_for_url("**/preflight?lang=ja")


def wait_for_end(page: Page) -> None:
    page.get_by_text("確認が終わりました").wait_for(timeout=60_000)


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_an_officer_checks_a_list_and_takes_it_away(
    deployment: Deployment, browser: Browser, artefacts: Path, tmp_path: Path, width: int
) -> None:
    deployment.wait_ready()
    lines = [application(GOOD), application(BAD), application("localhost")]
    file = tmp_path / "applications.tsv"
    file.write_bytes("\r\n".join(lines).encode("cp932") + b"\r\n")
    with opened(browser, URL, "ja", width) as page:
        page.screenshot(path=artefacts / f"preflight-sign-in-ja-{width}.png", full_page=True)
        assert find_violations(page) == []
        sign_in(page)
        assert find_violations(page) == []
        assert find_unreached(page) == []
        page.screenshot(path=artefacts / f"preflight-ja-{width}.png", full_page=True)
        page.locator("#list").set_input_files(file)
        page.get_by_role("button", name=CHECK).click()
        wait_for_end(page)
        assert find_violations(page) == []
        assert is_within_width(page)
        page.screenshot(path=artefacts / f"preflight-results-ja-{width}.png", full_page=True)
        text = page.locator("main").inner_text()
        assert [one in text for one in (GOOD, BAD, "発行可", "発行不可", "形式不備")] == [True] * 5
        page.get_by_role("link", name="問題のある行だけ").click()
        assert page.locator("tbody").first.locator("tr").count() == 2
        assert GOOD not in page.locator("main").inner_text()
        with page.expect_download() as download:
            page.get_by_role("link", name="判定・理由・対応").click()
        taken = Path(download.value.path()).read_bytes().decode("cp932").splitlines()
        assert [line.split("\t")[13] for line in taken] == ["発行可", "発行不可", "形式不備"]
        assert taken[0].startswith(lines[0])
        page.get_by_role("link", name="2行目の詳しい説明").click()
        assert "今していただくこと" in page.locator("main").inner_text()


def test_it_is_shown_in_english_too(browser: Browser, artefacts: Path) -> None:
    with opened(browser, URL, "ja") as page:
        sign_in(page)
        page.locator("#names").fill(f"{GOOD}\n{BAD}")
        page.get_by_role("button", name=CHECK).click()
        wait_for_end(page)
        page.get_by_role("link", name="English").click()
        assert page.locator("html").get_attribute("lang") == "en"
        text = page.locator("main").inner_text()
        assert "approved" in text
        assert "What changes later" in text
        page.screenshot(path=artefacts / "preflight-results-en-1200.png", full_page=True)


# Without a browser: who is let in, and what is bounded.


@pytest.fixture
def send(deployment: Deployment) -> Callable[[], FormSender]:
    """Each from an address of its own: failures are counted by address."""

    def make() -> FormSender:
        senders.append(f"127.0.2.{len(senders) + 1}")
        return FormSender(deployment.pki / "ca.pem", senders[-1])

    return make


senders: list[str] = []


def test_a_token_gets_a_cookie_that_no_script_and_no_other_site_gets(
    send: Callable[[], FormSender],
) -> None:
    browser = send()
    asked = browser.get("/preflight")
    assert (asked.status, b'type="password"' in asked.body) == (200, True)
    wrong = browser.sign_in(TOKEN[::-1])
    assert (wrong.status, "Set-Cookie" in wrong.headers) == (401, False)
    answer = browser.sign_in(TOKEN)
    assert (answer.status, answer.headers["Location"]) == (303, "../preflight?lang=en")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-mpic=")
    assert {"HttpOnly", "Secure", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    assert TOKEN not in cookie
    page = browser.get("/preflight")
    assert (page.status, b"textarea" in page.body) == (200, True)
    assert page.headers["Cache-Control"] == "no-store"
    # The cookie opens pages for people alone.
    assert browser.get("/v1/perspectives").status == 401
    assert browser.post("/preflight/sign-out").status == 303
    assert b"textarea" not in browser.get("/preflight").body


def test_a_form_of_another_site_does_nothing(
    deployment: Deployment, send: Callable[[], FormSender]
) -> None:
    browser = send()
    browser.sign_in(TOKEN)
    asked = len(deployment.coordinator.events("verdict"))
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        browser.headers = headers
        assert browser.post("/preflight", names=GOOD).status == 403
        assert browser.post("/preflight/sign-in", token=TOKEN).status == 403
        assert browser.post("/preflight/sign-out").status == 403
    assert len(deployment.coordinator.events("verdict")) == asked


def test_results_are_the_callers_alone_and_a_dry_run(
    deployment: Deployment, send: Callable[[], FormSender]
) -> None:
    browser = send()
    browser.sign_in(TOKEN)
    answer = browser.post("/preflight?lang=ja", names=GOOD)
    assert answer.status == 303
    path = f"/{answer.headers['Location']}"
    wait_until(lambda: "確認が終わりました" in browser.get(path).body.decode(), 30, lambda: path)
    assert "Refresh" not in browser.get(path).headers
    other = send()
    assert b'type="password"' in other.get(path).body
    stranger = HttpCaller(deployment.caller_tls("stranger"), shows=True)
    assert stranger.call("GET", path).status == 403
    assert browser.get("/preflight/none").status == 404
    line = deployment.coordinator.events("verdict")[-1]
    assert (line["caller"], line["dry_run"]) == (CALLER, True)


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, 400),
        ({"list": ("a.xlsx", b"PK\x03\x04")}, 400),
        ({"list": ("a.csv", b"id,host\n1,a.example\n")}, 400),
        ({"names": "a.example\n" * 1001}, 400),
        ({"names": "a" * (1024 * 1024)}, 413),
        ({f"field{number}": "" for number in range(20)}, 400),
    ],
)
def test_what_is_no_list_is_told_on_the_page(
    send: Callable[[], FormSender], fields: dict[str, str | tuple[str, bytes]], status: int
) -> None:
    browser = send()
    browser.sign_in(TOKEN)
    answer = browser.post("/preflight", **fields)
    assert answer.status == status
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"


def test_a_certificate_is_enough(deployment: Deployment) -> None:
    caller = HttpCaller(deployment.caller_tls(), shows=True)
    assert b"textarea" in caller.call("GET", "/preflight").body
