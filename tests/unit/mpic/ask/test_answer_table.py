"""An answer as a table: each column has what its own check saw."""

import io

from rich.console import Console

from mpic.ask.answer import print_answer
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from tests.world.samples import ADDRESS, NAME, addresses, caa


def test_the_column_of_caa_has_the_search_of_its_own_check_and_not_a_contacts() -> None:
    own, contacts = (
        b"\x00\x05issue" + text for text in (b"ca.example.test", b"of-the-contact.test")
    )
    observation = o.Observation(findings=[caa(own), addresses(ADDRESS), caa(contacts)])
    report = c.PerspectiveReport(perspective_id="tokyo", observation=observation)
    checks = [
        c.RequestedCheck(caa=c.RequestedCaa()),
        c.RequestedCheck(addresses=c.RequestedAddresses()),
        c.RequestedCheck(domain_control=c.RequestedDomainControl()),
    ]
    verdict = c.NameVerdict(name=NAME, looked_up=NAME, checks=checks, perspectives=[report])
    written = io.StringIO()
    print_answer(c.CorroborateResponse(names=[verdict]), Console(file=written, width=200))
    assert "ca.example.test" in written.getvalue()
    assert "of-the-contact" not in written.getvalue()
