"""Fields are counted without reading a message, and it is rid of what is not known."""

import pytest
from google.protobuf import struct_pb2
from hypothesis import given
from hypothesis import strategies as st

from mpic.fields import count_fields, discard_unknown
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p


@given(st.lists(st.integers(0, 2**32 - 1)), st.lists(st.binary(max_size=300)), st.booleans())
def test_fields_are_counted(numbers: list[int], entries: list[bytes], beats: bool) -> None:
    message = p.ObserveRequest(
        withdrawn=numbers,
        questions=[p.Question(name=one.hex()) for one in entries],
        heartbeat=beats,
    )
    fields = len(entries) + bool(numbers) + beats  # numbers are packed into one
    octets = message.SerializeToString()
    assert count_fields(octets, 10_000) == fields
    assert count_fields(octets, 3) == min(fields, 4)


def test_fields_of_every_type_are_counted() -> None:
    octets = struct_pb2.Value(number_value=1.5).SerializeToString()  # eight octets
    octets += b"\xa5\x06abcd" + b"\xa0\x06\x80\x80\x01" + b"\xa2\x06\x02ab"
    assert count_fields(octets, 10) == 4


@pytest.mark.parametrize("octets", [b"\xa3\x06\xa4\x06", b"\xff", b"\x1a", b"\x1f"])
def test_what_is_no_sequence_of_fields_is_too_many(octets: bytes) -> None:
    assert count_fields(octets, 10) == 11


@given(st.binary(max_size=40))
def test_counting_ends_whatever_comes(octets: bytes) -> None:
    assert 0 <= count_fields(octets, 10) <= 11


def test_unknown_fields_are_dropped_at_any_depth() -> None:
    message = o.Observation(name="a.example", findings=[o.Finding()])
    assert not discard_unknown(message)
    message.findings[0].caa_walk.levels.add().MergeFromString(b"\xa0\x06\x01")
    assert discard_unknown(message)
    assert not discard_unknown(message)
    assert message.findings[0].caa_walk.levels[0] == o.Lookup()
