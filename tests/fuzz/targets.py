"""What fuzzing drives: any octets in, and an assertion for what must never be.

Each target reads octets that come from the network: CAA record data, the resolver's answers and
their records, an agent's messages and the observations in them, a caller's questions and names.
`web_targets` has those for web servers.
"""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import dns.rcode
from google.protobuf.message import DecodeError

from coordinator.checks.caa.issuer import Issuer
from coordinator.checks.caa.relevant_set import Applicant, judge_set
from coordinator.checks.caa.value import read_issue_value
from coordinator.decision.name_decision import NameDecision
from coordinator.decision.request import RequestRules, read_request
from coordinator.decision.vote import Reply
from coordinator.perspectives.client import PerspectiveClient
from coordinator.perspectives.client_options import ClientOptions
from coordinator.perspectives.errors import PerspectiveError
from mpic.bounds import MAX_NAMES
from mpic.caa_record import read_property
from mpic.channel import TlsFiles
from mpic.name_form import InvalidNameError, is_looked_up
from mpic.names import parse_name
from mpic.runtime.grpc.errors import RequestError
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p
from perspective_agent.dns.records import (
    MalformedRecordError,
    name_to_text,
    read_name,
    read_records,
    skip_records,
)
from perspective_agent.dns.wire import AAAA, CAA, CNAME, DS, PTR, A, Query, make_query, read_answer
from tests.fuzz import web_targets
from tests.world.at_once import run_at_once
from tests.world.requests import named
from tests.world.samples import NAME, NOVEMBER, RULES, WORLD, asked_name, reply

_DECIDED = (c.OUTCOME_PASSED, c.OUTCOME_FORBIDDEN)
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
        if found.outcome == c.OUTCOME_PASSED:
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
    for rdtype in (A, AAAA, CAA, CNAME, DS, PTR):
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
        if query.rdtype in (CNAME, PTR):
            assert dns.name.from_wire(rdata, 0)[1] == len(rdata)  # alone, it is a whole name
        else:
            assert rdata in wire
            assert len(rdata) == {A: 4, AAAA: 16}.get(query.rdtype, len(rdata))


def records(data: bytes) -> None:
    """A section of records, and a name: read as dnspython reads names, or refused."""
    for count in (1, 2, 7):
        with suppress(MalformedRecordError):
            section, end = read_records(data, 0, count)
            assert end <= len(data)
            assert end == skip_records(data, 0, count)
            assert len(section) == count
            assert all(one.rdata in data and one.ttl <= 0x7FFFFFFF for one in section)
    try:
        owner, end = read_name(data, 0)
    except MalformedRecordError:
        return
    expected, used = dns.name.from_wire(data, 0)
    assert (owner, end) == (expected.to_wire().lower(), used)
    assert re.fullmatch(r"[ -~]*", name_to_text(owner))


_PERSPECTIVE = WORLD.remotes[0]
_NO_FILES = TlsFiles(Path("none"), Path("none"), Path("none"))


def message(data: bytes) -> None:
    """A message of an agent: it ends the link, or answers what was asked, each once."""
    link = PerspectiveClient(_PERSPECTIVE, ClientOptions(_NO_FILES))
    answered: list[int] = []
    for question_id in (1, 2, 3):
        link._pending.add(question_id, lambda _who, which, _what: answered.append(which))
    with suppress(PerspectiveError):
        run_at_once(link._deliver(data))
        response = p.ObserveResponse.FromString(data)
        assert (response.perspective_id, response.rir) == (_PERSPECTIVE.id, _PERSPECTIVE.rir)
        assert set(answered) <= {one.question_id for one in response.observations}
    assert set(answered) <= {1, 2, 3}
    assert len(set(answered)) == len(answered)


