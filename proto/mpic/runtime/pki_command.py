"""The command `mpic pki`."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mpic.runtime.pki import (
    Authority,
    Kind,
    Pair,
    Subject,
    check_trust_domain,
    create_authority,
    issue_certificate,
    load_authority,
    name_pair,
)
from mpic.runtime.problem import Flaw

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _pki() -> None:
    """Make the certificates with which callers, coordinator and agents know each other."""


@app.command("init")
def init_pki(  # noqa: PLR0913 - one parameter for each option
    directory: Annotated[Path, typer.Argument(help="Where to write.", metavar="DIRECTORY")],
    trust_domain: Annotated[
        str, typer.Option(help="Your name for all this, as mpic.example.", show_default=False)
    ] = "",
    coordinator: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="A coordinator. Repeat for more.")
    ] = None,
    perspective: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="A perspective's agent, as tokyo.")
    ] = None,
    caller: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Who may ask, as your CA's pipeline.")
    ] = None,
    *,
    add: Annotated[
        bool, typer.Option("--add", help="Add to the authority there; keep what there is.")
    ] = False,
) -> None:
    """Create a private certificate authority and a certificate for each identity.

    Every connection here is mutual TLS: each side shows a certificate of this authority. The
    certificate of KIND and ID has two names: spiffe://TRUST-DOMAIN/KIND/ID, for the lists of
    callers, and the DNS name ID.KIND.TRUST-DOMAIN, by which a server is checked. The authority
    lasts two years, the certificates 90 days.

    The authority's private key, ca.key, can make a certificate for anybody. Keep it off all hosts
    afterwards. Bring it back to add more with --add. To renew a certificate, move its two files
    away first.

    Example: mpic pki init pki --trust-domain mpic.example --coordinator main --perspective tokyo
    --perspective paris --caller pipeline
    """
    wanted: dict[Kind, list[str] | None] = {
        "coordinator": coordinator,
        "perspective": perspective,
        "caller": caller,
    }
    subjects = [
        Subject(kind, one) for kind, ids in wanted.items() for one in dict.fromkeys(ids or ())
    ]
    if add:
        authority = _reopen(directory, trust_domain, subjects)
    else:
        authority = _create(directory, trust_domain, subjects)
    pairs = [_issue_or_keep(authority, subject) for subject in subjects]
    _print_pairs(authority, pairs)


def _reopen(directory: Path, trust_domain: str, subjects: Sequence[Subject]) -> Authority:
    """Return the authority that is there, when all subjects can get a certificate of it."""
    if not subjects:
        raise typer.BadParameter("--add needs a --coordinator, --perspective or --caller to add")
    authority = load_authority(directory)
    if trust_domain not in {"", authority.trust_domain}:
        raise typer.BadParameter(f"the authority there is for {authority.trust_domain}")
    _name_pairs(directory, authority.trust_domain, subjects)
    return authority


def _create(directory: Path, trust_domain: str, subjects: Sequence[Subject]) -> Authority:
    """Return a new authority, when all subjects can get a certificate of it."""
    if not trust_domain:
        raise typer.BadParameter("a new authority needs --trust-domain, such as mpic.example")
    for pair in _name_pairs(directory, trust_domain, subjects):
        if pair.exists():
            mend = "Add to its authority with --add, or choose another directory"
            raise Flaw(f"{pair.certificate} or its key is there already", mend)
    return create_authority(directory, trust_domain)


def _name_pairs(directory: Path, trust_domain: str, subjects: Sequence[Subject]) -> list[Pair]:
    try:
        check_trust_domain(trust_domain)
        return [name_pair(directory, trust_domain, subject) for subject in subjects]
    except Flaw as flaw:
        raise typer.BadParameter(str(flaw)) from flaw


def _issue_or_keep(authority: Authority, subject: Subject) -> tuple[Pair, bool]:
    """Return a subject's pair, and whether it is new."""
    pair = name_pair(authority.directory, authority.trust_domain, subject)
    if pair.certificate.exists() and pair.private_key.exists():
        return pair, False
    return issue_certificate(authority, subject), True


def _print_pairs(authority: Authority, pairs: Sequence[tuple[Pair, bool]]) -> None:
    table = Table("", "certificate and key", "SPIFFE id", "DNS name", box=box.SIMPLE)
    for pair, is_new in pairs:
        files = f"{pair.certificate.name} {pair.private_key.name}"
        row = ("new" if is_new else "kept", files, pair.spiffe_id, pair.dns_name)
        table.add_row(*map(Text, row))
    # Through a pipe nothing may be cut or folded; rich would take 80 columns there.
    width = None if sys.stdout.isatty() else 1000
    typer.echo(f"Authority of {authority.trust_domain}: {authority.file}")
    Console(width=width).print(table)
    typer.echo(_NEXT.format(directory=authority.directory))


_NEXT = """\
Next:
1. Give each host its own certificate and key, and {directory}/ca.pem. Name the three as
   certificate, private_key and authority under [tls] in its configuration.
2. In the coordinator's configuration, give each [[perspective]] its DNS name as server_name, and
   list the callers' SPIFFE ids as allowed under [callers]; in the agents', list the coordinator's.
3. Take {directory}/ca.key off this host, to where secrets are kept: whoever has it can pose as
   any of these. Bring it back to add more: mpic pki init {directory} --add ...
4. mpic check-config FILE checks all this, and warns 14 days before a certificate ends."""
