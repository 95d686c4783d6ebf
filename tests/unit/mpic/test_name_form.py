"""What a caller without a library for internationalized names can already say of a name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpic.name_form import InvalidNameError, check_form
from mpic.names import parse_name


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


@given(st.text(st.sampled_from("ab-_*.。@: 1é例\u200d\x00X"), max_size=20))
def test_it_refuses_nothing_that_the_service_takes(text: str) -> None:
    try:
        parse_name(text)
    except InvalidNameError:
        return
    check_form(text)
