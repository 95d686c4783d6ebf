"""`mpic record verify`, `head`, `prune` and `migrate`: they keep the record what it is."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from coordinator.commands.record.options import Config, open_record
from coordinator.commands.record.terminal import describe_flaw
from coordinator.record.coverage import (
    Coverage,
    describe_coverage,
    describe_strange,
    find_strange,
)
from coordinator.record.heads import KeptHead, encode_head, read_heads
from coordinator.record.prune import remove_months
from coordinator.record.prunings import PRUNING_CHAIN
from coordinator.record.publisher import append_durably
from coordinator.record.retention import Hold, decide_months
from coordinator.record.timestamps import to_us
from coordinator.record.verify import export_heads, verify_store
from mpic.runtime.problem import Flaw, explain_os_error
from mpic.text import escape

FLAWED = 1
STRANGE = 3
"""Exit status if all is as it was written, but nobody is known to write one of the chains."""


def verify(
    config: Config,
    heads: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Heads kept earlier: a heads file, or a log. Repeatable"),
    ] = None,
) -> None:
    """Walk every chain and name what was changed, removed, inserted or reordered.

    It also says what no kept head covers. Without --heads a chain that was cut off at its end, or
    replaced as a whole, looks whole. Coordinators write heads to their log and to the file of
    [record.heads]. Keep them where whoever can write the record cannot.

    Exit status: 0 whole, 1 flawed, 2 wrong usage, 3 whole, but nobody is known to write one of the
    chains, 9 the store cannot be read.
    """
    kept = [one for file in heads or () for one in _read_heads(file)]
    coverage = Coverage(kept)
    flaws = 0
    with open_record(config) as opened:
        table, workers = opened.settings.record, opened.settings.coordinator.workers
        for flaw in verify_store(opened.store, [one.head for one in kept], coverage.watch):
            flaws += 1
            typer.echo(describe_flaw(flaw))
        chains = opened.store.chains()
    strange = find_strange(chains, lambda chain: table.knows_chain(chain, workers), kept)
    for chain in strange:
        typer.echo(escape(describe_strange(chain, coverage)))
    for sentence in describe_coverage(coverage):
        typer.echo(escape(sentence))
    verdict = f"{flaws} flaws" if flaws else "whole"
    unknown = f", {len(strange)} of them known to nobody" if strange else ""
    held = f", held against {len(kept)} kept heads" if kept else ""
    counts = f"{coverage.batches} batches, {coverage.entries} entries"
    typer.echo(f"{verdict}: {len(chains)} chains{unknown}, {counts}{held}")
    if flaws or strange:
        raise typer.Exit(FLAWED if flaws else STRANGE)


def head(config: Config) -> None:
    """Print the head of every chain, one line of JSON each, to keep elsewhere.

    A head says how far a chain has got. Coordinators write the heads of their own chains by
    themselves, see [record.heads].

    Example: mpic record head --config coordinator.toml >> /mnt/other-host/heads.jsonl
    """
    noted_at_us = to_us(_now())
    with open_record(config) as opened:
        for one in export_heads(opened.store):
            typer.echo(encode_head(one, noted_at_us, is_own=False))


def _read_heads(file: Path) -> list[KeptHead]:
    """Return all heads in a heads file or a log: each shows what was replaced before it."""
    try:
        with file.open(encoding="utf-8", errors="replace") as lines:
            found = read_heads(lines)
    except OSError as error:
        what, mend = explain_os_error(error)
        raise Flaw(f"{file}: {what}", mend) from error
    if found.unreadable:
        typer.echo(f"{file}: {found.unreadable} lines of heads cannot be read", err=True)
    if not found.heads:
        mend = "Give what `mpic record head` printed, the file of [record.heads], or a log"
        raise Flaw(f"{file}: there is no head in it", mend)
    return found.heads


def migrate(config: Config) -> None:
    """Create the store, or bring its tables up to date; a coordinator does so itself if it may.

    Exit status: 0 done, 2 wrong usage, 9 the store cannot be written.
    """
    with open_record(config) as opened:
        opened.store.open()
    typer.echo("The record is up to date")


def prune(
    config: Config,
    yes: Annotated[bool, typer.Option("--yes", help="Remove; otherwise only list.")] = False,
) -> None:
    """Remove the months in which every record has been kept long enough.

    A refusal is kept for two years. An approval is kept for two years after the certificates issued
    on it have expired (BR 5.4.3, 5.5.2). If the pipeline did not report what it issued, the
    longest-lived certificate allowed is assumed. The rest can still be verified.

    Exit status: 0, also if nothing may be removed; 2 wrong usage, 9 the store cannot be read or
    written.
    """
    now = _now()
    with open_record(config) as opened:
        removable, holds = decide_months(opened.store, now)
        _print_holds(holds)
        if not removable:
            typer.echo("No month may be removed")
            return
        entries = sum(one.gap.entries for one in removable)
        months = sorted({one.month for one in removable})
        what = f"{', '.join(months)}: {entries} entries of {len(removable)} stretches"
        if not yes:
            typer.echo(f"May be removed, with --yes: {what}")
            return
        remove_months(opened.store, removable, now)
        typer.echo(f"Removed {what}")
        pruned = encode_head(opened.store.head(PRUNING_CHAIN), to_us(now), is_own=False)
        _keep_head(pruned, opened.settings.record.heads.file)


def _keep_head(line: str, file: Path | None) -> None:
    """Add the head of the prunings to the heads file too: no coordinator writes it."""
    typer.echo(f"Keep this head where nobody who can write the record can change it: {line}")
    if file is None:
        return
    try:
        append_durably(file, f"\n{line}\n")
    except OSError as error:
        what, mend = explain_os_error(error)
        typer.echo(f"{file}: {what}, so the head is not in it. {mend}", err=True)


def _print_holds(holds: Sequence[Hold]) -> None:
    for hold in holds:
        typer.echo(f"{hold.month} stays until {hold.until:%Y-%m-%d} because of {hold.why}")


def _now() -> datetime:
    return datetime.now(UTC)
