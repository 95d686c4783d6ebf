"""Records as they were written before names had their checks, octet for octet.

What they had is written as numbers: the names that these have in the agreement now are others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from coordinator.decision.attempt_id import make_id
from coordinator.record.timestamps import to_us
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.v1 import record_pb2 as r
from tests.world.places import PLACES
from tests.world.records import CALLER, START
from tests.world.samples import ADDRESS, ISSUER, NAME, addresses, caa

USUAL = (caa(), addresses(ADDRESS))
PERMITTED, FORBIDDEN, FAILED = 1, 2, 3
"""Outcomes of CAA."""
NOT_AWAITED = 10
"""A dissent."""


@dataclass(frozen=True)
class OlderReply:
    """What came of asking one perspective."""

    dissent: int = 0
    findings: Sequence[o.Finding] | None = USUAL
    """None: there is no observation."""
    outcome: int = PERMITTED
    """Of CAA."""


@dataclass(frozen=True)
class OlderName:
    """A verdict, and the replies that are not the usual ones, the primary's being 0."""

    reason: int = 1
    replies: Mapping[int, OlderReply] = field(default_factory=dict)
    asked: str = NAME
    usable_for: timedelta | None = None
    quorum: str = "5/5"


def older_record(*names: OlderName, number: int = 0, **fields: object) -> bytes:
    """Return an entry with a record, asked so many seconds after START."""
    asked_at: datetime = START + timedelta(seconds=number)
    exact = c.PolicyApplied(address_agreement=c.ADDRESS_AGREEMENT_EXACT)
    told = {"issuer_domains": [ISSUER], "issuer": "example", "policy": exact} | fields
    record = r.Record(
        id=make_id(asked_at),
        caller=CALLER,
        request_id=f"older-{number}",
        request_digest=bytes(32),
        asked_at_us=to_us(asked_at),
        decided_at_us=to_us(asked_at) + 40_000,
        coordinator_version="0.1.0",
        policy_version=bytes(8),
        **told,
    )
    record.policy.minimum_remotes, record.policy.minimum_regions = 4, 2
    for place in PLACES[:6]:
        role = c.ROLE_PRIMARY if place is PLACES[0] else c.ROLE_REMOTE
        record.perspectives.add(id=place.id, role=role, rir=o.Rir.Value(f"RIR_{place.rir}"))
    octets = record.SerializeToString()
    for name in names or (OlderName(),):
        octets += _field(17, _write_name(name, asked_at))
    return _field(1, octets)


def older_late(record_id: bytes, *replies: bytes) -> bytes:
    """Return an entry with what came late."""
    octets = r.LateReplies(record_id=record_id).SerializeToString()
    return _field(2, octets + b"".join(_field(2, one) for one in replies))


def older_late_reply(number: int, dissent: int, *, determination: int, outcome: int = 0) -> bytes:
    """Return a reply that came late, of a perspective, to the first name.

    `determination` is a number of the record's; 0: it has one of its own, with this outcome.
    """
    reply = r.RecordedReply(dissent=dissent, observation=1, elapsed_us=912_000)
    octets = r.LateReply(perspective_id=PLACES[number].id).SerializeToString()
    octets += _field(3, reply.SerializeToString() + _number(4, determination))
    return octets if determination else octets + _field(5, _number(1, outcome))


def _write_name(name: OlderName, asked_at: datetime) -> bytes:
    usual = {number: OlderReply() for number in range(6)}
    replies = usual | dict(name.replies)
    observations: list[bytes] = []
    outcomes: list[int] = []
    written = b""
    for number in range(6):
        reply = replies[number]
        message = r.RecordedReply(dissent=reply.dissent)
        determination = 0
        if reply.findings is not None:
            octets = o.Observation(name=NAME, findings=reply.findings).SerializeToString()
            observations += [octets] * (octets not in observations)
            outcomes += [reply.outcome] * (reply.outcome not in outcomes)
            message.observation = observations.index(octets) + 1
            message.elapsed_us = 1000 * (number + 1)
            determination = outcomes.index(reply.outcome) + 1
        if reply.dissent not in (0, NOT_AWAITED):
            message.detail = "so it was told"
        written += _field(8, message.SerializeToString() + _number(4, determination))
    head = r.RecordedName(
        asked=name.asked,
        looked_up="" if name.asked == NAME else NAME,
        detail="so it was told",
        quorum=name.quorum,
        required=4,
        observations=observations,
    )
    written += head.SerializeToString() + _number(3, name.reason)
    if name.usable_for is not None:
        written += _number(7, to_us(asked_at + name.usable_for))
    return written + b"".join(_field(10, _number(1, outcome)) for outcome in outcomes)


def _field(number: int, octets: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(octets)) + octets


def _number(number: int, value: int) -> bytes:
    """Return a number as one by itself is written, not a packed one of several; 0: nothing."""
    return _varint(number << 3) + _varint(value) if value else b""


def _varint(value: int) -> bytes:
    octets = []
    while value > 127:
        octets.append(value & 127 | 128)
        value >>= 7
    return bytes([*octets, value])
