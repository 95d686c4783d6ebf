"""What the commands `mpic record ...` have in common: their options, and opening the store."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from coordinator.record.stores.base import Store, StoreError
from coordinator.settings import CoordinatorSettings, read_settings
from mpic.name_form import InvalidNameError
from mpic.runtime.problem import Flaw
from mpic.words import Language

UNREADABLE = 9
"""Exit status when the store cannot be read."""

DATES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"]

Config = Annotated[
    Path, typer.Option("--config", "-c", help="The coordinator's TOML file.", metavar="FILE")
]
Since = Annotated[
    datetime | None,
    typer.Option(formats=DATES, help="Asked at or after this time, UTC.", metavar="TIME"),
]
Until = Annotated[
    datetime | None,
    typer.Option(formats=DATES, help="Asked before this time, UTC.", metavar="TIME"),
]
Name = Annotated[str, typer.Option(help="A name asked, or the name looked up for it.")]
Reason = Annotated[str, typer.Option(help="The reason of any name, such as QUORUM_NOT_MET.")]
Perspective = Annotated[str, typer.Option(metavar="ID", help="One that dissented on a name.")]
Caller = Annotated[str, typer.Option(metavar="SPIFFE-ID", help="The caller that asked.")]
Lang = Annotated[
    Language | None,
    typer.Option(help="The language: en or ja; otherwise that of LANG.", show_default=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, a line for each record.")]


@dataclass(frozen=True, slots=True)
class Opened:
    """A record that exists, and the settings of its coordinator."""

    settings: CoordinatorSettings
    store: Store


@contextmanager
def open_record(config: Path) -> Iterator[Opened]:
    """Open a store that exists; if it cannot be read, say why and end with exit status 9."""
    settings = read_settings(config)
    if settings.record.allow_unrecorded:
        raise Flaw(f"{config}: record.allow_unrecorded is set", "There is no record to read")
    store = settings.record.make_store()
    try:
        yield Opened(settings, store)
    except StoreError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(UNREADABLE) from error
    except InvalidNameError as error:
        raise typer.BadParameter(f"--name: {error}") from error
    finally:
        store.close()


def in_utc(moment: datetime | None) -> datetime | None:
    """Return what was written without a time zone as UTC."""
    return moment.replace(tzinfo=UTC) if moment else None
