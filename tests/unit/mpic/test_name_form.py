"""What a caller without a library for internationalized names can already say of a name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpic.name_form import InvalidNameError, check_form
from mpic.names import parse_name
from mpic.words.catalogue import is_known, say


@pytest.mark.parametrize(
    "text",
    [
        "www.example.com",
        "*.Example.COM",
        "日本語。jp",
        "*。例え.jp",
        # The coordinator has the tables that judge these.
        "\uff57\uff57\uff57.example",
        "*.co.jp",
    ],
)
def test_what_may_be_a_name_passes(text: str) -> None:
    check_form(text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        ("localhost", "is a single label"),
        ("日本語", "is a single label"),
        ("https://www.example.com/", "is a URL"),
        ("taro@example.ac.jp", "is a URL or an address"),
        ("203.0.113.7", "is an IP address"),
        ("www..example.com", "has an empty label"),
        ("*.*.example.com", "leftmost label"),
        ("日本語.my_host.jp", 'has "_"'),
        (".".join(["a" * 63] * 4), "octets as A-labels"),
    ],
)
def test_what_is_none_is_told_in_the_same_words(text: str, says: str) -> None:
    with pytest.raises(InvalidNameError, match=says) as found:
        check_form(text)
    with pytest.raises(InvalidNameError) as judged:
        parse_name(text)
    assert str(found.value) == str(judged.value)


def test_each_reason_has_its_words_in_the_catalogue() -> None:
    """In English they are the sentence itself."""
    texts = [
        "", "localhost", "a b.example", "https://a.example", "203.0.113.7", "a.example:1",
        "a.example.", "a..example", "*.*.example", "a_b.example", "-a.example", "ab--c.example",
        "xn--\xe9.example", f"{'a' * 64}.example", ".".join(["a" * 63] * 4),
        "a" * 2000, "a\x00.example", "a.7", "a.onion", "a.localhost", "1.in-addr.arpa", "a.arpa",
        "xn--a-.example", "*.co.jp", "\u212a.example", "xn--99999999.example", "\u2603.example",
    ]  # fmt: skip
    codes = set()
    for text in texts:
        with pytest.raises(InvalidNameError) as found:
            parse_name(text)
        code, facts = f"name.{found.value.code}", found.value.facts
        codes.add(code)
        assert say(code, "en", **facts) == str(found.value)
        assert is_known(code, "ja")
    assert len(codes) > 20


@given(st.text(st.sampled_from("ab-_*.。@: 1é例\u200d\x00X"), max_size=20))
def test_it_refuses_nothing_that_the_service_takes(text: str) -> None:
    try:
        parse_name(text)
    except InvalidNameError:
        return
    check_form(text)
