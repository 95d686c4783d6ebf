"""How much of each chain is covered by heads that were kept elsewhere, and whose chains there are.

The entries behind the newest kept head of a chain are its unprotected tail. If somebody cut it off
or replaced it, nobody would notice. Pure.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from coordinator.record.chain import StoredBatch
from coordinator.record.heads import KeptHead
from coordinator.record.prunings import PRUNING_CHAIN
from coordinator.record.timestamps import show_moment


@dataclass(slots=True)
class ChainCoverage:
    """One chain, and which part of it no kept head covers."""

    newest: KeptHead | None = None
    entries: int = 0
    first_us: int = 0
    """When the first batch was written that is there; microseconds since 1970."""
    last_us: int = 0
    tail: int = 0
    """Entries behind the newest kept head."""
    tail_since_us: int = 0


class Coverage:
    """Counts the batches of a walk over all chains."""

    def __init__(self, kept: Iterable[KeptHead]) -> None:
        """Hold what comes against these heads."""
        self.chains: dict[str, ChainCoverage] = {}
        self.batches = 0
        for one in kept:
            chain = self._find(one.head.chain)
            if chain.newest is None or _rank(one) > _rank(chain.newest):
                chain.newest = one

    @property
    def entries(self) -> int:
        """Of all chains."""
        return sum(chain.entries for chain in self.chains.values())

    def watch(self, batches: Iterable[StoredBatch]) -> Iterator[StoredBatch]:
        """Count what is handed on."""
        for one in batches:
            self._count(one)
            yield one

    def _count(self, one: StoredBatch) -> None:
        batch, count = one.batch, len(one.contents)
        chain = self._find(batch.chain)
        self.batches += 1
        chain.first_us = chain.first_us or batch.written_at_us
        chain.last_us = batch.written_at_us
        chain.entries += count
        if chain.newest is None or batch.sequence > chain.newest.head.sequence:
            chain.tail += count
            chain.tail_since_us = chain.tail_since_us or batch.written_at_us

    def _find(self, chain: str) -> ChainCoverage:
        return self.chains.setdefault(chain, ChainCoverage())


def describe_coverage(coverage: Coverage) -> Iterator[str]:
    """Say, in one sentence for each chain, which part of it no kept head covers."""
    chains = {name: one for name, one in sorted(coverage.chains.items()) if one.entries}
    if not any(one.newest for one in coverage.chains.values()):
        since = min((one.first_us for one in chains.values()), default=0)
        when = f", written since {show_moment(since)}" if chains else ""
        yield (
            f"unprotected: all {coverage.entries} entries{when}. No heads were given, so a tail cut"
            " off, or a chain replaced as a whole, is not seen: give --heads, a heads file or a log"
        )
        return
    for name, one in chains.items():
        yield _describe_chain(name, one)


def _describe_chain(name: str, one: ChainCoverage) -> str:
    if one.newest is None:
        since = show_moment(one.first_us)
        what = f"all {one.entries} entries of chain {name}, written since {since}"
        return f"unprotected: {what}: no head of it was given"
    noted_us = one.newest.noted_at_us
    noted = f", noted at {show_moment(noted_us)}" if noted_us else ""
    newest = f"the newest kept head (batch {one.newest.head.sequence}{noted})"
    if one.tail:
        since = show_moment(one.tail_since_us)
        what = f"{one.tail} of {one.entries} entries of chain {name}, written since {since}"
        return f"unprotected: {what}, stand behind {newest}"
    return f"protected: all {one.entries} entries of chain {name} by {newest}"


def find_strange(
    chains: Iterable[str], is_known: Callable[[str], bool], kept: Sequence[KeptHead]
) -> list[str]:
    """Return the chains that nobody is known to write.

    A chain is known if the configuration names it, or if its own coordinator wrote a head of it. A
    head that somebody read from the store does not count.
    """
    own = {one.head.chain for one in kept if one.is_own} | {PRUNING_CHAIN}
    return [chain for chain in chains if chain not in own and not is_known(chain)]


def describe_strange(name: str, coverage: Coverage) -> str:
    """Say that nobody is known to write a chain, and what to do about it."""
    one = coverage.chains.get(name, ChainCoverage())
    first, last = show_moment(one.first_us), show_moment(one.last_us)
    when = f" ({one.entries} entries, from {first} to {last})" if one.entries else ""
    return (
        f"chain {name}{when} is known to nobody: no coordinator of this configuration writes it,"
        " and of the heads that were given none is from whoever does. If it is of another"
        " coordinator, or of one under a former name, list it in [record] other_chains, or give its"
        " heads too; if it is not, somebody has written into the record past all coordinators"
    )


def _rank(kept: KeptHead) -> tuple[int, int]:
    return kept.head.sequence, kept.noted_at_us
