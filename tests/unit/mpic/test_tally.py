"""Counters and histograms by fixed labels, read as Prometheus would."""

import pytest
from prometheus_client import CollectorRegistry, generate_latest, parser
from prometheus_client.registry import Collector

from mpic.tally import Distributions, Tally, label


def export(collector: Collector) -> dict[tuple[str, ...], float]:
    registry = CollectorRegistry()
    registry.register(collector)
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in parser.text_string_to_metric_families(generate_latest(registry).decode())
        for sample in family.samples
    }


def test_every_combination_is_there_from_the_start() -> None:
    tally = Tally("mpic_x", "X.", {"a": {1: "one", 2: "two"}, "b": label(["p", "q"])})
    assert export(tally) == {("mpic_x_total", a, b): 0 for a in ("one", "two") for b in ("p", "q")}
    tally.counts[2, "q"] += 3
    assert export(tally)["mpic_x_total", "two", "q"] == 3


def test_a_new_roster_adds_its_perspectives() -> None:
    tally = Tally("mpic_x", "X.", {"perspective": label(["tokyo"])})
    tally.counts["tokyo",] += 1
    tally.cover({"perspective": label(["tokyo", "paris"])})
    assert export(tally) == {("mpic_x_total", "tokyo"): 1, ("mpic_x_total", "paris"): 0}


def test_what_nobody_foresaw_is_counted_all_the_same() -> None:
    tally = Tally("mpic_x", "X.", {"outcome": {1: "late"}})
    tally.counts[99,] += 1
    assert export(tally)["mpic_x_total", "99"] == 1


@pytest.mark.parametrize(
    ("value", "lowest"), [(0.0, "0.1"), (0.1, "0.1"), (0.11, "1.0"), (1.0, "1.0"), (7.0, "+Inf")]
)
def test_a_value_is_in_every_bucket_from_its_own_on(value: float, lowest: str) -> None:
    times = Distributions("mpic_s", "S.", {}, (0.1, 1))
    times.of[()].observe(value)
    bounds = ["0.1", "1.0", "+Inf"]
    samples = export(times)
    for bound in bounds:
        expected = bounds.index(bound) >= bounds.index(lowest)
        assert samples["mpic_s_bucket", bound] == expected, bound
    assert samples["mpic_s_sum",] == value
    assert samples["mpic_s_count",] == 1
