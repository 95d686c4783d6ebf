"""Metrics of the record: how much is written, how fast, what waits, whether writing fails."""

from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from coordinator.record.publisher import HeadPublisher
from coordinator.record.writer import RecordWriter


class HeadsCollector(Collector):
    """Whether heads are kept in the file that is configured, read at each scrape."""

    def __init__(self, publisher: HeadPublisher) -> None:
        """Read this one."""
        self._publisher = publisher

    def collect(self) -> Iterable[Metric]:
        """Yield the families."""
        yield GaugeMetricFamily(
            "mpic_record_heads_failing",
            "1 if the last head could not be written to the file of [record.heads].",
            value=bool(self._publisher.failure),
        )
        heads = CounterMetricFamily(
            "mpic_record_heads",
            "Heads for the file of [record.heads], by whether they were written.",
            labels=["outcome"],
        )
        for kept, outcome in ((True, "kept"), (False, "failed")):
            heads.add_metric([outcome], self._publisher.heads[kept])
        yield heads


class RecordCollector(Collector):
    """One recorder, read at each scrape."""

    def __init__(self, record_writer: RecordWriter) -> None:
        """Read this one."""
        self._record_writer = record_writer

    def collect(self) -> Iterable[Metric]:
        """Yield the families."""
        record_writer = self._record_writer
        yield GaugeMetricFamily(
            "mpic_record_store_failing",
            "1 if the last batch of records could not be written, or hangs: nothing is approved.",
            value=record_writer.is_failing,
        )
        yield GaugeMetricFamily(
            "mpic_record_queue_depth",
            "Records that wait to be written.",
            value=record_writer.waiting,
        )
        entries = CounterMetricFamily(
            "mpic_record_entries",
            "Records, late observations and issuances, by whether they were written.",
            labels=["outcome"],
        )
        for written, outcome in ((True, "written"), (False, "failed")):
            entries.add_metric([outcome], record_writer.entries[written])
        yield entries
        yield from record_writer.seconds.collect()
