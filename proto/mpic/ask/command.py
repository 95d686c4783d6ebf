"""The commands `mpic ask` and `mpic perspectives`: a caller's side."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from google.protobuf import json_format
from google.protobuf.message import Message
from rich.console import Console

from mpic.ask.answer import Form, print_answer
from mpic.ask.calling import CalledServer, call_or_exit, explain, open_for_many
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
from mpic.ask.exit_status import exit_code
from mpic.ask.last_record import remember_record
from mpic.ask.lists.formats import ListOptions
from mpic.ask.lists.options import (
    AsCsv,
    AsJsonl,
    AsTsv,
    Column,
    EncodingName,
    File,
    Format,
    ListCaller,
    ListJob,
    ListQuestion,
    Output,
    Rate,
    Resume,
    check_job,
    read_encoding,
    read_kind,
)
from mpic.ask.lists.run import ask_list
from mpic.ask.perspectives_table import print_perspectives
from mpic.client import Client, TlsFiles
from mpic.v1 import corroboration_pb2 as c
from mpic.words import Language, choose_language

M = TypeVar("M", bound=Message)

Names = Annotated[
    list[str] | None,
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
    names: Names = None,
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
    file: File = "",
    format: Format = None,
    column: Column = "",
    encoding: EncodingName = "",
    as_csv: AsCsv = False,
    as_tsv: AsTsv = False,
    as_jsonl: AsJsonl = False,
    output: Output = "",
    resume: Resume = "",
    rate: Rate = 0.0,
) -> None:
    """Ask whether a certificate with these names may be issued, and show who saw what.

    With --file every line of a file is asked about as a certificate of its own, with the same
    options. A proof of domain control belongs to one name, so a list takes none.

    With a method of domain control, every perspective must see its proof too. With --validation
    only that is asked, while the challenge is pending: its good end is no permission to issue.

    Exit status: 0 approved (with --validation: corroborated), 1 refused, 2 wrong usage or invalid
    question, 9 no reply from the coordinator, 11 undetermined: ask again. With 11 the coordinator
    replied, but only its own failure or too little time kept the names from being approved. Nothing
    is known of them. With --file it is the first that holds: 9, 2 if lines were malformed (the
    others are asked), 11 if lines are undetermined, 1, 0; 130 and 143 if a signal ended it.

    Examples:
    mpic ask www.example.com '*.example.com' --server mpic.example:7300 --cert me.pem --key me.key
    --ca ca.pem

    mpic ask www.example.com --validation --http-01 TOKEN --key-authorization TOKEN.THUMBPRINT

    mpic ask example.com --dns-change TXT 5f0c2a9d7b3e41f6a8d0 --label _dnsauth

    mpic ask --file applications.tsv --tsv --output answered.tsv

    """
    form = _read_form(short=short, wide=wide)
    ways = (key_authorization, http_01, dns_01, dns_account_01, tls_alpn_01)
    accounts = tuple(persistent_txt)
    proof = Proof(*ways, accounts, dns_change, label, website, contact, adn, created)
    control = read_proof(proof, datetime.now(UTC))
    request = c.CorroborateRequest(
        names=[
            c.RequestedName(name=name, validation_method=method, domain_control=control)
            for name in names or ()
        ],
        issuer=issuer,
        account_uri=account_uri,
        dry_run=dry_run,
        purpose=c.PURPOSE_VALIDATION if validation else c.PURPOSE_ISSUANCE,
        checks=check,
    )
    request.tightening.CopyFrom(_read_tightening(min_corroborating, addresses))
    language = choose_language(lang, os.environ)
    target = CalledServer(
        server, server_name, TlsFiles(cert, key, ca), timeout, language, names or ()
    )
    kind = read_kind(as_csv=as_csv, as_tsv=as_tsv, as_jsonl=as_jsonl)
    listing = ListOptions(format, read_encoding(encoding), column)
    job = ListJob(file, listing, kind, output, resume, rate)
    if check_job(job, request, has_proof=control is not None, as_json=as_json):
        raise typer.Exit(_ask_lines(target, job, ListQuestion(request, method, timeout, language)))
    request.linger.FromMilliseconds(round(linger * 1000))
    response = call_or_exit(target, lambda client: client.corroborate(request))
    remember_record(response.record_id, os.environ)
    show = partial(print_answer, lang=language, form=form)
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
    language = choose_language(lang, os.environ)
    target = CalledServer(server, server_name, TlsFiles(cert, key, ca), timeout, language)
    response = call_or_exit(target, Client.perspectives)
    show = partial(print_perspectives, lang=language)
    _show(response, show, as_json=as_json)
    raise typer.Exit(int(not all(one.ready for one in response.perspectives)))


def _ask_lines(target: CalledServer, job: ListJob, question: ListQuestion) -> int:
    """Ask about every line of a list, and return the exit status."""
    make_client, tell = partial(open_for_many, target), partial(explain, target)
    return ask_list(job, question, ListCaller(make_client, tell, target.address))


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
