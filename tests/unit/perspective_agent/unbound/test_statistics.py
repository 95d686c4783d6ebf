"""Unbound's statistics, as it prints them and as we export them."""

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from perspective_agent.unbound.statistics import UnboundStatistics, read_statistics

PRINTED = """\
thread0.num.queries=7
total.num.queries=7
total.num.cachehits=3
total.recursion.time.avg=0.001500
total.requestlist.current.all=2
time.up=12.5
num.answer.rcode.SERVFAIL=1
num.answer.secure=4
num.answer.bogus=1
unwanted.replies=0
"""


def test_statistics_are_read_by_name() -> None:
    values = read_statistics(PRINTED)
    assert values["total.num.queries"] == 7
    assert values["total.recursion.time.avg"] == 0.0015


@pytest.mark.parametrize("text", ["ok", "error unknown command", "total.num.queries=many"])
def test_what_is_no_statistics_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_statistics(text)


class Control:
    """Stands for Unbound's control socket."""

    def __init__(self, reply: str | Exception) -> None:
        self.reply = reply

    async def command(self, command: str) -> str:
        assert command == "stats_noreset"
        if isinstance(self.reply, Exception):
            raise self.reply
        return self.reply


def export(statistics: UnboundStatistics) -> str:
    registry = CollectorRegistry()
    registry.register(statistics)
    return generate_latest(registry).decode()


async def test_nothing_of_an_earlier_scrape_is_shown() -> None:
    statistics = UnboundStatistics()
    assert "mpic_unbound_up 0.0" in export(statistics)
    control = Control(PRINTED)
    statistics.control = control  # type: ignore[assignment] # it can do all that is asked
    await statistics.refresh()
    text = export(statistics)
    assert "mpic_unbound_up 1.0" in text
    assert "mpic_unbound_queries_total 7.0" in text
    assert 'mpic_unbound_answers_total{rcode="SERVFAIL"} 1.0' in text
    assert 'mpic_unbound_answers_total{rcode="NXDOMAIN"} 0.0' in text
    control.reply = TimeoutError()
    await statistics.refresh()
    text = export(statistics)
    assert "mpic_unbound_up 0.0" in text
    assert "mpic_unbound_queries_total 7.0" not in text


async def test_without_extended_statistics_the_rest_is_shown() -> None:
    statistics = UnboundStatistics()
    plain = "".join(line + "\n" for line in PRINTED.splitlines() if not line.startswith("num."))
    statistics.control = Control(plain)  # type: ignore[assignment] # it can do all that is asked
    await statistics.refresh()
    assert "mpic_unbound_queries_total 7.0" in export(statistics)
    assert "rcode=" not in export(statistics)
