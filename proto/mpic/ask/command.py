"""The commands `mpic ask` and `mpic perspectives`: a caller's side."""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, NoReturn, TypeVar

import grpc
import typer
from google.protobuf import json_format
from google.protobuf.message import Message
from rich.console import Console

from mpic.ask.answer import Form, is_validated, print_answer
from mpic.ask.domain_control import (
    NOBODY,
    Adn,
    Contact,
    Created,
    Dns01,
    DnsAccount01,
    DnsChange,
    Http01,
    KeyAuthorization,
    Label,
    PersistentTxt,
    Proof,
    TlsAlpn01,
    Website,
    read_proof,
)
from mpic.ask.perspectives_table import print_perspectives
from mpic.client import (
    CertificateRefusedError,
    Client,
    ClientError,
    CredentialsError,
    InvalidRequestError,
    NoConnectionError,
    NoTimeError,
    ServerNameError,
    ServerNotTrustedError,
    TlsFiles,
)
from mpic.v1 import corroboration_pb2 as c
from mpic.words import Language, choose_language
from mpic.words.facts import is_determined

M = TypeVar("M", bound=Message)

APPROVED, REFUSED, USAGE, NO_REPLY, UNDETERMINED = 0, 1, 2, 9, 11

# Codes that say that nobody answered: no connection, no certificate, no time.
_NO_REPLY = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)

_HINTS: Mapping[type[ClientError], str] = {
    CertificateRefusedError: "--cert must be signed by an authority that the coordinator knows",
    ServerNotTrustedError: "--ca must be the authority of the coordinator's certificate",
    ServerNameError: "give one of them as --server-name, if that is the coordinator",
}


@dataclass(frozen=True, slots=True)
class _Server:
    """Where to ask, and as whom."""

    address: str
    name: str | None
    tls: TlsFiles
    timeout: float


Names = Annotated[
    list[str],
    typer.Argument(help="The certificate's names; a wildcard as *.example.com.", metavar="NAME..."),
]
Server = Annotated[
    str, typer.Option(envvar="MPIC_SERVER", help="The coordinator.", metavar="HOST:PORT")
]
ServerName = Annotated[
    str | None,
    typer.Option(
        envvar="MPIC_SERVER_NAME",
        help="The DNS name in the coordinator's certificate, if it is not HOST.",
    ),
]
Cert = Annotated[Path, typer.Option(envvar="MPIC_CERT", help="Your certificate.")]
Key = Annotated[Path, typer.Option(envvar="MPIC_KEY", help="Its private key.")]
Ca = Annotated[Path, typer.Option(envvar="MPIC_CA", help="The CA of the coordinator.")]

