"""The commands `mpic ask` and `mpic perspectives`: a caller's side."""

import asyncio
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import grpc
import typer
from google.protobuf import json_format
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc import aio
from grpc_status import rpc_status
from rich.console import Console

from mpic.ask.answer_table import is_validated, print_answer
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
from mpic.channel import TlsFiles, open_channel
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import corroboration_pb2_grpc

M = TypeVar("M", bound=Message)

APPROVED, REFUSED, USAGE, NO_REPLY, UNDETERMINED = 0, 1, 2, 9, 11

# Reasons that say nothing of a name, for coordinators too old to say whose failure it is.
_UNDETERMINED = (c.REASON_PRIMARY_UNAVAILABLE, c.REASON_CUT_SHORT)

# Codes that say that nobody answered: no connection, no certificate, no time.
_NO_REPLY = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


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
    ways = (key_authorization, http_01, dns_01, dns_account_01, tls_alpn_01)
    accounts = tuple(persistent_txt)
    proof = Proof(*ways, accounts, dns_change, label, website, contact, adn, created)
    control = read_proof(proof, datetime.now(UTC))
    request = c.CorroborateRequest(
        request_id=str(uuid.uuid4()),
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
    response = asyncio.run(_call_or_exit(target, "Corroborate", request))
    _show(response, print_answer, as_json=as_json)
    raise typer.Exit(exit_code(response))


def show_perspectives(  # noqa: PLR0913, PLR0917 - one parameter for each option
    server: Server = "localhost:7300",
    server_name: ServerName = None,
    cert: Cert = Path("caller.pem"),
    key: Key = Path("caller.key"),
    ca: Ca = Path("ca.pem"),
    timeout: Timeout = 10.0,
    as_json: AsJson = False,
) -> None:
    """Show the perspectives of a running coordinator, and which can be asked right now.

    Each agent is asked again for its version and its resolver. If it cannot be reached, its last
    description is shown. `probed` says how long ago its resolver proved to validate.

    Exit status: 0 all can be asked, 1 some cannot, 2 wrong usage, 9 no reply from the coordinator,
    11 it replied with an error.
    """
    target = _Server(server, server_name, TlsFiles(cert, key, ca), timeout)
    response = asyncio.run(_call_or_exit(target, "ListPerspectives", c.ListPerspectivesRequest()))
    _show(response, print_perspectives, as_json=as_json)
    raise typer.Exit(int(not all(one.ready for one in response.perspectives)))


def exit_code(response: c.CorroborateResponse) -> int:
    """Return what a verdict means to the shell."""
    if response.approved or is_validated(response):
        return APPROVED
    refused = [one for one in response.names if one.reason != c.REASON_CORROBORATED]
    return UNDETERMINED if not any(_is_determined(one) for one in refused) else REFUSED


def _is_determined(refused: c.NameVerdict) -> bool:
    """Whether a refusal says something of the name."""
    if refused.responsible:
        return refused.responsible == c.RESPONSIBLE_DOMAIN
    return refused.reason not in _UNDETERMINED


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


async def _call_or_exit(server: _Server, method: str, request: Message) -> Any:  # noqa: ANN401 - each method has its own
    """Return the answer; where there is none, say why and exit."""
    try:
        async with open_channel(server.address, server.tls, server.name) as channel:
            stub = corroboration_pb2_grpc.CorroborationServiceStub(channel)
            return await getattr(stub, method)(request, timeout=server.timeout)
    except OSError as error:
        _fail(USAGE, f"{error.filename}: {error.strerror}; see --cert, --key and --ca")
    except aio.AioRpcError as error:
        _fail(_code_of(error), _explain(server, error))
    raise AssertionError("_fail exits")  # pragma: no cover


def _fail(code: int, text: str) -> None:
    print(f"mpic: {text}", file=sys.stderr)  # noqa: T201 - for a person
    raise typer.Exit(code)


def _code_of(error: aio.AioRpcError) -> int:
    if error.code() in _NO_REPLY:
        return NO_REPLY
    return USAGE if error.code() is grpc.StatusCode.INVALID_ARGUMENT else UNDETERMINED


def _explain(server: _Server, error: aio.AioRpcError) -> str:
    """Say what a failed call means to the person who made it."""
    if error.code() is grpc.StatusCode.UNAVAILABLE:
        return (
            f"no reply from {server.address}: {error.details()}\nIs the coordinator running there?"
            " It also looks like this when it does not accept your certificate (--cert, signed by"
            " its CA?) or when its own is for another name (--server-name)."
        )
    if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
        return f"no reply from {server.address} within {server.timeout:g} s (--timeout)"
    lines = [f"{error.code().name}: {error.details()}"]
    status = rpc_status.from_call(error)
    for detail in status.details if status else ():
        bad = error_details_pb2.BadRequest()
        if detail.Unpack(bad):
            lines = [f"{one.field}: {one.description}" for one in bad.field_violations]
    return "\n".join(lines)
