"""Text of strangers: nothing of it acts on a terminal, and it is as long as may be at most."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpic.text import escape, escape_cell, is_uri, shorten


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, and 日本語", "plain, and 日本語"),
        ("\x1b[2J", "\\027[2J"),
        ("a\r\nb\x00", "a\\013\\010b\\000"),
        ("user\u202etxt.exe", "user\\u{202e}txt.exe"),
        ("\u2066\u200f\ufeff", "\\u{2066}\\u{200f}\\u{feff}"),
    ],
)
def test_what_does_not_print_is_escaped(text: str, shown: str) -> None:
    assert escape(text) == shown


@given(st.text(st.characters()), st.integers(3, 40))
def test_whatever_comes_is_printable_and_no_longer_than_it_may_be(text: str, octets: int) -> None:
    shown = shorten(text, octets)
    assert shown.isprintable()
    assert len(shown.encode()) <= octets
    assert shown == escape(text) or "..." in shown


def test_what_just_fits_is_not_cut() -> None:
    assert shorten("ä" * 10, 20) == "ä" * 10
    assert shorten("ä" * 10, 19) == "ä" * 5 + "..." + "ä" * 2


@pytest.mark.parametrize("times", [1, 1000])
def test_both_ends_are_kept(times: int) -> None:
    shown = shorten(f"has '{'x' * 100 * times}', which is too long", 60)
    assert shown.startswith("has 'xxx")
    assert shown.endswith(", which is too long")
    assert len(shown) == 60


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://ca.example/acct/1", True),
        ("urn:uuid:1", True),
        ("h:1", True),
        ("https://ca.example/" + "a" * 1987, True),
        ("https://ca.example/" + "a" * 1988, False),
        ("", False),
        ("https:", False),
        ("//ca.example/1", False),
        ("1https://ca.example", False),
        (" https://ca.example", False),
        ("https://ca.example/a b", False),
        ("https://ca.example/1\n", False),
        ("https://ca.example/\u00e9", False),
    ],
)
def test_rfc3986_3_a_uri_has_a_scheme_and_no_blank(text: str, expected: bool) -> None:
    assert is_uri(text) is expected


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "'", "＝", "＋", "－", "＠"])  # noqa: RUF001 - in full width too
def test_a_cell_is_no_formula(sign: str) -> None:
    assert escape_cell(f"{sign}1") == f"'{sign}1"
    assert escape_cell(f"1{sign}1") == f"1{sign}1"
    assert escape_cell(f"{sign}\x1b").isprintable()
