"""What fuzzing drives: any octets in, and an assertion for what must never be.

Each target reads octets that come from the network: CAA record data, the resolver's answers, an
agent's observations, a caller's names.
"""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress

import dns.exception
import dns.flags
import dns.message
import dns.rcode
from google.protobuf.message import DecodeError

from coordinator.ballot import Ballot, Reply
from coordinator.caa import Applicant, judge_set
from coordinator.caa_value import read_issue_value, read_property
from mpic.names import InvalidNameError, parse_name
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p
from perspective_agent.wire import CAA, DS, A, Query, make_query, read_answer
from tests.world.samples import NAME, TERMS, WORLD, ask, reply

_DECIDED = (c.CAA_OUTCOME_PERMITTED, c.CAA_OUTCOME_FORBIDDEN)
_APPLICANT = Applicant(frozenset({"ca.example.test"}), "https://ca.example/1", "dns-01")

# The ABNF of RFC 8659 section 4.2 as one expression, written apart from the parser.
_LABEL = "[A-Za-z0-9](?:-*[A-Za-z0-9])*"
_PARAMETER = rf"{_LABEL}[ \t]*=[ \t]*[\x21-\x3A\x3C-\x7E]*"
_ISSUE_VALUE = re.compile(
    rf"[ \t]*(?:{_LABEL}(?:\.{_LABEL})*[ \t]*)?"
    rf"(?:;[ \t]*(?:{_PARAMETER}(?:[ \t]*;[ \t]*{_PARAMETER})*[ \t]*)?)?"
)
_SHORT = 200  # octets; the expression backtracks


def caa_value(data: bytes) -> None:
    """The value of an issue property: read if and only if the ABNF matches."""
    value = read_issue_value(data)
    if len(data) <= _SHORT:
        matches = _ISSUE_VALUE.fullmatch(data.decode("latin-1")) is not None
        assert (value is not None) == matches


def caa_set(data: bytes) -> None:
    """Record data in pieces, each with its length before it."""
    rdata = _cut(data) or [data]
    for wildcard in (False, True):
        found = judge_set(rdata, wildcard, _APPLICANT)
        assert found.outcome in _DECIDED
        assert re.fullmatch("[ -~]+", found.detail)
        assert len(found.detail) < 2000
        if found.outcome == c.CAA_OUTCOME_PERMITTED:
            assert all(read_property(one) is not None for one in rdata)


def _cut(data: bytes) -> list[bytes]:
    pieces = []
    while data:
        length = data[0]
        pieces.append(data[1 : 1 + length])
        data = data[1 + length :]
    return pieces


def answer(data: bytes) -> None:
    """The resolver's answer, made to belong to the question half of the time."""
    for rdtype in (A, CAA, DS):
        query = make_query(NAME, rdtype)
        _read(query, data)
        _read(query, b"\x12\x34" + data[:2] + b"\x00\x01" + data[2:8] + query.question + data[8:])


def _read(query: Query, wire: bytes) -> None:
    if len(wire) < 12:
        return
    lookup = read_answer(query, 0x1234, wire)
    kind = lookup.WhichOneof("result")
    assert kind is not None
    if kind == "failure":
        assert lookup.failure.kind
        assert lookup.failure.detail
        return
    flags = int.from_bytes(wire[2:4], "big")
    assert wire[:2] == b"\x12\x34"
    assert flags & dns.flags.QR
    assert not flags & dns.flags.TC
    assert wire[12 : 12 + len(query.question)] == query.question
    with suppress(dns.exception.DNSException, ValueError):
        message = dns.message.from_wire(wire)
        assert message.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN)
    for rdata in lookup.records.rdata:
        assert rdata in wire


def observation(data: bytes) -> None:
    """An agent's observation: judged without an exception, and believed only if it is sound."""
    with suppress(DecodeError):
        message = o.Observation.FromString(data)
        encoded = p.EncodedObservation(observation=data)
        for perspective in (WORLD.primary, WORLD.remotes[0]):
            ballot = Ballot(ask(), TERMS, WORLD)
            if not perspective.is_primary:
                ballot.add(reply(WORLD.primary))
            ballot.add(Reply(perspective, encoded, 0.01))
            standing = ballot.standing(perspective)
            assert standing.dissent in c.Dissent.values()
            if standing.corroborates:
                assert len(message.findings) == 2
                assert standing.caa is not None


def name(data: bytes) -> None:
    """A caller's name: refused, or in the one form that is looked up."""
    with suppress(InvalidNameError, UnicodeDecodeError):
        parsed = parse_name(data.decode("utf-8"))
        assert re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", parsed.looked_up)
        assert len(parsed.looked_up) <= 253
        assert parse_name(parsed.certificate_name).looked_up == parsed.looked_up


TARGETS: Mapping[str, Callable[[bytes], None]] = {
    "caa_value": caa_value,
    "caa_set": caa_set,
    "answer": answer,
    "observation": observation,
    "name": name,
}


def seeds(target: str) -> list[bytes]:
    """Return octets near which the interesting ones lie."""
    match target:
        case "caa_value":
            return [b"ca.example; a=b; c=d", b";", b"", b"ca.example;accounturi=https://a.b/1"]
        case "caa_set":
            return [b"\x15\x00\x05issueca.example.test", b"\x05\x80\x01x;\x00\x07\x00\x05issue;"]
        case "answer":
            return [_sample(rcode, ancount) for rcode in (0, 3, 2) for ancount in (0, 1)]
        case "observation":
            return [reply(WORLD.primary).encoded.observation]
        case _:
            return ["*.bücher.example".encode(), b"xn--bcher-kva.example", b"1.2.3.4", b"a.b"]


def _sample(rcode: int, answers: int) -> bytes:
    """Make what `answer` puts behind the id: flags, counts, a record, an OPT."""
    record = b"\xc0\x0c\x01\x01\x00\x01\x00\x00\x00\x3c\x00\x0c\x00\x05issueother"
    opt = b"\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00"
    counts = bytes((0, answers, 0, 0, 0, 1))
    return bytes((0x81, 0xA0 | rcode)) + counts + record * answers + opt
