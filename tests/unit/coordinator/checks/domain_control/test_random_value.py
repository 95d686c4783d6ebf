"""Random Values at the edges that no policy of ours has, and where one is found."""

import pytest

from coordinator.checks.check import ParameterError
from coordinator.checks.domain_control.method import ValueRules, hash_value
from coordinator.checks.domain_control.random_value import contains_value, read_value
from mpic.v1 import corroboration_pb2 as c
from tests.world.samples import NOVEMBER

NO_RULE = ValueRules(NOVEMBER, 0)


def recorded(value: bytes) -> c.WebsiteChange:
    return c.WebsiteChange(value_sha256=hash_value(value), value_octets=len(value))


def test_an_empty_value_is_refused_whatever_a_policy_says() -> None:
    with pytest.raises(ParameterError, match="has 0 octets"):
        read_value(c.WebsiteChange(), "website_change", NO_RULE)
    assert read_value(c.WebsiteChange(value="x"), "website_change", NO_RULE) == "x"


@pytest.mark.parametrize("text", [b"", b"x", b"a page"])
def test_an_empty_value_is_nowhere(text: bytes) -> None:
    assert not contains_value(text, recorded(b""))


@pytest.mark.parametrize(
    ("text", "is_there"),
    [
        (b"value", True),
        (b" value", True),
        (b"value ", True),
        (b"valuvaluevalu", True),
        (b"valu", False),
        (b"", False),
        (b"Value", False),
    ],
)
def test_where_a_value_is_found(text: bytes, is_there: bool) -> None:
    assert contains_value(text, recorded(b"value")) is is_there


def test_a_value_is_not_found_by_its_length_alone() -> None:
    other = c.WebsiteChange(value_sha256=hash_value(b"value"), value_octets=4)
    assert not contains_value(b"value", other)
