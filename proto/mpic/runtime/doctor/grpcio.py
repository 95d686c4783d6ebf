"""Whether grpcio has the private parts that a coordinator uses."""

from collections.abc import Sequence

import grpc
from grpc import aio

from mpic.runtime.doctor import DoctorFinding, Facts
from mpic.runtime.grpc.acceptors import find_lacking


async def examine_grpcio() -> Sequence[DoctorFinding]:
    """Look at a server of grpcio as it is installed here."""
    server = aio.server()
    lacking = find_lacking(server)
    await server.stop(None)
    return [judge_grpcio(lacking)]


def judge_grpcio(lacking: str) -> DoctorFinding:
    """Say how calls are taken up, given what grpcio lacks. Pure."""
    facts: Facts = {"grpcio": grpc.__version__, "lacking": lacking}
    if lacking:
        what = f"calls are taken up one by one, at up to twice the CPU: grpcio lacks {lacking!r}"
        mend = "Install the release of grpcio that requirements-run.txt names"
        return DoctorFinding("warning", what, mend, facts)
    return DoctorFinding("ok", "many calls that wait are taken up at a time", facts=facts)
