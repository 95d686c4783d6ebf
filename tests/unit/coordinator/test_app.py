"""What the settings make of the links to perspectives."""

from coordinator.app import _make_options
from coordinator.perspectives.agent_clock import ClockBounds
from coordinator.perspectives.client_options import ClientOptions
from coordinator.settings import CoordinatorTable
from mpic.channel import TlsPems
from mpic.runtime.in_flight import InFlight


def test_links_have_the_options_of_the_settings_and_the_company_of_the_attempts() -> None:
    table = CoordinatorTable(
        gather_window=0.001,
        hung_after=7,
        restart_patience=8,
        clock_warning=9,
        clock_limit=10,
    )
    tls, company = TlsPems(b"", b"", b""), InFlight()
    options = _make_options(table, tls, company)
    assert options.company is company
    expected = ClientOptions(
        tls, 0.001, hung_after=7, restart_patience=8, clock=ClockBounds(9, 10), company=company
    )
    assert options == expected
