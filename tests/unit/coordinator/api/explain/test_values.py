"""Text of strangers: escaped, all of it visible, cut where it is long."""

import pytest
from markupsafe import Markup

from coordinator.api.explain.values import LONG, SHORT, cut_value, is_visible, show_text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain & simple", "plain & simple"),
        ("日本語。", "日本語。"),
        ("a\r\nb", 'a<span class="mark">\\u{d}</span><span class="mark">\\u{a}</span>b'),
        ("\x1b[31m", '<span class="mark">\\u{1b}</span>[31m'),
        ("\u202ecba", '<span class="mark">\\u{202e}</span>cba'),
        (
            "a\u3164b\u200b",
            'a<span class="mark">\\u{3164}</span>b<span class="mark">\\u{200b}</span>',
        ),
        ("<b>\x00", '&lt;b&gt;<span class="mark">\\u{0}</span>'),
        ("\ud800", '<span class="mark">\\u{d800}</span>'),
    ],
)
def test_what_a_browser_does_not_draw_is_shown_by_its_number(text: str, shown: str) -> None:
    assert show_text(text) == shown


def test_what_is_no_text_or_escaped_already_stays_as_it_is() -> None:
    assert show_text(5) == 5
    assert show_text(Markup("<b>")) == Markup("<b>")
    # A template escapes it: here it is not marked as safe.
    assert not isinstance(show_text("<b>"), Markup)


@pytest.mark.parametrize("text", ["\u200e", "\u2066", "\u00ad", "\ufeff", "\u2800", "\U000e0041"])
def test_nothing_invisible_is_called_visible(text: str) -> None:
    assert not is_visible(text)


def test_a_long_value_is_cut_and_there_is_an_end_to_the_whole_of_it() -> None:
    assert cut_value("x" * SHORT) == ("x" * SHORT, "", SHORT)
    long = cut_value("x" * (SHORT + 1))
    assert (long.short, long.whole) == ("x" * SHORT, "x" * (SHORT + 1))
    longest = cut_value("x" * (LONG + 1))
    assert (len(longest.whole), longest.characters) == (LONG, LONG + 1)
    assert len(str(show_text("é\n" * LONG))) < 20 * LONG
