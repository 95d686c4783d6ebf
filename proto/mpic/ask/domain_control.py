"""The options of `mpic ask` that say by which method control of the names was proved."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o

_PANEL = "Domain control: one method, for every name"

KeyAuthorization = Annotated[
    str,
    typer.Option(
        help="For --http-01 and --dns-account-01: TOKEN.THUMBPRINT.", rich_help_panel=_PANEL
    ),
]
Http01 = Annotated[
    str,
    typer.Option(
        "--http-01",
        metavar="TOKEN",
        help="ACME http-01: TOKEN below /.well-known/acme-challenge/ has --key-authorization.",
        rich_help_panel=_PANEL,
    ),
]
Dns01 = Annotated[
    str,
    typer.Option(
        "--dns-01",
        metavar="KEY-AUTHORIZATION",
        help="ACME dns-01: a TXT record at _acme-challenge.NAME has its digest.",
        rich_help_panel=_PANEL,
    ),
]
DnsAccount01 = Annotated[
    str,
    typer.Option(
        "--dns-account-01",
        metavar="ACCOUNT-URL",
        help="ACME dns-account-01, with --key-authorization.",
        rich_help_panel=_PANEL,
    ),
]
TlsAlpn01 = Annotated[
    str,
    typer.Option(
        "--tls-alpn-01",
        metavar="KEY-AUTHORIZATION",
        help="ACME tls-alpn-01: the certificate for acme-tls/1 at port 443 has its digest.",
        rich_help_panel=_PANEL,
    ),
]
PersistentTxt = Annotated[
    list[str],
    typer.Option(
        "--persistent-txt",
        metavar="ACCOUNT-URI",
        help="A record at _validation-persist.NAME names this account; may be repeated.",
        rich_help_panel=_PANEL,
    ),
]
DnsChange = Annotated[
    tuple[str, str],
    typer.Option(
        "--dns-change",
        metavar="TYPE VALUE",
        help="A TXT, CNAME or CAA record has this value of 20 octets or more.",
        rich_help_panel=_PANEL,
    ),
]
Label = Annotated[
    str,
    typer.Option(
        help='For --dns-change: one label before the name, such as "_dnsauth".',
        rich_help_panel=_PANEL,
    ),
]
Website = Annotated[
    tuple[str, str],
    typer.Option(
        "--website",
        metavar="PATH VALUE",
        help="PATH below /.well-known/pki-validation/ has this value in it.",
        rich_help_panel=_PANEL,
    ),
]
Contact = Annotated[
    tuple[str, str],
    typer.Option(
        "--contact",
        metavar="WHERE CONTACT",
        help="email-txt, email-caa, phone-txt or phone-caa names this contact.",
        rich_help_panel=_PANEL,
    ),
]
Adn = Annotated[
    str,
    typer.Option(help="The authorization domain name, if not NAME.", rich_help_panel=_PANEL),
]
Created = Annotated[
    str,
    typer.Option(
        metavar="TIME",
        help="When the challenge was created, such as 2026-11-30T09:00:00Z; otherwise: now.",
        rich_help_panel=_PANEL,
    ),
]

NOBODY = ("", "")
_KEYED = ("acme_http_01", "acme_dns_account_01")
_WHERE = ("email-txt", "email-caa", "phone-txt", "phone-caa")


@dataclass(frozen=True, slots=True)
class Proof:
    """What the options say."""

    key_authorization: str = ""
    http_01: str = ""
    dns_01: str = ""
    dns_account_01: str = ""
    tls_alpn_01: str = ""
    persistent_txt: tuple[str, ...] = ()
    dns_change: tuple[str, str] = NOBODY
    label: str = ""
    website: tuple[str, str] = NOBODY
    contact: tuple[str, str] = NOBODY
    adn: str = ""
    created: str = ""


def read_proof(proof: Proof, now: datetime) -> c.DomainControl | None:
    """Return what is asked; None: no method is given. Raises typer.BadParameter."""
    methods = _read_methods(proof)
    if not methods:
        if proof.key_authorization or proof.adn or proof.created or proof.label:
            raise typer.BadParameter("give a method of domain control, such as --http-01 TOKEN")
        return None
    if len(methods) > 1:
        given = ", ".join(name.replace("_", "-") for name in methods)
        raise typer.BadParameter(f"give one method of domain control, not {given}")
    if proof.label and "dns_change" not in methods:
        raise typer.BadParameter("--label is for --dns-change alone")
    if proof.key_authorization and methods.keys().isdisjoint(_KEYED):
        raise typer.BadParameter("--key-authorization is for --http-01 and --dns-account-01 alone")
    control = c.DomainControl(authorization_domain_name=proof.adn, **methods)
    control.challenge_created_at.FromDatetime(_read_time(proof.created, now))
    return control


def _read_methods(proof: Proof) -> Mapping[str, Any]:
    """Return each method that is given, by its field."""
    keyed = proof.key_authorization
    methods: dict[str, Any] = {}
    if proof.http_01:
        methods["acme_http_01"] = c.AcmeHttp01(token=proof.http_01, key_authorization=keyed)
    if proof.dns_01:
        methods["acme_dns_01"] = c.AcmeDns01(key_authorization=proof.dns_01)
    if proof.dns_account_01:
        methods["acme_dns_account_01"] = c.AcmeDnsAccount01(
            account_url=proof.dns_account_01, key_authorization=keyed
        )
    if proof.tls_alpn_01:
        methods["acme_tls_alpn_01"] = c.AcmeTlsAlpn01(key_authorization=proof.tls_alpn_01)
    if proof.persistent_txt:
        methods["persistent_dns_txt"] = c.PersistentDnsTxt(account_uris=proof.persistent_txt)
    if proof.dns_change != NOBODY:
        methods["dns_change"] = _read_dns_change(proof)
    if proof.website != NOBODY:
        path, value = proof.website
        methods["website_change"] = c.WebsiteChange(path=path, value=value)
    if proof.contact != NOBODY:
        where, contact = proof.contact
        if where not in _WHERE:
            raise typer.BadParameter(
                f"--contact is {', '.join(_WHERE)} and a contact, not {where!r}"
            )
        methods[f"contact_{where.replace('-', '_')}"] = c.SelectedContact(contact=contact)
    return methods


def _read_dns_change(proof: Proof) -> c.DnsChange:
    rdtype, value = proof.dns_change
    name = f"RECORD_TYPE_{rdtype.upper()}"
    if name not in o.RecordType.keys():  # noqa: SIM118 - an enum type, not a dict
        raise typer.BadParameter(f"--dns-change is TXT, CNAME or CAA and a value, not {rdtype!r}")
    record_type = o.RecordType.Value(name)
    return c.DnsChange(record_type=record_type, value=value, label=proof.label)


def _read_time(text: str, now: datetime) -> datetime:
    if not text:
        return now
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"--created is a time with its zone, not {text!r}") from error
    if moment.tzinfo is None:
        raise typer.BadParameter(f"--created {text} has no time zone; write it in UTC, with a Z")
    return moment.astimezone(UTC)
