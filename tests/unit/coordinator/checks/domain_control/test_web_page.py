"""What a person reads of a page that is no proof."""

import pytest

from coordinator.checks.domain_control.web_page import show_body
from tests.clauses.test_rfc8555_8_3_http_01 import ASKED, KA, URL
from tests.clauses.web import Row, Sent, judge, redirect


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "its body is empty"),
        (b"Not Found", 'its body begins with "Not Found"'),
        (b"a\x00\x1b[31m\r\n", r'its body begins with "a\000\027[31m\013\010"'),
        (b"\xff\xc3\xa4", 'its body begins with "\u00ff\u00c3\u00a4"'),
        (b"<html><title>x</title>", 'its body begins with "<html><title>x</title>"'),
        (b"value: x7Kq2LmPz9VtBnR4", 'its body begins with "value: x7Kq..."'),
        (b"short_words are shown", 'its body begins with "short_words are shown"'),
        (b"twelve_octet is_not", 'its body begins with "twel... is_not"'),
    ],
)
def test_the_beginning_of_a_body(body: bytes, said: str) -> None:
    assert show_body(body) == said


def test_little_of_a_large_body_is_shown() -> None:
    assert len(show_body(b"a page " * 1000)) < 120
    assert len(show_body(b"\x00" * 4096)) < 400


@pytest.mark.parametrize(
    ("pages", "said"),
    [
        ({URL: redirect("/x", 303)}, "with status 303 (a redirect that is not followed), not 200"),
        ({URL: redirect("/x", 399)}, "with status 399 (a redirect that is not followed), not 200"),
        ({URL: Sent(b"no", 404)}, 'with status 404, not 200; its body begins with "no"'),
        ({URL: Sent(KA, 201)}, "with status 201, not 200; its body begins"),
        ({URL: Sent(b"a " * 100)}, "answered with more than 128 octets; its body begins"),
        (
            {URL: Sent(b"no")},
            'is not the expected key authorization; its body begins with "no"',
        ),
    ],
)
def test_why_a_page_is_no_proof(pages: dict[str, Sent], said: str) -> None:
    detail = judge(Row("", ASKED, pages)).detail
    assert said in detail
    assert detail.startswith("http://www.example.com/.well-known/acme-challenge/")


def test_a_long_url_is_cut() -> None:
    detail = judge(Row("", ASKED, {URL: redirect("/" + "x" * 1999)})).detail
    assert len(detail) < 1000