def question(data: bytes) -> None:
    """A caller's question: refused with the fields that are wrong, or fit to be asked."""
    with suppress(DecodeError, RequestError):
        message = c.CorroborateRequest.FromString(data)
        asked = read_request(message, _REQUEST_RULES)
        assert 1 <= len(asked.names) == len(message.names) <= MAX_NAMES
        assert RULES.required <= asked.rules.required <= len(WORLD.remotes)
        assert 0 <= asked.linger <= _REQUEST_RULES.max_linger
        for one, requested in zip(asked.names, message.names, strict=True):
            assert is_looked_up(one.looked_up)
            caa, addresses = [check.asked for check in one.checks]
            assert caa.caa.issuer_domains
            assert caa.caa.validation_method == requested.validation_method
            assert caa.caa.account_uri == message.account_uri
            assert addresses.addresses.agreement in _AGREEMENTS


_REQUEST_RULES = RequestRules(
    {"example": Issuer(frozenset({"ca.example.test"}))},
    RULES.row,
    len(WORLD.remotes),
    11.0,
    NOVEMBER,
)
_CHECKS = ["caa", "addresses"]
_AGREEMENTS = (c.ADDRESS_AGREEMENT_EXACT,)  # the policy's; there is no stricter one


def observation(data: bytes) -> None:
    """An agent's observation: judged without an exception, and believed only if it is sound."""
    with suppress(DecodeError):
        message = o.Observation.FromString(data)
        encoded = p.EncodedObservation(observation=data)
        for perspective in (WORLD.primary, WORLD.remotes[0]):
            decision = NameDecision(asked_name(), RULES, WORLD)
            if not perspective.is_primary:
                decision.add(reply(WORLD.primary))
            decision.add(Reply(perspective, encoded, 0.01))
            vote = decision.vote_of(perspective)
            assert vote.dissent in c.Dissent.values()
            assert "a defect of the coordinator" not in vote.detail
            assert [one.check for one in vote.determinations] in ([], _CHECKS)
            if vote.corroborates:
                assert len(message.findings) == 2
                assert [one.outcome for one in vote.determinations] == [c.OUTCOME_PASSED] * 2
            elif vote.check:
                assert vote.determinations[_CHECKS.index(vote.check)].outcome != c.OUTCOME_PASSED


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
    "records": records,
    "message": message,
    "observation": observation,
    "question": question,
    "name": name,
    **web_targets.TARGETS,
}


def _frame(*ids: int, perspective: str = _PERSPECTIVE.id) -> bytes:
    observations = [p.EncodedObservation(question_id=one, observation=b"x") for one in ids]
    return p.ObserveResponse(
        perspective_id=perspective, rir=_PERSPECTIVE.rir, observations=observations
    ).SerializeToString()


def _sample(rcode: int, answers: int) -> bytes:
    """Make what `answer` puts behind the id: flags, counts, a record, an OPT."""
    record = b"\xc0\x0c\x01\x01\x00\x01\x00\x00\x00\x3c\x00\x0c\x00\x05issueother"
    opt = b"\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00"
    counts = bytes((0, answers, 0, 0, 0, 1))
    return bytes((0x81, 0xA0 | rcode)) + counts + record * answers + opt


def _question() -> bytes:
    asked = c.CorroborateRequest(request_id="r", names=named(["*.example.com", "b.example"]))
    asked.linger.FromSeconds(1)
    asked.tightening.min_corroborating = 5
    return asked.SerializeToString()


SEEDS: Mapping[str, list[bytes]] = {
    "caa_value": [b"ca.example; a=b; c=d", b";", b"", b"ca.example;accounturi=https://a.b/1"],
    "caa_set": [b"\x15\x00\x05issueca.example.test", b"\x05\x80\x01x;\x00\x07\x00\x05issue;"],
    "answer": [_sample(rcode, answers) for rcode in (0, 3, 2) for answers in (0, 1)],
    "records": [
        b"\x01a\x00\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x02\xc0\x00" + b"\xc0\x00" * 8,
        b"\x01a\xc0\x00",
    ],
    "message": [_frame(1), _frame(2, 2, 9), _frame(1, perspective="other")],
    "observation": [reply(WORLD.primary).encoded.observation],
    "question": [_question()],
    "name": ["*.bücher.example".encode(), b"xn--bcher-kva.example", b"1.2.3.4", b"a.b"],
    **web_targets.SEEDS,
}
"""Octets near which the interesting ones lie."""
