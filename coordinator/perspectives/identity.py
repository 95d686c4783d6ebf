"""Compares what an agent sends with the roster, and with what an agent may send. Pure.

TLS only shows whose certificate it is. Whoever has the certificate may be wrong, or lie.
"""

from google.protobuf.message import DecodeError

from coordinator.perspectives.errors import PerspectiveError, PerspectiveProblem
from coordinator.rules.roster import Perspective
from mpic.bounds import LOOKUPS, OBSERVATION_OCTETS
from mpic.fields import count_fields
from mpic.text import shorten
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p

# A smaller message cannot hold so many items that it matters.
_LARGE = 64 * 1024
_MOST_FIELDS = 16384 + 16
"""Items in one message: as many answers as a connection awaits at most, and the other fields."""

_DESCRIPTION_OCTETS = 64 * 1024
_WORD = 64
"""Octets of what names something: a version, an address, a check."""
_EVIDENCE = 1024
_MOST_CHECKS = 64
_MOST_KEY_TAGS = 32


def read_response(message: bytes, expected: Perspective, address: str) -> p.ObserveResponse:
    """Return what the agent at `address` sent.

    Raises PerspectiveError for garbage, or for another agent.
    """
    if len(message) > _LARGE and count_fields(message, _MOST_FIELDS) > _MOST_FIELDS:
        # Reading them all would take seconds, and a hundred times their size in memory.
        raise _garbage(f"the agent sent {len(message)} octets of more fields than may be")
    try:
        response = p.ObserveResponse.FromString(message)
    except DecodeError as error:
        raise _garbage(f"the agent sent {len(message)} octets that do not parse") from error
    check_identity(response, expected, address)
    return response


def check_answer(encoded: p.EncodedObservation) -> p.EncodedObservation | PerspectiveProblem:
    """Return an answer; if it is too large to be kept, return the problem instead."""
    octets, lookups = len(encoded.observation), len(encoded.lookups_us)
    if octets <= OBSERVATION_OCTETS and lookups <= LOOKUPS:
        return encoded
    detail = (
        f"its answer is garbage: an observation of {octets} octets and {lookups} lookups;"
        f" {OBSERVATION_OCTETS} and {LOOKUPS} may be"
    )
    return PerspectiveProblem(c.DISSENT_GARBAGE, detail)


def read_description(message: bytes, expected: Perspective, address: str) -> p.DescribeResponse:
    """Return the description of the agent at `address`, cut to what is kept of it.

    Raises PerspectiveError for garbage, or another agent.
    """
    try:
        if len(message) > _DESCRIPTION_OCTETS:
            raise _garbage(f"the agent describes itself in {len(message)} octets")
        description = p.DescribeResponse.FromString(message)
    except DecodeError as error:
        text = f"the agent describes itself in {len(message)} octets that do not parse"
        raise _garbage(text) from error
    check_identity(description, expected, address)
    return cut_description(description)


def cut_description(description: p.DescribeResponse) -> p.DescribeResponse:
    """Return a description with only what is kept of it: nothing unknown, and nothing long."""
    kept = p.DescribeResponse()
    kept.CopyFrom(description)
    kept.DiscardUnknownFields()
    kept.perspective_id = shorten(kept.perspective_id, _WORD)
    kept.version = shorten(kept.version, _WORD)
    kept.checks[:] = [shorten(one, _WORD) for one in kept.checks[:_MOST_CHECKS]]
    if kept.HasField("resolver"):
        resolver = kept.resolver
        resolver.software = shorten(resolver.software, _WORD)
        resolver.address = shorten(resolver.address, _WORD)
        resolver.transport = shorten(resolver.transport, _WORD)
        resolver.evidence = shorten(resolver.evidence, _EVIDENCE)
        del resolver.trust_anchor_key_tags[_MOST_KEY_TAGS:]
    return kept


def check_identity(
    stated: p.DescribeResponse | p.ObserveResponse, expected: Perspective, address: str
) -> None:
    """Raise PerspectiveError if the agent at `address` says it is not the one in the roster."""
    if (stated.perspective_id, stated.rir) != (expected.id, expected.rir):
        detail = (
            f"the agent at {address} says it is {shorten(stated.perspective_id, _WORD)!r} in"
            f" {_rir_name(stated.rir)}; the roster says {expected.id!r} in"
            f" {_rir_name(expected.rir)}"
        )
        raise PerspectiveError(PerspectiveProblem(c.DISSENT_MISIDENTIFIED, detail))


def _garbage(detail: str) -> PerspectiveError:
    return PerspectiveError(PerspectiveProblem(c.DISSENT_GARBAGE, detail))


def _rir_name(rir: o.Rir.ValueType) -> str:
    return o.Rir.Name(rir).removeprefix("RIR_") if rir in o.Rir.values() else f"region {rir}"
