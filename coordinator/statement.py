"""What an agent states, held against the roster; TLS shows only whose certificate it is. Pure."""

from google.protobuf.message import DecodeError

from coordinator.link_problem import LinkError, Problem
from coordinator.roster import Perspective
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p


def read_response(message: bytes, expected: Perspective, address: str) -> p.ObserveResponse:
    """Return what the agent at `address` sent; raises LinkError for garbage, or another agent."""
    try:
        response = p.ObserveResponse.FromString(message)
    except DecodeError as error:
        detail = f"the agent sent {len(message)} octets that do not parse"
        raise LinkError(Problem(c.DISSENT_GARBAGE, detail)) from error
    check_identity(response, expected, address)
    return response


def check_identity(
    stated: p.DescribeResponse | p.ObserveResponse, expected: Perspective, address: str
) -> None:
    """Raise LinkError when the agent at `address` says it is another than the roster says."""
    if (stated.perspective_id, stated.rir) != (expected.id, expected.rir):
        detail = (
            f"the agent at {address} says it is {stated.perspective_id!r} in"
            f" {_rir_name(stated.rir)}; the roster says {expected.id!r} in"
            f" {_rir_name(expected.rir)}"
        )
        raise LinkError(Problem(c.DISSENT_MISIDENTIFIED, detail))


def _rir_name(rir: o.Rir.ValueType) -> str:
    return o.Rir.Name(rir).removeprefix("RIR_") if rir in o.Rir.values() else f"region {rir}"
