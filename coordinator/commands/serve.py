"""The command `mpic coordinator`."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from coordinator.record.stores.base import StoreError
from coordinator.settings import read_settings
from mpic.runtime.config import ConfigError
from mpic.runtime.grpc.serving import ServingError, run_program
from mpic.runtime.logs import configure_logging
from mpic.runtime.workers import run_workers


def serve(
    config: Annotated[
        Path, typer.Option("--config", "-c", help="The coordinator's TOML file.", metavar="FILE")
    ],
    worker: Annotated[
        int | None, typer.Option(help="Run as this worker; the parent starts workers.", hidden=True)
    ] = None,
) -> None:
    """Run the coordinator: it asks all perspectives and decides.

    SIGTERM or SIGINT ends it after the calls that are running. It does not start on a roster that
    cannot satisfy the policy in force. `mpic check-config FILE` says so beforehand.
    """
    try:
        settings = read_settings(config)
        configure_logging(settings.log.format, settings.log.level)
        if worker is None and settings.coordinator.workers > 1:
            command = (sys.executable, "-m", "mpic", "coordinator", "--config", str(config))
            raise typer.Exit(asyncio.run(run_workers(command, settings.coordinator.workers)))
        from coordinator.app import run_coordinator  # noqa: PLC0415 - a parent needs none of it

        run_program(run_coordinator(settings, config, worker or 0))
    except (ConfigError, ServingError, StoreError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - for a person
        raise typer.Exit(1) from error
