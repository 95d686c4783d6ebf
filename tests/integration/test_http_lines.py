"""Many questions in one body over HTTP: answered as they finish, matched by line and request id."""

import json
import signal
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, Self

from tests.integration.test_reload import changed
from tests.world.deployment import Deployment, Plan
from tests.world.held import hold
from tests.world.http_caller import CORROBORATIONS, TOKEN, HttpCaller, http_table
from tests.world.process import wait_until

GOOD = "child.parent.example.co.jp"
PLAN = Plan(lookup_timeout=60, coordinator_extra=http_table("accepted", TOKEN))
LINES = {"Content-Type": "application/x-ndjson"}


def line(request_id: str, *names: str) -> bytes:
    asked = [{"name": name} for name in names or (GOOD,)]
    return json.dumps({"requestId": request_id, "names": asked}).encode() + b"\n"


def ask(deployment: Deployment, lines: Sequence[bytes]) -> list[dict[str, Any]]:
    caller = HttpCaller(deployment.caller_tls(), token=TOKEN)
    answer = caller.call("POST", CORROBORATIONS, b"".join(lines), LINES)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    return [json.loads(one) for one in answer.body.splitlines()]


class Stream:
    """A conversation: what is sent is under way before what is answered is read."""

    def __init__(self, deployment: Deployment) -> None:
        caller = HttpCaller(deployment.caller_tls(), token=TOKEN)
        self._connection = caller.connect()
        self._connection.putrequest("POST", CORROBORATIONS)
        for name, value in {
            **caller.all_headers(),
            **LINES,
            "Transfer-Encoding": "chunked",
        }.items():
            self._connection.putheader(name, value)
        self._connection.endheaders()
        self._response: Any = None

    def send(self, octets: bytes) -> None:
        self._connection.send(b"%x\r\n%b\r\n" % (len(octets), octets))

    def be_patient(self, seconds: float) -> None:
        """Wait so long for the other side to take what is sent."""
        self._connection.sock.settimeout(seconds)

    def end(self) -> None:
        self._connection.send(b"0\r\n\r\n")

    def answers(self) -> Iterator[dict[str, Any]]:
        if self._response is None:
            self._response = self._connection.getresponse()
        while answer := self._response.readline():
            yield json.loads(answer)

    def hang_up(self) -> None:
        if self._response is not None:
            self._response.close()
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.hang_up()


def test_every_line_is_answered(deployment: Deployment) -> None:
    deployment.wait_ready()
    names = [f"host{number}.plain.example.co.jp" for number in range(300)]
    told = ask(deployment, [line(f"q{n}", name) for n, name in enumerate(names)])
    assert sorted(one["line"] for one in told) == list(range(1, 301))
    for one in told:
        assert one["verdict"]["approved"], one
        assert one["requestId"] == f"q{one['line'] - 1}" == one["verdict"]["requestId"]


def test_a_line_that_cannot_be_read_is_told_by_its_number_and_harms_no_other(
    deployment: Deployment,
) -> None:
    lines = [line("one"), b"{\n", b"\n", b'{"names":[],"nmaes":[]}\n', line("two", "*.co.jp")]
    told = {one["line"]: one for one in ask(deployment, [*lines, line("three").strip()])}
    assert sorted(told) == [1, 2, 4, 5, 6]
    assert told[1]["verdict"]["approved"]
    assert told[6]["verdict"]["approved"]
    assert [told[n]["problem"]["reason"] for n in (2, 4, 5)] == ["INVALID_REQUEST"] * 3
    (violation,) = told[4]["problem"]["violations"]
    assert violation == {
        "path": "$.nmaes",
        "description": "there is no such field. Did you mean names?",
    }
    assert told[5]["requestId"] == "two"


def test_answers_come_as_they_finish_while_lines_are_sent(deployment: Deployment) -> None:
    with hold() as held, Stream(deployment) as stream:
        stream.send(line("slow", *held.names(1)) + line("fast"))
        answers = stream.answers()
        assert next(answers)["requestId"] == "fast"
        stream.send(line("later"))
        assert next(answers)["requestId"] == "later"
        stream.end()
        held.release()
        assert [one["requestId"] for one in answers] == ["slow"]


def test_a_caller_that_hangs_up_gives_up_what_it_asked(deployment: Deployment) -> None:
    with hold() as held, Stream(deployment) as stream:
        stream.send(line("given-up", *held.names(1)))
        deployment.wait_looking(1)
        stream.hang_up()
        deployment.wait_looking(0)
    assert deployment.ask(GOOD).approved


def test_a_caller_that_does_not_read_is_not_read(deployment: Deployment) -> None:
    wrong = line("x" * 300, *[f"{'x' * 200} {n}" for n in range(20)])
    sent = 0
    with Stream(deployment) as stream, suppress(TimeoutError):
        stream.be_patient(3)
        while sent < 20_000:
            stream.send(wrong)
            sent += 1
    assert 50 < sent < 20_000
    assert deployment.ask(GOOD).approved


def test_who_leaves_the_list_leaves_its_stream(deployment: Deployment) -> None:
    with Stream(deployment) as stream:
        stream.send(line("one"))
        answers = stream.answers()
        assert next(answers)["verdict"]["approved"]
        with changed(deployment, http_table("accepted", TOKEN), http_table("accepted")):
            (last,) = answers
    assert last["problem"]["reason"] == "CALLER_NOT_ALLOWED"


def test_at_the_end_open_questions_are_answered(deployment: Deployment) -> None:
    """One is open; it is answered, and then the stream says why it ends."""
    with hold() as held, Stream(deployment) as stream:
        stream.send(line("open", *held.names(1)))
        deployment.wait_looking(1)
        deployment.coordinator.signal(signal.SIGTERM)
        wait_until(
            lambda: bool(deployment.coordinator.events("stopping")),
            60,
            deployment.coordinator.log_file.read_text,
        )
        held.release()
        answer, last = stream.answers()
    assert answer["verdict"]["approved"], answer
    assert last["problem"]["reason"] == "SHUTTING_DOWN"
    deployment.restart_coordinator()
