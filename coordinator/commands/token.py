"""The command `mpic token`."""

from typing import Annotated

import typer

from coordinator.api.http.tokens import hash_token, make_token
from mpic.runtime.settings import is_identity

app = typer.Typer(no_args_is_help=True)

_SHOWN = """\
The token of {caller}. Give it to that caller alone: it is shown only now, and stored nowhere.

    {token}

Add this to the coordinator's file. It is in force at the next reload (SIGHUP):

[[http.token]]
caller = "{caller}"
sha256 = "{sha256}"

The caller sends: Authorization: Bearer TOKEN"""


@app.callback()
def _token() -> None:
    """Make the bearer tokens with which callers show over HTTP who they are."""


@app.command("new")
def make_new(
    caller: Annotated[
        str,
        typer.Argument(help="Whose it is: an identity of [callers] allowed.", metavar="CALLER"),
    ],
) -> None:
    """Make a token for a caller; print it, and the table for the coordinator's file.

    To take a token away, remove its table. To change one, add the new table first.

    Example: mpic token new spiffe://mpic.example/caller/pipeline
    """
    if not is_identity(caller):
        raise typer.BadParameter(f"{caller!r} is neither a URI nor a DNS name")
    token = make_token()
    sha256 = hash_token(token).hex()
    typer.echo(_SHOWN.format(caller=caller, token=token, sha256=sha256))
