"""Reading an observation: octets from an agent that may be wrong, or lie. Pure.

Observations are kept and passed on unchanged, to callers and to those who read the record years
later. So everybody must be able to read them. Their size is bounded, and they hold nothing that the
agreement does not have.

An unknown field could change what the other fields mean. An agent sends a new field only if the
question's checks ask for it (`Check`).
"""

from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import TypeVar

from google.protobuf.message import DecodeError, Message

from coordinator.checks.check import MalformedFindingError
from mpic.bounds import (
    ALIASES,
    DIALED,
    HOPS,
    OBSERVATION_OCTETS,
    RECORDS,
    SERVER_REPLIES,
)
from mpic.fields import discard_unknown
from mpic.v1 import observation_pb2 as o

M = TypeVar("M", bound=Message)

_FINDINGS = 16
"""There are fewer checks than this, and few ask more than one question."""
_LOOKUPS = 128
"""In one finding; a name of 255 octets has fewer labels (RFC 1035 section 2.3.4)."""
_FEW = 2 * ALIASES
"""So few octets cannot hold more lookups than are allowed, nor more entries in one: each takes two
octets or more."""
_CONNECTING = ("http_get", "tls_handshake")
_SHORT = 2048
"""Octets of nearly all observations."""
_KEPT = 256
"""Short observations that are kept once they are read."""


def read_observation(octets: bytes) -> o.Observation:
    """Return an observation; callers must not change it.

    Raises MalformedFindingError if it is not sound.
    """
    return _read_short(octets) if len(octets) <= _SHORT else _read(octets)


def _read(octets: bytes) -> o.Observation:
    if len(octets) > OBSERVATION_OCTETS:
        text = f"an observation of {len(octets)} octets; {OBSERVATION_OCTETS} may be"
        raise MalformedFindingError(text)
    try:
        observation = o.Observation.FromString(octets)
    except DecodeError as error:
        raise MalformedFindingError(f"{len(octets)} octets that do not parse") from error
    if discard_unknown(observation):
        raise MalformedFindingError("an observation with a field that is not in the agreement")
    if len(observation.findings) > _FINDINGS:
        raise MalformedFindingError(f"{len(observation.findings)} findings")
    for finding in observation.findings:
        _check_entries(finding)
    return observation


# Each is read to be judged, and again for the answer. Long ones would take much memory.
_read_short = lru_cache(_KEPT)(_read)


def _check_entries(finding: o.Finding) -> None:
    """Check that there are not too many hops and lookups, nor too many entries in any of them."""
    if finding.WhichOneof("kind") in _CONNECTING:
        _check_hops(finding)
    if finding.ByteSize() <= _FEW:
        return
    # Each of them takes far more memory than octets, so the others are not looked at.
    levels = finding.caa_walk.levels[: _LOOKUPS + 1]  # of nearly all, and found at once
    lookups = levels or list(islice(_find(finding, o.Lookup), _LOOKUPS + 1))
    if len(lookups) > _LOOKUPS:
        raise MalformedFindingError(f"a finding of more than {_LOOKUPS} lookups")
    for lookup in lookups:
        if lookup.ByteSize() > _FEW:
            _check_lookup(lookup)


def _check_hops(finding: o.Finding) -> None:
    hops = finding.http_get.hops
    if len(hops) > HOPS:
        raise MalformedFindingError(f"{len(hops)} requests of one HTTP GET")
    for connection in (finding.tls_handshake.connection, *(hop.connection for hop in hops)):
        if len(connection.dialed) > DIALED:
            raise MalformedFindingError(f"{len(connection.dialed)} addresses dialled")


def find_failures(observation: o.Observation) -> Iterator[o.Failure]:
    """Yield every failure in a sound observation."""
    return _find(observation, o.Failure)


def _find(message: Message, kind: type[M]) -> Iterator[M]:
    """Yield the messages of a kind that are anywhere in a message, but not one within another."""
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        for one in [value] if isinstance(value, Message) else value:
            if isinstance(one, kind):
                yield one
            else:
                yield from _find(one, kind)


def _check_lookup(lookup: o.Lookup) -> None:
    if len(lookup.records.rdata) > RECORDS:
        raise MalformedFindingError(f"a set of {len(lookup.records.rdata)} records")
    if len(lookup.aliases) > ALIASES:
        raise MalformedFindingError(f"{len(lookup.aliases)} aliases of one name")
    replies = max(len(lookup.diagnosis.servers), len(lookup.diagnosis.known))
    if replies > SERVER_REPLIES:
        raise MalformedFindingError(f"{replies} replies of servers of one name")
