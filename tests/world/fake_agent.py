"""An agent with the right certificate and wrong answers.

    python -m tests.world.fake_agent BEHAVIOUR ID RIR LISTEN PKI-DIRECTORY

What it sends for each question is chosen by BEHAVIOUR; see `BEHAVIOURS` and `HOSTILE`.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import grpc
from grpc import aio

from mpic.channel import TlsFiles
from mpic.runtime.grpc.tls import server_credentials
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p

_KNOWN = ("caa_walk", "addresses")

Answer = Callable[[p.Question, p.ObserveResponse], bytes]


def _observe(question: p.Question, response: p.ObserveResponse, **changes: Any) -> bytes:  # noqa: ANN401
    question_id = changes.pop("question_id", question.id)
    observation = o.Observation(
        **({"name": question.name, "findings": _findings(question)} | changes)
    )
    response.observations.add(question_id=question_id, observation=observation.SerializeToString())
    return response.SerializeToString()


def _findings(question: p.Question) -> list[o.Finding]:
    """What an honest agent would find where there is nothing."""
    labels = question.name.split(".")
    levels = [
        o.Lookup(name=".".join(labels[n:]), absence=o.ABSENCE_NO_DATA, dnssec=o.DNSSEC_SECURE)
        for n in range(len(labels))
    ]
    address = o.Lookup(name=question.name, absence=o.ABSENCE_NO_DATA, dnssec=o.DNSSEC_SECURE)
    return [
        o.Finding(caa_walk=o.CaaFinding(levels=levels)),
        o.Finding(addresses=o.AddressFinding(lookup=address)),
    ]


def _as_somebody_else(question: p.Question, response: p.ObserveResponse) -> bytes:
    response.perspective_id = "somebody-else"
    return _observe(question, response)


def _with_octets_inside(question: p.Question, response: p.ObserveResponse) -> bytes:
    response.observations.add(question_id=question.id, observation=b"\xff\xff\xff\xff")
    return response.SerializeToString()


def _from_elsewhere(question: p.Question, response: p.ObserveResponse) -> bytes:
    response.rir = o.RIR_LACNIC
    return _observe(question, response)


def _hang(question: p.Question, response: p.ObserveResponse) -> bytes:
    """Run no more, while gRPC's own threads go on acknowledging pings."""
    time.sleep(60)
    return _observe(question, response)


def _with_unknown(field: bytes) -> Answer:
    """Say what is true, and put a field that the agreement does not have behind it."""

    def answer(question: p.Question, response: p.ObserveResponse) -> bytes:
        observation = o.Observation(name=question.name, findings=_findings(question))
        octets = observation.SerializeToString() + field
        response.observations.add(question_id=question.id, observation=octets)
        return response.SerializeToString()

    return answer


def _fail(detail: str) -> Answer:
    """Say that the CAA lookup failed, and why."""

    def answer(question: p.Question, response: p.ObserveResponse) -> bytes:
        failure = o.Failure(kind=o.FAILURE_KIND_SERVFAIL, detail=detail)
        level = o.Lookup(name=question.name, failure=failure, dnssec=o.DNSSEC_INDETERMINATE)
        walk = o.Finding(caa_walk=o.CaaFinding(levels=[level]))
        return _observe(question, response, findings=[walk, _findings(question)[1]])

    return answer


def _find(rdata: Sequence[bytes]) -> Answer:
    """Say that there are CAA records."""

    def answer(question: p.Question, response: p.ObserveResponse) -> bytes:
        records = o.RecordSet(owner=question.name, ttl=60, rdata=rdata)
        level = o.Lookup(name=question.name, records=records, dnssec=o.DNSSEC_SECURE)
        walk = o.Finding(caa_walk=o.CaaFinding(levels=[level]))
        return _observe(question, response, findings=[walk, _findings(question)[1]])

    return answer


