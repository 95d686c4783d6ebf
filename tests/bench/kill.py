"""Kills coordinators or cancels calls under load: what was heard is recorded, and once.

    kills=200 approved_heard=41234 lost=0 unverifiable=0 asked_again=6400 records_per_request_id=1

kill.sh runs it.

- `lost`: approvals that were heard and that the store does not have.
- `unverifiable`: flaws of its chains.
- `asked_again`: request ids whose call broke. Each request id may have at most one recorded verdict
  that is remembered, and all its answers must be the same (`told_otherwise`).

With --cancels calls are cancelled at random moments, and asked again at once at another worker.
"""

import argparse
import random
import signal
import tempfile
import threading
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import grpc

from coordinator.decision.attempt_id import read_id
from coordinator.record.determination import is_determination
from coordinator.record.entries import read_entries
from coordinator.record.stores.base import Search, Store
from coordinator.record.verify import verify_store
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import corroboration_pb2_grpc
from tests.world.deployment import Deployment, Plan
from tests.world.internet import Internet
from tests.world.postgresql import PostgresqlServer
from tests.world.process import wait_until
from tests.world.requests import named

_IN_FLIGHT = 32
_CALLERS = 8
_SOON = 0.06
"""Seconds within which a call is cancelled: about as many as one takes."""


@dataclass(slots=True)
class Heard:
    """What callers heard, and what they asked and did not hear."""

    records: dict[str, str] = field(default_factory=dict)
    """The request ids of the approvals, by record id."""
    open: dict[str, c.CorroborateRequest] = field(default_factory=dict)
    """Questions without an answer, by request id."""
    told: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """The record ids told, by request id."""
    asked_again: int = 0

    def note(self, response: c.CorroborateResponse) -> None:
        """Note an answer."""
        self.open.pop(response.request_id, None)
        self.told[response.request_id].add(response.record_id)
        if response.approved:
            self.records[response.record_id] = response.request_id

    @property
    def told_otherwise(self) -> int:
        """How many request ids were told different verdicts."""
        return sum(len(records) > 1 for records in self.told.values())


