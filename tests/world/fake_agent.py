"""An agent with the right certificate and wrong answers.

    python -m tests.world.fake_agent BEHAVIOUR ID RIR LISTEN PKI-DIRECTORY

What it sends for each question is chosen by BEHAVIOUR; see `BEHAVIOURS`.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import grpc
from grpc import aio

from mpic.grpc.tls import TlsFiles, server_credentials
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p

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


async def main(behaviour: str, id: str, rir: str, listen: str, pki: str) -> None:
    """Serve for ever."""
    answer = BEHAVIOURS[behaviour]
    region = o.Rir.Value(f"RIR_{rir}")

    async def describe(_request: p.DescribeRequest, _context: object) -> p.DescribeResponse:
        # All but one are of the kind that knows no signs of life.
        gives_signs = behaviour == "hung"
        return p.DescribeResponse(
            perspective_id=id, rir=region, version="fake", heartbeats=gives_signs
        )

    async def observe(requests: AsyncIterator[bytes], _context: object) -> AsyncIterator[bytes]:
        async for message in requests:
            request = p.ObserveRequest.FromString(message)
            if request.heartbeat:
                yield p.ObserveResponse(perspective_id=id, rir=region).SerializeToString()
            for question in request.questions:
                yield answer(question, p.ObserveResponse(perspective_id=id, rir=region))

    server = aio.server()
    handlers = {
        "Describe": grpc.unary_unary_rpc_method_handler(
            describe,
            request_deserializer=p.DescribeRequest.FromString,
            response_serializer=p.DescribeResponse.SerializeToString,
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