Issuer = Annotated[str, typer.Option(help="The configured issuer that is to issue.")]
AccountUri = Annotated[str, typer.Option(help="For CAA accounturi (RFC 8657).")]
Method = Annotated[str, typer.Option(help="For CAA validationmethods, such as dns-01.")]
MinCorroborating = Annotated[
    int, typer.Option(min=0, help="Demand this many remotes; never fewer than the policy.")
]
Addresses = Annotated[
    str, typer.Option(help="Demand exact, overlap or resolves; never looser than the policy.")
]
Validation = Annotated[
    bool,
    typer.Option("--validation", help="Ask for a corroborated validation, not for issuance."),
]
Check = Annotated[
    list[str],
    typer.Option(help="Ask this check too: caa, addresses; may be repeated.", metavar="CHECK"),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Look and judge, but never for issuance.")]
Linger = Annotated[
    float, typer.Option(help="Seconds to wait after the verdict for late perspectives.")
]
Timeout = Annotated[float, typer.Option(help="Seconds to wait for an answer.")]
Short = Annotated[bool, typer.Option("--short", help="Print a line for each name.")]
Wide = Annotated[bool, typer.Option("--wide", help="Print a row for each perspective.")]
Lang = Annotated[
    Language | None,
    typer.Option(help="The language: en or ja; otherwise that of LANG.", show_default=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as the agreement's JSON.")]


def ask(  # noqa: PLR0913, PLR0917 - one parameter for each option
    names: Names,
    server: Server = "localhost:7300",
    server_name: ServerName = None,
    cert: Cert = Path("caller.pem"),
    key: Key = Path("caller.key"),
    ca: Ca = Path("ca.pem"),
    issuer: Issuer = "",
    account_uri: AccountUri = "",
    method: Method = "",
    min_corroborating: MinCorroborating = 0,
    addresses: Addresses = "",
    validation: Validation = False,
    check: Check = [],  # noqa: B006 - typer copies it
    key_authorization: KeyAuthorization = "",
    http_01: Http01 = "",
    dns_01: Dns01 = "",
    dns_account_01: DnsAccount01 = "",
    tls_alpn_01: TlsAlpn01 = "",
    persistent_txt: PersistentTxt = [],  # noqa: B006 - typer copies it
    dns_change: DnsChange = NOBODY,
    label: Label = "",
    website: Website = NOBODY,
    contact: Contact = NOBODY,
    adn: Adn = "",
    created: Created = "",
    dry_run: DryRun = False,
    linger: Linger = 1.0,
    timeout: Timeout = 30.0,
    short: Short = False,
    wide: Wide = False,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Ask whether a certificate with these names may be issued, and show who saw what.

    With a method of domain control, every perspective must see its proof too. With --validation
    only that is asked, while the challenge is pending: its good end is no permission to issue.

    Exit status: 0 approved (with --validation: corroborated), 1 refused, 2 wrong usage or invalid
    question, 9 no reply from the coordinator, 11 undetermined: ask again. With 11 the coordinator
    replied, but only its own failure or too little time kept the names from being approved. Nothing
    is known of them.

    Examples:
    mpic ask www.example.com '*.example.com' --server mpic.example:7300 --cert me.pem --key me.key
    --ca ca.pem

    mpic ask www.example.com --validation --http-01 TOKEN --key-authorization TOKEN.THUMBPRINT

    mpic ask example.com --dns-change TXT 5f0c2a9d7b3e41f6a8d0 --label _dnsauth

    """
    form = _read_form(short=short, wide=wide)
    ways = (key_authorization, http_01, dns_01, dns_account_01, tls_alpn_01)
    accounts = tuple(persistent_txt)
    proof = Proof(*ways, accounts, dns_change, label, website, contact, adn, created)
    control = read_proof(proof, datetime.now(UTC))
    request = c.CorroborateRequest(
        names=[
            c.RequestedName(name=name, validation_method=method, domain_control=control)
            for name in names
        ],
        issuer=issuer,
        account_uri=account_uri,
        dry_run=dry_run,
        purpose=c.PURPOSE_VALIDATION if validation else c.PURPOSE_ISSUANCE,
        checks=check,
    )
    request.tightening.CopyFrom(_read_tightening(min_corroborating, addresses))
    request.linger.FromMilliseconds(round(linger * 1000))
    target = _Server(server, server_name, TlsFiles(cert, key, ca), timeout)
    response = _call_or_exit(target, lambda client: client.corroborate(request))
    show = partial(print_answer, lang=choose_language(lang, os.environ), form=form)
    _show(response, show, as_json=as_json)
    raise typer.Exit(exit_code(response))


def show_perspectives(  # noqa: PLR0913, PLR0917 - one parameter for each option
    server: Server = "localhost:7300",
    server_name: ServerName = None,
    cert: Cert = Path("caller.pem"),
    key: Key = Path("caller.key"),
    ca: Ca = Path("ca.pem"),
    timeout: Timeout = 10.0,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Show the perspectives of a running coordinator, and which can be asked right now.

    Each agent is asked again for its version and its resolver. If it cannot be reached, its last
    description is shown. `probed` says how long ago its resolver proved to validate.

    Exit status: 0 all can be asked, 1 some cannot, 2 wrong usage, 9 no reply from the coordinator,
    11 it replied with an error.
    """
    target = _Server(server, server_name, TlsFiles(cert, key, ca), timeout)
    response = _call_or_exit(target, Client.perspectives)
    show = partial(print_perspectives, lang=choose_language(lang, os.environ))
    _show(response, show, as_json=as_json)
    raise typer.Exit(int(not all(one.ready for one in response.perspectives)))


def exit_code(response: c.CorroborateResponse) -> int:
    """Return what a verdict means to the shell."""
    if response.approved or is_validated(response):
        return APPROVED
    refused = [one for one in response.names if one.reason != c.REASON_CORROBORATED]
    return UNDETERMINED if not any(is_determined(one) for one in refused) else REFUSED


def _read_form(*, short: bool, wide: bool) -> Form:
    if short and wide:
        raise typer.BadParameter("give --short or --wide, not both")
    if short:
        return Form.SHORT
    return Form.WIDE if wide else Form.GROUPED


def _show(answer: M, print_table: Callable[[M, Console], None], *, as_json: bool) -> None:
    """Print an answer: as a table, or as the agreement's JSON."""
    if as_json:
        print(json_format.MessageToJson(answer, preserving_proto_field_name=True))  # noqa: T201
    else:
        print_table(answer, Console())


def _read_tightening(min_corroborating: int, addresses: str) -> c.Tightening:
    agreement = _read_agreement(addresses)
    return c.Tightening(min_corroborating=min_corroborating, address_agreement=agreement)


def _read_agreement(text: str) -> c.AddressAgreement.ValueType:
    if not text:
        return c.ADDRESS_AGREEMENT_UNSPECIFIED
    name = f"ADDRESS_AGREEMENT_{text.upper()}"
    if name not in c.AddressAgreement.keys():  # noqa: SIM118 - an enum type, not a dict
        raise typer.BadParameter(f"--addresses is exact, overlap or resolves, not {text!r}")
    return c.AddressAgreement.Value(name)


def _open_client(server: _Server) -> Client:
    """Return what asks the server; where the files do not fit, say why and exit."""
    try:
        return Client(server.address, server.tls, server_name=server.name, timeout=server.timeout)
    except CredentialsError as error:
        _fail(USAGE, f"{error}; see --cert, --key and --ca")


def _call_or_exit(server: _Server, call: Callable[[Client], M]) -> M:
    """Return the answer; where there is none, say why and exit."""
    try:
        with _open_client(server) as client:
            return call(client)
    except ClientError as error:
        _fail(_code_of(error), _explain(server, error))


def _fail(code: int, text: str) -> NoReturn:
    print(f"mpic: {text}", file=sys.stderr)  # noqa: T201 - for a person
    raise typer.Exit(code)


def _code_of(error: ClientError) -> int:
    if isinstance(error, InvalidRequestError):
        return USAGE
    # A reason is the service's own, so there was a reply.
    is_reply = bool(error.reason) or error.status not in _NO_REPLY
    return UNDETERMINED if is_reply else NO_REPLY


def _explain(server: _Server, error: ClientError) -> str:
    """Say what a failed call means to the person who made it."""
    for kind, hint in _HINTS.items():
        if isinstance(error, kind):
            return f"{error}: {hint}"
    if isinstance(error, NoConnectionError):
        return f"no reply from {server.address}: {error}\nIs the coordinator running there?"
    if isinstance(error, NoTimeError) and not error.reason:
        return f"no reply from {server.address} within {server.timeout:g} s (--timeout)"
    if error.violations:
        return "\n".join(f"{one.field}: {one.description}" for one in error.violations)
    return f"{error.reason or error.status.name}: {error}"
