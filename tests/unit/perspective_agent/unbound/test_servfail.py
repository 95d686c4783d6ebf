"""Unbound's lines about SERVFAIL: what each says of a zone's servers, and how many are kept."""

import time

import pytest

from mpic.v1 import observation_pb2 as o
from perspective_agent.dns.wire import CAA, A
from perspective_agent.unbound import servfail
from perspective_agent.unbound.servfail import ServfailLog, read_reason

FAILED = "all servers for this domain failed, at zone example.test."
NAME = "www.example.test"


def line(why: str, name: str = f"{NAME}.", rdtype: str = "CAA") -> str:
    return f"[1796062314] unbound[1717:0] error: SERVFAIL <{name} {rdtype} IN>: {why}"


@pytest.mark.parametrize(
    ("why", "cause"),
    [
        (f"{FAILED} from 203.0.113.67 got REFUSED", "REFUSED"),
        (f"{FAILED} from 203.0.113.67 got SERVFAIL", "SERVER_FAILED"),
        (f"{FAILED} from 203.0.113.67 got NOTIMPL", "SERVER_FAILED"),
        (f"{FAILED} from 203.0.113.67 nodata answer", "LAME"),
        (f"{FAILED} upstream server timeout", "SILENT"),
        (f"{FAILED} no server to query no addresses for nameservers", "NO_ADDRESS"),
        (f"{FAILED} no server to query nameserver addresses not usable", "ADDRESS_NOT_USABLE"),
        (f"{FAILED} upstream response failed scrub", "UNREADABLE"),
        (f"{FAILED} something of a newer release", "UNSPECIFIED"),
    ],
)
def test_each_text_of_unbound_has_its_cause(why: str, cause: str) -> None:
    reason = read_reason(why)
    assert o.FailureCause.Name(reason.cause) == f"FAILURE_CAUSE_{cause}"
    assert (reason.zone, reason.text) == ("example.test", why)


def test_a_text_without_a_zone_or_with_the_roots_names_none() -> None:
    restarts = "request has exceeded the maximum number restarts (eg. indirections) stop at x.test."
    assert read_reason(restarts)[1:] == ("", o.FAILURE_CAUSE_ALIAS_LOOP)
    assert not read_reason("all servers for this domain failed, at zone . got SERVFAIL").zone


def test_what_is_not_told_is_not_shown_and_the_rest_is_escaped_and_cut() -> None:
    text = read_reason(f"{FAILED} from (inet_ntop_error) upstream server timeout").text
    assert text == f"{FAILED} upstream server timeout"
    text = read_reason(f"{FAILED} \x1b[31m {'x' * 9000}").text
    assert len(text) <= 400
    assert text.isprintable()


def test_a_line_is_found_by_name_and_type() -> None:
    log = ServfailLog()
    now = time.perf_counter()
    assert log.note(line(f"{FAILED} got REFUSED", name="WWW.example.TEST."))
    assert not log.note("[1] unbound[1:0] info: validation failure <x.test. CAA IN>: no keys")
    found = log.find(NAME, CAA, now)
    assert found is not None
    assert found.cause == o.FAILURE_CAUSE_REFUSED
    assert log.find(NAME, A, now) is None
    assert log.find("example.test", CAA, now) is None
    # The latest counts; one that is older than Unbound's memory of failures tells nothing.
    log.note(line(f"{FAILED} upstream server timeout"))
    latest = log.find(NAME, CAA, now)
    assert latest is not None
    assert latest.cause == o.FAILURE_CAUSE_SILENT
    assert log.find(NAME, CAA, time.perf_counter() + 60) is None


def test_the_oldest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servfail, "_KEPT", 8)
    log, now = ServfailLog(), time.perf_counter()
    for number in range(20):
        log.note(line(f"{FAILED} got REFUSED", name=f"w{number}.example.test."))
    known = [number for number in range(20) if log.find(f"w{number}.example.test", CAA, now)]
    assert known == list(range(12, 20))
