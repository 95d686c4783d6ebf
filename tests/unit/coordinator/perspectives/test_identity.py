"""What an agent sends: read, or refused before it costs anything."""

import pytest

from coordinator.perspectives.errors import PerspectiveError, PerspectiveProblem
from coordinator.perspectives.identity import check_answer, read_description, read_response
from mpic.bounds import LOOKUPS, OBSERVATION_OCTETS
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p
from tests.world.samples import WORLD

ASHBURN = WORLD.remotes[1]
ADDRESS = "192.0.2.1:7310"


def response(**fields: object) -> p.ObserveResponse:
    return p.ObserveResponse(**({"perspective_id": ASHBURN.id, "rir": ASHBURN.rir} | fields))


def refused(message: bytes) -> c.Dissent.ValueType:
    with pytest.raises(PerspectiveError) as raised:
        read_response(message, ASHBURN, ADDRESS)
    assert len(raised.value.problem.detail) < 300
    return raised.value.problem.dissent


def test_a_message_of_a_newer_agent_is_read() -> None:
    message = response(cannot_look="why").SerializeToString() + b"\xa2\x06\x02ab"
    assert read_response(message, ASHBURN, ADDRESS).cannot_look == "why"


@pytest.mark.parametrize(
    "message",
    [
        response().SerializeToString() + b"\x1a\x00" * 100_000,
        response().SerializeToString() + b"\x28\x01" * 100_000,
        response().SerializeToString() + b"\xa3\x06\xa4\x06" * 100_000,
        response().SerializeToString() + b"\x1a\xff\xff\xff\x7f" + b"\x00" * 100_000,
        b"\xff" * 100_000,
        b"\xff\xff",
    ],
    ids=["empty answers", "flags", "groups", "cut short", "octets", "few octets"],
)
def test_what_is_garbage_is_refused(message: bytes) -> None:
    assert refused(message) == c.DISSENT_GARBAGE


def test_as_many_answers_as_are_ever_awaited_are_read() -> None:
    entries = [p.EncodedObservation(question_id=n, observation=b"x" * 50) for n in range(16384)]
    message = response(observations=entries, cannot_look="x", leaving=True).SerializeToString()
    assert len(read_response(message, ASHBURN, ADDRESS).observations) == 16384


def test_a_name_of_any_length_is_told_in_short() -> None:
    assert refused(response(perspective_id="x" * 10**6).SerializeToString()) == (
        c.DISSENT_MISIDENTIFIED
    )


def description(**fields: object) -> bytes:
    return p.DescribeResponse(
        **({"perspective_id": ASHBURN.id, "rir": ASHBURN.rir} | fields)
    ).SerializeToString()


def test_of_a_description_is_kept_what_is_short_and_known() -> None:
    resolver = p.Resolver(
        software="s" * 500,
        address="a" * 500,
        transport="t" * 500,
        evidence="\x1b" * 5000,
        trust_anchor_key_tags=range(100),
        validates=True,
    )
    resolver.MergeFromString(b"\xa0\x06\x01")
    message = description(
        version="v" * 500, resolver=resolver, checks=["c" * 500] * 90, heartbeats=True
    )
    kept = read_description(message + b"\xa0\x06\x01", ASHBURN, ADDRESS)
    assert kept.ByteSize() < 6000
    assert kept.heartbeats
    assert kept.resolver.validates
    assert kept.resolver.evidence.startswith("\\027\\027")
    assert b"\xa0\x06" not in kept.SerializeToString()
    assert len(kept.checks) == 64


def test_an_ordinary_description_is_kept_as_it_is() -> None:
    resolver = p.Resolver(software="unbound 1.17.1", address="127.0.0.1:53", transport="tcp")
    message = description(version="0.1.0", resolver=resolver, checks=["caa_walk", "addresses"])
    kept = read_description(message, ASHBURN, ADDRESS)
    assert kept == p.DescribeResponse.FromString(message)


@pytest.mark.parametrize(
    "message",
    [description(checks=["x"] * 30_000), description() + b"\x1a\x02\xff\xff"],
    ids=["too large", "no text"],
)
def test_a_description_that_is_none_is_garbage(message: bytes) -> None:
    with pytest.raises(PerspectiveError) as raised:
        read_description(message, ASHBURN, ADDRESS)
    assert raised.value.problem.dissent == c.DISSENT_GARBAGE


@pytest.mark.parametrize(
    "stated",
    [
        {"perspective_id": "frankfurt"},
        {"perspective_id": ""},
        {"rir": o.RIR_LACNIC},
        {"rir": o.RIR_UNSPECIFIED},
        {"rir": 99},
    ],
)
def test_another_agent_is_not_believed_whatever_it_says(stated: dict[str, object]) -> None:
    """Whether it answers or describes itself: the roster says who and where it is."""
    assert refused(response(**stated).SerializeToString()) == c.DISSENT_MISIDENTIFIED
    described = p.DescribeResponse(**({"perspective_id": ASHBURN.id, "rir": ASHBURN.rir} | stated))
    with pytest.raises(PerspectiveError) as raised:
        read_description(described.SerializeToString(), ASHBURN, ADDRESS)
    assert raised.value.problem.dissent == c.DISSENT_MISIDENTIFIED


@pytest.mark.parametrize(
    ("octets", "lookups", "is_kept"),
    [
        (OBSERVATION_OCTETS, LOOKUPS, True),
        (OBSERVATION_OCTETS + 1, 1, False),
        (1, LOOKUPS + 1, False),
    ],
)
def test_an_answer_is_kept_up_to_its_bounds(octets: int, lookups: int, is_kept: bool) -> None:
    encoded = p.EncodedObservation(observation=bytes(octets), lookups_us=[1] * lookups)
    answer = check_answer(encoded)
    if is_kept:
        assert answer is encoded
    else:
        assert isinstance(answer, PerspectiveProblem)
        assert answer.dissent == c.DISSENT_GARBAGE
