"""One HTTP GET: what is wanted, what cannot be asked for, and what comes of it."""

import pytest

from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p
from perspective_agent.checks import CHECKS
from perspective_agent.connect.shared_looks import Seen
from perspective_agent.http.redirects import RedirectLimits
from perspective_agent.http.target import HttpTarget

NAME = "www.example.com"
URL = "http://www.example.com/.well-known/acme-challenge/token"


def ask(url: str = URL, octets: int = 128, rules: p.RedirectRules | None = None) -> p.Check:
    return p.Check(http_get=p.HttpGet(url=url, body_octets=octets, redirects=rules))


def test_what_is_asked_for_is_wanted() -> None:
    rules = p.RedirectRules(most=10, statuses=[301, 302], ports=[80, 443])
    check = CHECKS["http_get"](NAME, ask(rules=rules))
    step = check.start()
    assert not isinstance(step, o.Finding)
    (want,) = step
    found = o.HttpFinding(hops=[o.HttpHop(url=URL, response=o.HttpResponse(status=404))])
    assert want.target == HttpTarget(
        URL, 128, RedirectLimits(10, frozenset({301, 302}), frozenset({80, 443}))
    )
    assert want.take(Seen(found, (1,))) == o.Finding(http_get=found)
    assert check.finish(lambda _: Seen(found, (0,))) == o.Finding(http_get=found)


def test_without_rules_no_redirect_is_wanted() -> None:
    step = CHECKS["http_get"](NAME, ask()).start()
    assert not isinstance(step, o.Finding)
    assert step[0].target == HttpTarget(URL, 128, RedirectLimits())


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (ask(""), "it is not absolute"),
        (ask("/x"), "it is not absolute"),
        (ask("ftp://www.example.com/"), "its scheme"),
        (ask("http://127.0.0.1/"), "IP address"),
        (ask("http://[::1]/"), "IP address"),
        (ask("http://localhost/"), "single label"),
        (ask("http://a@www.example.com/"), "user information"),
        (ask(f"{URL}#part"), "a fragment"),
        (ask(f"{URL}\r\nX: y"), "control"),
        (ask(octets=65_537), "65537 octets"),
        (ask(rules=p.RedirectRules(most=11)), "11 redirects"),
        (ask(rules=p.RedirectRules(statuses=[200])), "status"),
        (ask(rules=p.RedirectRules(statuses=[400])), "status"),
        (ask(rules=p.RedirectRules(ports=[0])), "port"),
        (ask(rules=p.RedirectRules(ports=[65_536])), "port"),
    ],
)
def test_what_cannot_be_asked_for_is_not_run(asked: p.Check, says: str) -> None:
    finding = CHECKS["http_get"](NAME, asked).start()
    assert isinstance(finding, o.Finding)
    assert finding.not_run.kind == o.FAILURE_KIND_INTERNAL
    assert says in finding.not_run.detail


@pytest.mark.parametrize(
    "asked",
    [
        ask(octets=0),
        ask(octets=65_536),
        ask("https://www.example.com:8443"),
        ask(rules=p.RedirectRules(most=0, statuses=[300, 399], ports=[1, 65_535])),
    ],
)
def test_what_is_at_a_bound_is_wanted(asked: p.Check) -> None:
    assert not isinstance(CHECKS["http_get"](NAME, asked).start(), o.Finding)


def test_what_is_too_large_to_report_is_a_failure_of_the_domain() -> None:
    finding = CHECKS["http_get"](NAME, ask()).finish(lambda target: target.too_large("too large"))
    (hop,) = finding.http_get.hops
    assert (hop.url, hop.failure.kind) == (URL, o.FAILURE_KIND_TOO_LARGE)