def main() -> int:
    """Kill or cancel, compare and print; return 1 when something is lost or told twice."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--cancels", type=int, default=0, help="calls to cancel instead of kills")
    parser.add_argument("--store", choices=["sqlite", "postgresql"], default="sqlite")
    options = parser.parse_args()
    cancels: int = options.cancels
    kills: int = 0 if cancels else options.kills
    directory = Path(tempfile.mkdtemp(prefix="mpic-kill-"))
    with ExitStack() as stack:
        dsn = start_database(stack) if options.store == "postgresql" else ""
        workers = 2 if cancels else 1
        plan = Plan(
            cache_max_ttl=60, record_dsn=dsn, repeat_window=3600, coordinator_workers=workers
        )
        internet = stack.enter_context(Internet(directory / "internet"))
        deployment = stack.enter_context(Deployment(directory, internet, plan))
        heard = cancel_and_ask_again(deployment, cancels) if cancels else Heard()
        kill_and_listen(deployment, kills, heard)
        store = deployment.open_record()
        most = count_remembered(store)
        lost, flaws = compare(store, heard.records)
    otherwise = heard.told_otherwise
    print(
        f"kills={kills} cancels={cancels} approved_heard={len(heard.records)} lost={lost}"
        f" unverifiable={flaws} asked_again={heard.asked_again} records_per_request_id={most}"
        f" told_otherwise={otherwise}"
    )
    return int(bool(lost or flaws or otherwise or most > 1))


def start_database(stack: ExitStack) -> str:
    """Start a server of PostgreSQL and return the dsn of a database."""
    place = stack.enter_context(tempfile.TemporaryDirectory(prefix="mpic-kill-"))
    return stack.enter_context(PostgresqlServer(Path(place))).empty_database()


def kill_and_listen(deployment: Deployment, kills: int, heard: Heard) -> None:
    """Kill the coordinator under load, and ask again what was in flight."""
    for number in range(kills):
        listener = threading.Thread(target=listen, args=(deployment, heard))
        before = len(heard.records)
        listener.start()
        wait_until(
            lambda before=before: len(heard.records) > before,  # type: ignore[misc]
            60,
            lambda: "nothing is approved",
        )
        time.sleep(random.uniform(0.0, 0.45))  # noqa: S311 - a moment to kill at, no secret
        deployment.coordinator.signal(signal.SIGKILL)
        listener.join()
        deployment.coordinator.stop()
        deployment.start_coordinator()
        ask_again(deployment, heard)
        if number % 20 == 19:
            print(f"{number + 1} kills, {len(heard.records)} approvals heard", flush=True)


def listen(deployment: Deployment, heard: Heard) -> None:
    """Keep questions in flight on a stream until the coordinator is gone."""
    room = threading.Semaphore(_IN_FLIGHT)
    gone = threading.Event()

    def questions() -> Iterator[c.CorroborateStreamRequest]:
        for n in count():
            room.acquire()
            if gone.is_set():
                return
            question = make_question(n)
            heard.open[question.request_id] = question
            yield c.CorroborateStreamRequest(questions=[question])

    with deployment.channel() as channel:
        stub = corroboration_pb2_grpc.CorroborationServiceStub(channel)
        try:
            for response in stub.CorroborateStream(questions()):
                for outcome in response.outcomes:
                    if outcome.HasField("verdict"):
                        heard.note(outcome.verdict)
                    room.release()
        except grpc.RpcError:
            gone.set()
            room.release()


def make_question(number: int) -> c.CorroborateRequest:
    """Return one about a name that changes with the number, under a new request id."""
    name = f"host{number}.child.parent.example.co.jp"
    return c.CorroborateRequest(request_id=str(uuid.uuid4()), names=named([name]))


def ask_again(deployment: Deployment, heard: Heard) -> None:
    """Ask under the same ids what has no answer, as callers do."""
    questions = list(heard.open.values())
    heard.asked_again += len(questions)
    messages = iter([c.CorroborateStreamRequest(questions=questions)])
    with deployment.channel() as channel:
        stub = corroboration_pb2_grpc.CorroborationServiceStub(channel)
        for response in stub.CorroborateStream(messages, wait_for_ready=True, timeout=120):
            for outcome in response.outcomes:
                if outcome.HasField("verdict"):
                    heard.note(outcome.verdict)
    heard.open.clear()


def cancel_and_ask_again(deployment: Deployment, cancels: int) -> Heard:
    """Cancel calls at random moments and ask again at once, at either worker."""
    heard = Heard()
    with deployment.channel() as one, deployment.channel(worker=1) as other:
        stubs = [corroboration_pb2_grpc.CorroborationServiceStub(each) for each in (one, other)]

        def ask_twice(number: int) -> None:
            question = make_question(number)
            first = stubs[number % 2].Corroborate.future(question, timeout=120)
            time.sleep(random.uniform(0.0, _SOON))  # noqa: S311 - a moment, no secret
            first.cancel()
            again = stubs[random.randrange(2)]  # noqa: S311
            heard.note(again.Corroborate(question, timeout=120))
            if not first.cancelled():
                heard.note(first.result())

        with ThreadPoolExecutor(_CALLERS) as pool:
            for number, _ in enumerate(pool.map(ask_twice, range(cancels)), 1):
                if number % 2000 == 0:
                    print(f"{number} cancelled, {len(heard.records)} approvals heard", flush=True)
    heard.asked_again = cancels
    return heard


def count_remembered(store: Store) -> int:
    """Return how many records with a verdict that is remembered a request has, at most."""
    remembered: Counter[tuple[str, str]] = Counter()
    for stored in store.search(Search()):
        question = read_entries(stored.contents).question
        if question is not None and is_determination(question):
            remembered[question.caller, question.request_id] += 1
    return max(remembered.values(), default=0)


def compare(store: Store, heard: dict[str, str]) -> tuple[int, int]:
    """Return how many approvals are not in the store, and how many flaws it has; close it."""
    lost = 0
    for record_id, request_id in heard.items():
        stored = store.read(read_id(record_id))
        question = read_entries(stored.contents if stored else ()).question
        lost += question is None or question.request_id != request_id
    flaws = len(list(verify_store(store)))
    store.close()
    return lost, flaws


if __name__ == "__main__":
    raise SystemExit(main())
