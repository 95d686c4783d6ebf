"""The command `mpic version`."""

import platform
from importlib.metadata import PackageNotFoundError, version

import typer

_SHOWN = ("mpic", "grpcio", "protobuf", "cryptography", "dnspython", "pydantic")
"""What a report of a fault has to say. Not all is installed where only `mpic ask` is wanted."""


def show_version() -> None:
    """Print the versions of mpic and of what it runs on.

    Put them into a report of a fault.
    """
    for package in _SHOWN:
        try:
            typer.echo(f"{package} {version(package)}")
        except PackageNotFoundError:
            typer.echo(f"{package} is not installed")
    system = f"{platform.system()} {platform.release()} {platform.machine()}"
    typer.echo(f"Python {platform.python_version()} on {system}")
