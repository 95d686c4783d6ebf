"""What a browser is told beside a page, and what it tells of where a form comes from."""

import re

import pytest

from coordinator.api.explain.headers import (
    accepts_html,
    is_same_origin,
    list_origins,
    page_headers,
    style_headers,
)

OWN = {"https://mpic.example.ac.jp"}


def test_nothing_runs_nobody_keeps_it_and_nobody_frames_it() -> None:
    headers = page_headers("ja")
    policy = headers["Content-Security-Policy"].split("; ")
    assert policy[0] == "default-src 'none'"
    assert {"style-src 'self'", "form-action 'self'", "frame-ancestors 'none'"} <= set(policy)
    assert not re.search("script|unsafe|https?:|data:", headers["Content-Security-Policy"])
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Robots-Tag"].startswith("noindex")
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Content-Language"] == "ja"
    assert "Content-Language" not in page_headers()
    assert style_headers()["Cache-Control"].startswith("public")


@pytest.mark.parametrize(
    ("accepted", "html"),
    [
        (["text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"], True),
        (["application/json", "TEXT/HTML;q=0.1"], True),
        (["*/*"], False),
        (["application/json"], False),
        ([], False),
    ],
)
def test_a_browser_says_that_it_wants_a_page(accepted: list[str], html: bool) -> None:
    assert accepts_html(accepted) is html


@pytest.mark.parametrize(
    ("headers", "same"),
    [
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, True),
        ({"Sec-Fetch-Site": "same-site", "Origin": "https://mpic.example.ac.jp"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "none"}, False),
        ({"Origin": "https://mpic.example.ac.jp"}, True),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({}, True),
    ],
)
def test_a_form_of_another_page_is_not_taken(headers: dict[str, str], same: bool) -> None:
    assert is_same_origin(headers, OWN) is same


def test_a_service_has_the_origin_that_was_asked_and_that_of_its_links() -> None:
    assert list_origins("inside:8443", "") == {"https://inside:8443"}
    both = list_origins("inside:8443", "https://mpic.example.ac.jp/sub")
    assert both == {"https://inside:8443", *OWN}
