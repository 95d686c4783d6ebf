"""`mpic record verify`, `head`, `prune`, `migrate`: that the record stays what it is."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from coordinator.record.audit import export_heads, verify_store
from coordinator.record.chain import Head, StoredBatch
from coordinator.record.keeping import Hold, decide_months
from coordinator.record.moments import read_moment, show_moment
from coordinator.record.options import Config, open_record
from coordinator.record.page import describe_flaw
from coordinator.record.retention import remove_months
from mpic.problem import Flaw

FLAWED = 1


def verify(
    config: Config,
    heads: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Heads exported earlier: shows a tail cut off, too."),
    ] = None,
) -> None:
    """Walk every chain and name what was changed, removed, inserted or reordered.

    Without --heads a chain that was cut off at its end, or replaced as a whole, looks whole: keep
    exported heads where whoever can write the record cannot.

    Exit status: 0 whole, 1 flawed, 2 wrong usage, 9 the store cannot be read.
    """
    kept = _read_heads(heads) if heads else []
    seen = {"batches": 0, "entries": 0}

    def count(batches: Iterator[StoredBatch]) -> Iterator[StoredBatch]:
        for batch in batches:
            seen["batches"] += 1
            seen["entries"] += len(batch.contents)
            yield batch

    flaws = 0
    with open_record(config) as opened:
        for flaw in verify_store(opened.store, kept, count):
            flaws += 1
            typer.echo(describe_flaw(flaw))
        chains = len(opened.store.chains())
    held = f", held against {len(kept)} exported heads" if kept else ""
    verdict = f"{flaws} flaws" if flaws else "whole"
    typer.echo(
        f"{verdict}: {chains} chains, {seen['batches']} batches, {seen['entries']} entries{held}"
    )
    if flaws:
        raise typer.Exit(FLAWED)


def head(config: Config) -> None:
    """Print where every chain has got to, a line of JSON each: to be kept elsewhere.

    Example: mpic record head --config coordinator.toml >> /mnt/other-host/heads.jsonl
    """
    with open_record(config) as opened:
        for one in export_heads(opened.store):
            written = show_moment(one.written_at_us)
            fields = {"chain": one.chain, "sequence": one.sequence, "hash": one.hash.hex()}
            typer.echo(json.dumps({**fields, "written_at": written}))


def _read_heads(file: Path) -> list[Head]:
    """Return all heads in a file of exported ones: each shows what was replaced before it."""
    found: list[Head] = []
    for number, line in enumerate(file.read_text().splitlines(), 1):
        try:
            fields = json.loads(line)
            digest = bytes.fromhex(fields["hash"])
            written_at_us = read_moment(str(fields["written_at"])) if "written_at" in fields else 0
            found.append(Head(str(fields["chain"]), int(fields["sequence"]), digest, written_at_us))
        except (ValueError, KeyError, TypeError) as error:
            mend = "Give lines as `mpic record head` printed them"
            raise Flaw(f"{file}: line {number} is no head", mend) from error
    return found


def migrate(config: Config) -> None:
    """Create the store, or bring its tables up to date; a coordinator does so by itself if it may.

    Exit status: 0 done, 2 wrong usage, 9 the store cannot be written.
    """
    with open_record(config) as opened:
        opened.store.open()
    typer.echo("The record is up to date")


def prune(
    config: Config,
    yes: Annotated[bool, typer.Option("--yes", help="Remove; without it, only say what.")] = False,
) -> None:
    """Remove the months whose every record has been kept long enough.

    A refusal is kept for two years, an approval for two years after the certificates issued on it
    have expired (BR 5.4.3, 5.5.2); where the pipeline did not report what it issued, the
    longest-lived certificate allowed is assumed. What is left can still be verified.

    Exit status: 0, also when nothing may go; 2 wrong usage, 9 the store cannot be read or written.
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


def _print_holds(holds: Sequence[Hold]) -> None:
    for hold in holds:
        typer.echo(f"{hold.month} stays until {hold.until:%Y-%m-%d} because of {hold.why}")


def _now() -> datetime:
    return datetime.now(UTC)