def _among_empty(octets: int) -> Answer:
    """Answer, and send so many octets of observations that are empty, of two octets each."""

    def answer(question: p.Question, response: p.ObserveResponse) -> bytes:
        return b"\x1a\x00" * (octets // 2) + _observe(question, response)

    return answer


def _with_times(question: p.Question, response: p.ObserveResponse) -> bytes:
    _observe(question, response)
    response.observations[0].elapsed_us = 2**32 - 1
    response.observations[0].lookups_us.extend([2**32 - 1] * 500_000)
    return response.SerializeToString()


def _blind(why: str) -> Answer:
    def answer(_question: p.Question, response: p.ObserveResponse) -> bytes:
        response.cannot_look = why
        return response.SerializeToString()

    return answer


def _as_nobody(question: p.Question, response: p.ObserveResponse) -> bytes:
    response.perspective_id = "\x1b[2J" * 10**6
    return _observe(question, response)


MIB = 2**20
ANSI = "\x1b[2J\u202e\r\n\x00"
LARGE_SET = [b"\x00\x03aaa%d" % number for number in range(5461)]
"""Of a well-formed observation that is nearly as large as one may be."""

HOSTILE: Mapping[str, Answer] = {
    "nested": _with_unknown(b"\xa3\x06" * 98 + b"\xa4\x06" * 98),
    "unknown-field": _with_unknown(b"\xa2\x06\x80\x80\xc0\x02" + b"x" * (5 * MIB)),
    "small-unknown-field": _with_unknown(b"\xa0\x06\x01"),
    "long-detail": _fail("x" * (5 * MIB)),
    "ansi-detail": _fail(ANSI * 1000),
    "large-set": _find(LARGE_SET),
    "many-records": _find([b""] * 30_000),
    "empty-16-mib": _among_empty(16 * MIB),
    "empty-4-mib": _among_empty(4 * MIB),
    "many-times": _with_times,
    "blind": _blind(ANSI * 2000),
    "blind-2-mib": _blind(ANSI * (MIB // 4)),
    "nobody": _as_nobody,
    "long-description": _observe,
    "longer-description": _observe,
    "description-of-octets": _observe,
}
"""Of an agent that would harm the coordinator, or keep it from answering."""

BEHAVIOURS: Mapping[str, Answer] = {
    "honest": _observe,
    "octets": lambda _question, _response: b"\xff\xff\xff\xff",
    "inner-octets": _with_octets_inside,
    "other-name": lambda q, r: _observe(q, r, name="other.example.test"),
    "other-question": lambda q, r: _observe(q, r, question_id=q.id + 1_000_000),
    "empty": lambda q, r: _observe(q, r, findings=[]),
    "half": lambda q, r: _observe(q, r, findings=_findings(q)[:1]),
    "wrong-order": lambda q, r: _observe(q, r, findings=_findings(q)[::-1]),
    "short-walk": lambda q, r: _observe(
        q,
        r,
        findings=[
            o.Finding(caa_walk=o.CaaFinding(levels=_findings(q)[0].caa_walk.levels[:1])),
            _findings(q)[1],
        ],
    ),
    "somebody-else": _as_somebody_else,
    "elsewhere": _from_elsewhere,
    "hung": _hang,
}


def _describe(behaviour: str, id: str, rir: o.Rir.ValueType) -> bytes:
    """Return what an agent says of itself, encoded."""
    # All but one are of the kind that knows no signs of life.
    gives_signs = behaviour == "hung"
    described = p.DescribeResponse(
        perspective_id=id, rir=rir, version="fake", heartbeats=gives_signs, checks=_KNOWN
    )
    if behaviour == "long-description":
        described.version += ANSI * 100
        described.resolver.evidence = ANSI * 2000
        described.resolver.software = "x" * 5000
        described.checks.extend(["a check"] * 1000)
    elif behaviour == "longer-description":
        described.checks.extend(["a check"] * 10**6)
    elif behaviour == "description-of-octets":
        return described.SerializeToString() + b"\x1a\x02\xff\xff"  # a version that is no text
    return described.SerializeToString()


async def main(behaviour: str, id: str, rir: str, listen: str, pki: str) -> None:
    """Serve for ever."""
    answer = {**BEHAVIOURS, **HOSTILE}[behaviour]
    region = o.Rir.Value(f"RIR_{rir}")

    async def describe(_request: p.DescribeRequest, _context: object) -> bytes:
        return _describe(behaviour, id, region)

    async def observe(requests: AsyncIterator[bytes], _context: object) -> AsyncIterator[bytes]:
        async for message in requests:
            print("asked", message.hex(), flush=True)  # noqa: T201 - for whoever started it
            request = p.ObserveRequest.FromString(message)
            if request.heartbeat:
                yield p.ObserveResponse(perspective_id=id, rir=region).SerializeToString()
            for question in request.questions:
                yield answer(question, p.ObserveResponse(perspective_id=id, rir=region))

    server = aio.server(options=[("grpc.max_send_message_length", -1)])
    handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
        "Describe": grpc.unary_unary_rpc_method_handler(
            describe, request_deserializer=p.DescribeRequest.FromString
        ),
        "Observe": grpc.stream_stream_rpc_method_handler(observe),
    }
    service = grpc.method_handlers_generic_handler("mpic.v1.PerspectiveService", handlers)
    server.add_generic_rpc_handlers((service,))
    pair = Path(pki) / f"perspective-{id}"
    files = TlsFiles(pair.with_suffix(".pem"), pair.with_suffix(".key"), Path(pki) / "ca.pem")
    server.add_secure_port(listen, server_credentials(files))
    await server.start()
    print('"serving"', flush=True)  # noqa: T201 - for whoever started it
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
