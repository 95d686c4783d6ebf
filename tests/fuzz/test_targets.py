"""The fuzz targets, driven by hypothesis for a moment; `run.sh` drives them by coverage."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.checks.domain_control.acme_certificate import find_fault
from mpic.v1 import observation_pb2 as o
from tests.clauses.test_rfc8737_tls_alpn_01 import DIGEST
from tests.clauses.web import HOST
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


def test_what_web_servers_say_begins_with_proofs() -> None:
    assert not find_fault(SEEDS["certificate"][0], HOST, DIGEST)
    for seed in SEEDS["http_finding"]:
        assert o.HttpFinding.FromString(seed).hops[-1].response.status == 200
    assert o.TlsFinding.FromString(SEEDS["tls_finding"][0]).session.alpn == "acme-tls/1"
