"""The page in a real browser: readable, reachable, harmless, and its button works."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from coordinator.api.explain.links import sign
from coordinator.checks.domain_control.method import hash_value
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import corroboration_pb2_grpc
from tests.browser.pages import (
    DESK,
    PHONE,
    Scheme,
    count_printed,
    find_unreached,
    find_violations,
    is_within_width,
    opened,
)
from tests.world.deployment import COORDINATOR_ADMIN, Deployment
from tests.world.domain_control import DIGEST, KEY_AUTHORIZATION
from tests.world.http_caller import CALLER, CORROBORATIONS, TOKEN, HttpCaller
from tests.world.link_visitor import HTML, LinkVisitor
from tests.world.pages import scrape
from tests.world.process import wait_until
from tests.world.requests import named
from tests.world.scenes import KEY, PUBLIC_URL, Scene, write_key
from tests.world.web_servers import WebServer

EXPLAIN = Path(__file__).parents[2] / "deploy/explain.md"
KEY_OCTETS = bytes(range(32))
GOOD = "child.parent.example.co.jp"

SCENES = ("approved", "caa-other", "caa-silent", "bogus", "astray", "http-01", "hostile")
SUPPRESSED = ("astray", "http-01")
HEADING = {"en": "What to do now", "ja": "今していただくこと"}


# A phone is the harder place. screens.py shows every scene in every way.
SIGHTS = [
    *((scene, "ja", PHONE) for scene in SCENES),
    *((scene, "en", DESK) for scene in ("astray", "caa-other")),
]


@pytest.mark.parametrize("sight", SIGHTS, ids=str)
def test_a_page_is_readable_at_a_glance_and_printed_on_one_sheet(
    scenes: Mapping[str, Scene], browser: Browser, artefacts: Path, sight: tuple[str, str, int]
) -> None:
    scene, language, width = sight
    played = scenes[scene]
    with opened(browser, played.url, language, width) as page:
        page.screenshot(path=artefacts / f"{scene}-{language}-{width}.png", full_page=True)
        assert page.locator("html").get_attribute("lang") == language
        assert is_within_width(page)
        text = page.locator("main").inner_text()
        assert HEADING[language] in text
        assert played.answer.record_id in text
        assert page.locator(".ids .code").count() == (scene in SUPPRESSED)
        for place in played.answer.names[0].perspectives:
            assert place.perspective_id in text
        assert page.locator(".places > li svg").count() == 6
        assert scene == "hostile" or count_printed(page) == 1


@pytest.mark.parametrize(
    ("scene", "width", "scheme"), [("astray", PHONE, "light"), ("http-01", DESK, "dark")]
)
def test_axe_finds_nothing_and_the_keyboard_reaches_everything(
    scenes: Mapping[str, Scene], browser: Browser, scene: str, width: int, scheme: Scheme
) -> None:
    with opened(browser, scenes[scene].url, "ja", width, scheme) as page:
        assert find_violations(page) == []
        for details in page.locator("details").all():
            details.evaluate("one => one.open = true")
        assert find_unreached(page) == []
        assert is_within_width(page)


def test_the_language_is_changed_by_a_link(scenes: Mapping[str, Scene], browser: Browser) -> None:
    with opened(browser, scenes["caa-other"].url, "ja") as page:
        page.get_by_role("link", name="English").click()
        assert page.locator("html").get_attribute("lang") == "en"
        page.get_by_role("link", name="日本語").click()
        assert page.locator("html").get_attribute("lang") == "ja"


def test_a_click_selects_a_whole_value(scenes: Mapping[str, Scene], browser: Browser) -> None:
    with opened(browser, scenes["astray"].url) as page:
        page.locator(".ids .record").click()
        assert page.evaluate("getSelection().toString()") == scenes["astray"].answer.record_id


def test_what_strangers_wrote_is_text(scenes: Mapping[str, Scene], browser: Browser) -> None:
    with opened(browser, scenes["hostile"].url) as page:
        for details in page.locator("details").all():
            details.evaluate("one => one.open = true")
        text = page.locator("main").inner_text()
        assert "<script>document.title='run'</script>" in text
        assert "\\027[31mred" in text
        assert not {"\u202e", "\u200b", "\u3164", "\x1b", "\x07"} & set(text)
        assert page.title().startswith("refused")
        assert page.locator("script, img").count() == 0


def test_checking_again_shows_before_and_after(
    deployment: Deployment, scenes: Mapping[str, Scene], browser: Browser, artefacts: Path
) -> None:
    """Nobody is led astray any more; the first verdict stays as it was."""
    with opened(browser, scenes["astray"].url, "ja") as page:
        page.get_by_role("button", name="もう一度確認する").click()
        page.wait_for_url("**#after")
        page.screenshot(path=artefacts / "checked-again-ja-1200.png", full_page=True)
        cells = page.locator(".compared td").all_inner_texts()
        assert [text.split()[0] for text in cells] == ["発行不可", "発行可"]
        assert find_violations(page) == []
        later = page.url.partition("after=")[2].partition("#")[0]
        page.set_viewport_size({"width": PHONE, "height": 900})
        assert is_within_width(page)
        page.get_by_role("button", name="もう一度確認する").click()
        page.wait_for_load_state()
        assert "しばらくお待ちください" in page.locator("main").inner_text()
        assert "Please wait a little" in page.locator("main").inner_text()
        assert find_violations(page) == []
    with deployment.channel() as channel:
        stub = corroboration_pb2_grpc.CorroborationServiceStub(channel)
        verdict = stub.GetCorroboration(c.GetCorroborationRequest(record_id=later)).verdict
        assert (verdict.dry_run, verdict.names[0].reason) == (True, c.REASON_CORROBORATED)
        before = c.GetCorroborationRequest(record_id=scenes["astray"].answer.record_id)
        assert not stub.GetCorroboration(before).verdict.approved


def test_a_link_that_is_cut_opens_nothing(scenes: Mapping[str, Scene], browser: Browser) -> None:
    with opened(browser, scenes["approved"].url[:-1], "ja") as page:
        text = page.locator("main").inner_text()
        assert "このリンクでは表示できません" in text
        assert "This link opens nothing" in text
        assert page.locator("h1").get_attribute("lang") is None
        assert find_violations(page) == []


# Without a browser: who is let in, and what else is told.


def test_every_face_gives_a_link_and_each_time_a_new_one(
    deployment: Deployment, scenes: Mapping[str, Scene], visitor: LinkVisitor
) -> None:
    caller = HttpCaller(deployment.caller_tls(), token=TOKEN)
    record_id = scenes["approved"].answer.record_id
    over_http = caller.post({"requestId": "linked-1", "names": [{"name": GOOD}]}).json
    line = json.dumps({"requestId": "linked-2", "names": [{"name": GOOD}]}).encode()
    lines = caller.call("POST", CORROBORATIONS, line, {"Content-Type": "application/x-ndjson"})
    read = caller.call("GET", f"{CORROBORATIONS}/{record_id}").json["verdict"]
    with deployment.channel() as channel:
        stub = corroboration_pb2_grpc.CorroborationServiceStub(channel)
        question = c.CorroborateRequest(request_id="linked-3", names=named([GOOD]))
        asked = c.CorroborateStreamRequest(questions=[question])
        (streamed,) = next(iter(stub.CorroborateStream(iter([asked])))).outcomes
    links = [
        over_http["explanationUrl"],
        json.loads(lines.body)["verdict"]["explanationUrl"],
        streamed.verdict.explanation_url,
        read["explanationUrl"],
    ]
    assert read["explanationUrl"] != scenes["approved"].url
    for link in links:
        assert visitor.open(link).status == 200
    for store in [deployment.record_file.read_bytes()]:
        assert b"signature=" not in store


def test_whatever_is_wrong_with_a_link_is_told_alike(
    scenes: Mapping[str, Scene], visitor: LinkVisitor
) -> None:
    url, other = scenes["approved"].url, scenes["astray"].answer.record_id
    mine = scenes["approved"].answer.record_id
    past = "1700000000"
    wrong = [
        url[:-1],
        url.replace("expires=1", "expires=2"),
        url.replace(mine, other),
        url.partition("&")[0],
        f"{PUBLIC_URL}/explain/{mine}?expires={past}&signature={sign(KEY_OCTETS, mine, past)}",
        f"{url}&after={other}",
        url.replace(mine, "none"),
    ]
    answers = [visitor.open(one) for one in wrong]
    assert {one.status for one in answers} == {404}
    assert len({one.body for one in answers}) == 1
    assert all(other.encode() not in one.body for one in answers)
    assert visitor.open(wrong[0], headers={"Accept": "*/*"}).json["reason"] == "RECORD_NOT_FOUND"


def test_failures_are_counted_and_a_good_link_opens_all_the_same(
    scenes: Mapping[str, Scene], visitor: LinkVisitor
) -> None:
    key = ("mpic_http_authentication_failures_total", "failure=link_not_valid")
    before = scrape(COORDINATOR_ADMIN).get(key, 0)
    answers = [visitor.open(scenes["approved"].url + str(number)) for number in range(11)]
    assert [one.status for one in answers] == [404] * 10 + [429]
    assert int(answers[-1].headers["Retry-After"]) <= 60
    assert scrape(COORDINATOR_ADMIN)[key] == before + 11
    assert visitor.open(scenes["approved"].url).status == 200


def test_a_caller_reads_the_page_by_its_own_credentials(
    deployment: Deployment, scenes: Mapping[str, Scene], visitor: LinkVisitor
) -> None:
    path = f"/explain/{scenes['astray'].answer.record_id}"
    assert visitor.open(path).status == 401
    caller = HttpCaller(deployment.caller_tls(), token=TOKEN)
    page = caller.call("GET", f"{path}?lang=ja")
    assert (page.status, page.headers["Content-Language"]) == (200, "ja")
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'; ")
    stranger = HttpCaller(deployment.caller_tls("stranger"), shows=True)
    assert stranger.call("GET", path).status == 403
    none = caller.call("GET", "/explain/01900000-0000-7000-8000-000000000000")
    assert (none.status, none.json["reason"]) == (404, "RECORD_NOT_FOUND")


def test_a_link_tells_nothing_of_who_asked_and_what_was_expected(
    scenes: Mapping[str, Scene], visitor: LinkVisitor
) -> None:
    for language in ("ja", "en"):
        page = visitor.open(f"{scenes['http-01'].url}&lang={language}").body.decode()
        assert scenes["http-01"].answer.request_id not in page
        for secret in (
            CALLER,
            KEY_AUTHORIZATION,
            KEY_AUTHORIZATION.partition(".")[2],
            DIGEST.decode(),
        ):
            assert secret not in page
        assert hash_value(KEY_AUTHORIZATION).hex() not in page


def test_a_form_of_another_site_checks_nothing(
    deployment: Deployment, scenes: Mapping[str, Scene], visitor: LinkVisitor
) -> None:
    url, asked = scenes["bogus"].url, len(deployment.coordinator.events("verdict"))
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        assert visitor.open(url, "POST", {**HTML, **headers}).status == 403
    assert visitor.open(url[:-1], "POST").status == 404
    assert len(deployment.coordinator.events("verdict")) == asked
    answer = visitor.open(url, "POST")
    assert (answer.status, answer.headers["Location"].endswith("#after")) == (303, True)
    again = visitor.open(url, "POST")
    assert (again.status, int(again.headers["Retry-After"]) <= 30) == (429, True)
    line = deployment.coordinator.events("verdict")[-1]
    assert (line["caller"], line["dry_run"]) == (CALLER, True)


def test_other_paths_are_told_as_pages(visitor: LinkVisitor) -> None:
    for method, path, status in (
        ("GET", "/explain", 404), ("GET", "/explain/a/b", 404), ("DELETE", "/explain/a", 405),
    ):  # fmt: skip
        answer = visitor.open(path, method)
        assert (answer.status, answer.headers["Content-Type"]) == (
            status,
            "text/html; charset=utf-8",
        )
    style = visitor.open("/explain/style.css")
    assert (style.status, style.headers["Content-Type"]) == (200, "text/css")


def test_behind_a_proxy_as_the_page_for_operators_has_it(
    deployment: Deployment, scenes: Mapping[str, Scene], browser: Browser, tmp_path: Path
) -> None:
    (rules,) = re.findall(r"```nginx\n(.*?)```", EXPLAIN.read_text(), re.DOTALL)
    rules = rules.replace("/etc/mpic/pki/ca.pem", str(deployment.pki / "ca.pem"))
    rules = rules.replace("main.coordinator.mpic.example", "main.coordinator.mpic.test")
    target = scenes["caa-silent"].url.removeprefix(PUBLIC_URL)
    with (
        WebServer(tmp_path / "proxy", ("127.0.0.1",), rules),
        opened(browser, f"http://127.0.0.1{target}", "ja") as page,
    ):
        assert (
            page.locator(".top").evaluate("one => getComputedStyle(one).borderLeftWidth") == "8px"
        )
        page.get_by_role("button", name="もう一度確認する").click()
        page.wait_for_url("http://127.0.0.1/explain/**#after")
        assert page.locator(".compared td").count() == 2


def test_another_key_takes_all_links_back(
    deployment: Deployment, scenes: Mapping[str, Scene], visitor: LinkVisitor
) -> None:
    old = scenes["approved"]
    reloads = len(deployment.coordinator.events("reloaded"))
    write_key(deployment.directory, KEY[::-1].strip().replace("=", "A", 1) + "\n")
    wait_until(lambda: len(deployment.coordinator.events("reloaded")) > reloads, 20, lambda: "")
    assert visitor.open(old.url).status == 404
    fresh = deployment.ask(GOOD).explanation_url
    assert visitor.open(fresh).status == 200
