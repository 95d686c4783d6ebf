"""SIGKILL under load: every approval that was heard must be in the record. Run by kill.sh.

    kills=300 approved_heard=41234 lost=0 unverifiable=0

`lost` are approvals heard that the store does not have; `unverifiable` flaws of its chains.
"""

import argparse
import random
import signal
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import grpc

from coordinator.record.audit import verify_store
from coordinator.record.dossier import read_dossier
from coordinator.record.ids import read_id
from coordinator.record.store import Store
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import corroboration_pb2_grpc
from tests.world.deployment import Deployment, Plan
from tests.world.internet import Internet
from tests.world.postgresql import PostgresqlServer
from tests.world.process import wait_until

_IN_FLIGHT = 32


def main() -> int:
    """Kill, compare and print; return 1 when something is lost."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--store", choices=["sqlite", "postgresql"], default="sqlite")
    options = parser.parse_args()
    kills: int = options.kills
    directory = Path(tempfile.mkdtemp(prefix="mpic-kill-"))
    with ExitStack() as stack:
        dsn = start_database(stack) if options.store == "postgresql" else ""
        plan = Plan(cache_max_ttl=60, record_dsn=dsn)
        internet = stack.enter_context(Internet(directory / "internet"))
        deployment = stack.enter_context(Deployment(directory, internet, plan))
        heard = kill_and_listen(deployment, kills)
        lost, flaws = compare(deployment.open_record(), heard)
    print(f"kills={kills} approved_heard={len(heard)} lost={lost} unverifiable={flaws}")
    return int(bool(lost or flaws))


def start_database(stack: ExitStack) -> str:
    """Start a server of PostgreSQL and return the dsn of a database."""
    place = stack.enter_context(tempfile.TemporaryDirectory(prefix="mpic-kill-"))
    return stack.enter_context(PostgresqlServer(Path(place))).empty_database()


def kill_and_listen(deployment: Deployment, kills: int) -> dict[str, str]:
    """Return the request ids of the approvals heard, by record id."""
    heard: dict[str, str] = {}
    for number in range(kills):
        listener = threading.Thread(target=listen, args=(deployment, heard))
        before = len(heard)
        listener.start()
        wait_until(lambda before=before: len(heard) > before, 60, lambda: "nothing is approved")  # type: ignore[misc]
        time.sleep(random.uniform(0.0, 0.45))  # noqa: S311 - a moment to kill at, no secret
        deployment.coordinator.signal(signal.SIGKILL)
        listener.join()
        deployment.coordinator.stop()
        deployment.start_coordinator()
        if number % 20 == 19:
            print(f"{number + 1} kills, {len(heard)} approvals heard", flush=True)
    return heard


def listen(deployment: Deployment, heard: dict[str, str]) -> None:
    """Keep questions in flight on a stream until the coordinator is gone."""
    room = threading.Semaphore(_IN_FLIGHT)
    gone = threading.Event()

    def questions() -> Iterator[c.CorroborateStreamRequest]:
        for n in count():
            room.acquire()
            if gone.is_set():
                return
            name = f"host{n}.child.parent.example.co.jp"
            question = c.CorroborateRequest(request_id=str(uuid.uuid4()), names=[name])
            yield c.CorroborateStreamRequest(questions=[question])

    with deployment.channel() as channel:
        stub = corroboration_pb2_grpc.CorroborationServiceStub(channel)
        try:
            for response in stub.CorroborateStream(questions()):
                for outcome in response.outcomes:
                    if outcome.verdict.approved:
                        heard[outcome.verdict.record_id] = outcome.request_id
                    room.release()
        except grpc.RpcError:
            gone.set()
            room.release()


def compare(store: Store, heard: dict[str, str]) -> tuple[int, int]:
    """Return how many approvals are not in the store, and how many flaws it has; close it."""
    lost = 0
    for record_id, request_id in heard.items():
        stored = store.read(read_id(record_id))
        question = read_dossier(stored.contents if stored else ()).question
        lost += question is None or question.request_id != request_id
    flaws = len(list(verify_store(store)))
    store.close()
    return lost, flaws


if __name__ == "__main__":
    raise SystemExit(main())
