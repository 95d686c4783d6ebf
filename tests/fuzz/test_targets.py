"""The fuzz targets, driven by hypothesis for a moment; `run.sh` drives them by coverage."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.targets import SEEDS, TARGETS


def mutate(seed: bytes, edits: list[tuple[int, bytes]]) -> bytes:
    data = bytearray(seed)
    for place, octets in edits:
        at = place % (len(data) + 1)
        data[at : at + len(octets)] = octets
    return bytes(data)


edits = st.lists(st.tuples(st.integers(0, 200), st.binary(max_size=3)), max_size=4)


@pytest.mark.parametrize("target", TARGETS)
@given(data=st.data())
def test_nothing_that_must_never_be(target: str, data: st.DataObject) -> None:
    near = st.builds(mutate, st.sampled_from(SEEDS[target]), edits)
    TARGETS[target](data.draw(near | st.binary(max_size=60)))
