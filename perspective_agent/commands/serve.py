"""The command `mpic agent`."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from mpic.runtime.config import ConfigError
from mpic.runtime.grpc.serving import ServingError, run_program
from mpic.runtime.logs import configure_logging
from mpic.runtime.workers import run_workers
from perspective_agent.settings import read_settings
from perspective_agent.unbound.process import UnboundError
from perspective_agent.unbound.validation_probe import ResolverNotValidatingError


def serve(
    config: Annotated[
        Path, typer.Option("--config", "-c", help="The agent's TOML file.", metavar="FILE")
    ],
    worker: Annotated[
        int | None, typer.Option(help="Run as this worker; the parent starts workers.", hidden=True)
    ] = None,
) -> None:
    """Run a perspective agent: it looks names up through its own resolver.

    By default it starts a private Unbound on loopback. It does not serve unless the resolver is
    shown to validate DNSSEC. SIGTERM or SIGINT ends it.
    """
    try:
        settings = read_settings(config)
        configure_logging(settings.log.format, settings.log.level)
        if worker is None and settings.agent.workers > 1:
            command = (sys.executable, "-m", "mpic", "agent", "--config", str(config))
            raise typer.Exit(asyncio.run(run_workers(command, settings.agent.workers)))
        from perspective_agent.app import run_agent  # noqa: PLC0415 - a parent needs none of it

        run_program(run_agent(settings, config, worker or 0))
    except (ConfigError, ServingError, UnboundError, ResolverNotValidatingError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - for a person
        raise typer.Exit(1) from error
