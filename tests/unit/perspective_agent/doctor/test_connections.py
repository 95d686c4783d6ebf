"""Which ways out to web servers a doctor finds open; no socket."""

from collections.abc import Sequence
from typing import Any

import pytest

from perspective_agent.doctor.connections import ConnectionProbe, Connections, judge_connections

FOUR, SIX = "198.51.100.7", "2001:db8::7"
LATE = "no connection within 5 s"


def probe(address: str, **problems: str) -> list[ConnectionProbe]:
    """Probes of both ports of an address, with the problem of each."""
    return [ConnectionProbe(address, port, problems.get(f"p{port}", "")) for port in (80, 443)]


def judged(
    probes: Sequence[ConnectionProbe],
    **more: Any,  # noqa: ANN401 - fields of Connections
) -> list[tuple[str, str, str]]:
    found = Connections(probes, **more)
    return [(one.outcome, one.what, one.mend) for one in judge_connections(found)]


def test_what_is_open_is_ok() -> None:
    found = judged([*probe(FOUR), *probe(SIX)])
    assert [(outcome, what) for outcome, what, _ in found] == [
        ("ok", f"port {port} is open over IPv{version}: 1 of 1 hosts took a connection")
        for version in (4, 6)
        for port in (80, 443)
    ]


def test_one_host_of_several_shows_that_a_way_is_open() -> None:
    other = probe("198.51.100.8", p80=LATE, p443=LATE)
    found = judged([*other, *probe(FOUR), *probe(SIX)])
    assert {outcome for outcome, _, _ in found} == {"ok"}
    assert "1 of 2 hosts" in found[0][1]


@pytest.mark.parametrize(
    ("address", "outcome", "family"), [(FOUR, "error", "IPv4"), (SIX, "warning", "IPv6")]
)
def test_a_port_that_is_closed_is_named_and_what_to_open(
    address: str, outcome: str, family: str
) -> None:
    others = probe(SIX if address == FOUR else FOUR)
    found = judged([*probe(address, p80=LATE), *others])
    (wrong,) = [one for one in found if one[0] != "ok"]
    assert wrong[0] == outcome
    assert wrong[1] == f"port 80 outbound is closed over {family}: {LATE}"
    assert wrong[2].startswith(f"Let TCP 80 out from this host to anywhere over {family}")
    assert len(found) == 4


@pytest.mark.parametrize(
    ("address", "outcome", "family"), [(FOUR, "error", "IPv4"), (SIX, "warning", "IPv6")]
)
def test_a_family_that_is_closed_is_said_once_and_plainly(
    address: str, outcome: str, family: str
) -> None:
    others = probe(SIX if address == FOUR else FOUR)
    found = judged([*probe(address, p80="no route", p443=LATE), *others])
    (wrong,) = [one for one in found if one[0] != "ok"]
    assert wrong[:2] == (outcome, f"this perspective cannot fetch over {family}: no route")
    assert wrong[2].startswith(
        f"Let TCP 80 and TCP 443 out from this host to anywhere over {family}"
    )
    assert ("set ipv6 = false" in wrong[2]) == (family == "IPv6")


def test_ipv6_that_is_not_wanted_is_missing_all_the_same() -> None:
    found = judged(probe(FOUR), ipv6_wanted=False)
    assert found[-1][:2] == (
        "warning",
        "this perspective cannot fetch over IPv6: ipv6 = false under [connect]",
    )


def test_where_no_host_has_an_address_nothing_is_known() -> None:
    for probes, unknown in (((), 2), (probe(FOUR), 1), (probe(SIX), 1)):
        found = judged(probes, problems=["www.example: SERVFAIL"])
        wrong = [one for one in found if one[0] == "warning"]
        assert len(wrong) == unknown
        assert all("it is not known whether" in what for _, what, _ in wrong)
        assert all(what.endswith("www.example: SERVFAIL") for _, what, _ in wrong)
        assert all("doctor_hosts" in mend for _, _, mend in wrong)
    assert len(judge_connections(Connections())) == 2
