"""The language of a page: what its link says, else what the browser prefers."""

import pytest

from coordinator.api.explain.languages import choose_page_language


@pytest.mark.parametrize(
    ("wanted", "accepted", "chosen"),
    [
        ("ja", "en", "ja"),
        ("en", "ja", "en"),
        ("", "ja,en-US;q=0.9,en;q=0.8", "ja"),
        ("", "ja-JP", "ja"),
        ("", "en;q=0.5, JA ; q=0.6", "ja"),
        ("", "en,ja", "en"),
        ("", "fr,de;q=0.9,ja;q=0.1", "ja"),
        ("", "ja;q=0, en;q=0", "en"),
        ("", "ja;q=0,fr", "en"),
        ("", "", "en"),
        ("", "*", "en"),
        ("", "japanese;q=1,ja;q=x", "en"),
        ("", "fr," * 32 + "ja", "en"),
        ("fr", "ja", "ja"),
    ],
)
def test_the_language_of_a_page(wanted: str, accepted: str, chosen: str) -> None:
    assert choose_page_language(wanted, accepted) == chosen
