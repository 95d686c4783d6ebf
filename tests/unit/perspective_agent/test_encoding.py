"""What is joined is, octet for octet, what protobuf makes of the same (`deterministic`)."""

from hypothesis import given
from hypothesis import strategies as st

from mpic.v1 import observation_pb2 as o
from perspective_agent.encoding import encode_finding, encode_levels, encode_observation

NAMES = st.text("abcxyz019-.", min_size=1, max_size=253)
SETS = st.builds(
    o.RecordSet,
    owner=NAMES,
    ttl=st.integers(0, 0xFFFFFFFF),
    rdata=st.lists(st.binary(max_size=300), max_size=3),
)
FAILURES = st.builds(
    o.Failure,
    kind=st.sampled_from(o.FailureKind.values()),
    detail=st.text(max_size=200),
    rcode=st.integers(0, 0xFFF),
    extended_error=st.builds(o.ExtendedDnsError, code=st.integers(0, 30), text=st.text(max_size=9)),
)
RESULTS = st.one_of(
    st.fixed_dictionaries({"records": SETS}),
    st.fixed_dictionaries({"absence": st.sampled_from(o.Absence.values())}),
    st.fixed_dictionaries({"failure": FAILURES}),
)
ALIASES = st.lists(
    st.builds(o.Alias, owner=NAMES, target=NAMES, ttl=st.integers(0, 99)), max_size=2
)
LEVELS = st.builds(
    lambda result, **others: o.Lookup(**result, **others),
    result=RESULTS,
    name=NAMES,
    dnssec=st.sampled_from(o.Dnssec.values()),
    aliases=ALIASES,
    tries=st.integers(0, 3),
)


@given(NAMES, st.lists(LEVELS, max_size=9), LEVELS)
def test_joined_is_what_protobuf_makes(name: str, levels: list[o.Lookup], alone: o.Lookup) -> None:
    joined = encode_observation(
        name,
        [
            encode_finding("caa_walk", b"".join(encode_levels([level]) for level in levels)),
            encode_finding("addresses", encode_levels([alone])),
        ],
    )
    made = o.Observation(
        name=name,
        findings=[
            o.Finding(caa_walk=o.CaaFinding(levels=levels)),
            o.Finding(addresses=o.AddressFinding(lookup=alone)),
        ],
    )
    assert joined == made.SerializeToString(deterministic=True)
