"""A small private CA for the mutual TLS of callers, coordinator and agents (BR 3.2.2.9).

An identity is `spiffe://<trust domain>/<kind>/<id>`. Beside it stands the DNS name
`<id>.<kind>.<trust domain>`, because grpcio refuses a server that has only a URI.
"""

import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from mpic.runtime.certificate_check import SIDES, USES, check_pair
from mpic.runtime.certificate_owner import Kind
from mpic.runtime.problem import Flaw

__all__ = [
    "Authority",
    "Kind",
    "Pair",
    "Subject",
    "check_pair",
    "check_trust_domain",
    "create_authority",
    "dns_name",
    "issue_certificate",
    "load_authority",
    "name_pair",
    "perspective_dns_name",
    "spiffe_id",
]

AUTHORITY_DAYS = 730
LEAF_DAYS = 90

# A host with a clock that is a little slow must not refuse what was issued a moment ago.
_CLOCK_SKEW = timedelta(minutes=5)

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_DNS_NAME_MAX = 253  # characters, without the last dot (RFC 1035 section 2.3.4)


def spiffe_id(kind: Kind, id: str, trust_domain: str) -> str:
    """Return an identity as a URI."""
    return f"spiffe://{trust_domain}/{kind}/{id}"


def dns_name(kind: Kind, id: str, trust_domain: str) -> str:
    """Return an identity as a DNS name."""
    return f"{id}.{kind}.{trust_domain}"


def perspective_dns_name(id: str, trust_domain: str) -> str:
    """Return the DNS name of an agent: `server_name` in the roster."""
    return dns_name("perspective", id, trust_domain)


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a certificate is for; other names and addresses are added to its own."""

    kind: Kind
    id: str
    dns_names: tuple[str, ...] = ()
    addresses: tuple[IPv4Address | IPv6Address, ...] = ()


@dataclass(frozen=True, slots=True)
class Authority:
    """A CA, and the directory all its files are in."""

    directory: Path
    trust_domain: str
    certificate: x509.Certificate
    private_key: ec.EllipticCurvePrivateKey

    @property
    def file(self) -> Path:
        """The certificate every host needs."""
        return self.directory / "ca.pem"


@dataclass(frozen=True, slots=True)
class Pair:
    """The files of one identity, there or yet to be written."""

    certificate: Path
    private_key: Path
    spiffe_id: str
    dns_name: str

    def exists(self) -> bool:
        """Say whether any of it is there."""
        return self.certificate.exists() or self.private_key.exists()


def name_pair(directory: Path, trust_domain: str, subject: Subject) -> Pair:
    """Return where a subject's files belong and what it is called; raises Flaw."""
    if not _LABEL.fullmatch(subject.id):
        mend = "Use 1 to 63 of a-z, 0-9 and -, the first and last not -"
        raise Flaw(f'"{subject.id}" cannot be an id', mend)
    name = dns_name(subject.kind, subject.id, trust_domain)
    if len(name) > _DNS_NAME_MAX:
        raise Flaw(f"{name} is too long for a DNS name", "Shorten the id or the trust domain")
    stem = f"{subject.kind}-{subject.id}"
    uri = spiffe_id(subject.kind, subject.id, trust_domain)
    return Pair(directory / f"{stem}.pem", directory / f"{stem}.key", uri, name)


def check_trust_domain(trust_domain: str) -> None:
    """Raise Flaw unless it is a lower-case DNS name."""
    labels = trust_domain.split(".")
    if len(trust_domain) > _DNS_NAME_MAX or not all(map(_LABEL.fullmatch, labels)):
        mend = "Use a lower-case DNS name, such as mpic.example"
        raise Flaw(f'"{trust_domain}" cannot be a trust domain', mend)


def create_authority(
    directory: Path, trust_domain: str, days: int = AUTHORITY_DAYS, now: datetime | None = None
) -> Authority:
    """Write ca.pem and ca.key; raises OSError, and Flaw also if one is there already."""
    check_trust_domain(trust_domain)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for file in (directory / "ca.pem", directory / "ca.key"):
        if file.exists():
            mend = "Add certificates to that authority with --add, or choose another directory"
            raise Flaw(f"{file} is there already", mend)
    key = ec.generate_private_key(ec.SECP256R1())
    start = now or datetime.now(UTC)
    uri = x509.UniformResourceIdentifier(f"spiffe://{trust_domain}")
    certificate = (
        _certificate("MPIC private authority", key.public_key(), None)
        .not_valid_before(start - _CLOCK_SKEW)
        .not_valid_after(start + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectAlternativeName([uri]), critical=False)
        .sign(key, SHA256())
    )
    authority = Authority(directory, trust_domain, certificate, key)
    _write_pair(certificate, key, authority.file, directory / "ca.key")
    return authority


def load_authority(directory: Path) -> Authority:
    """Read what `create_authority` wrote; raises OSError or Flaw."""
    file, key_file = directory / "ca.pem", directory / "ca.key"
    if not file.exists():
        raise Flaw(f"there is no {file}", "Create the authority first, without --add")
    if not key_file.exists():
        mend = "Bring the authority's private key back from where it is kept, while you issue"
        raise Flaw(f"there is no {key_file}", mend)
    try:
        certificate = x509.load_pem_x509_certificate(file.read_bytes())
        key = load_pem_private_key(key_file.read_bytes(), None)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        (uri,) = names.get_values_for_type(x509.UniformResourceIdentifier)
    except (ValueError, TypeError, x509.ExtensionNotFound) as error:
        mend = "Use files that this command wrote"
        raise Flaw(f"{file} and ca.key are not an authority of `mpic pki init`", mend) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or (
        key.public_key() != certificate.public_key()
    ):
        raise Flaw(f"{key_file} is not the key of {file}", "Bring the two that belong together")
    return Authority(directory, uri.removeprefix("spiffe://"), certificate, key)


def issue_certificate(
    authority: Authority, subject: Subject, days: int = LEAF_DAYS, now: datetime | None = None
) -> Pair:
    """Write `<kind>-<id>.pem` and `.key`; raises OSError, and Flaw also if one is there already.

    No certificate outlives its authority.
    """
    pair = name_pair(authority.directory, authority.trust_domain, subject)
    if pair.exists():
        raise Flaw(f"{pair.certificate} or its key is there already", "Move both away first")
    key = ec.generate_private_key(ec.SECP256R1())
    start, last = now or datetime.now(UTC), authority.certificate.not_valid_after_utc
    if last <= start:
        raise Flaw(f"{authority.file} ended on {last:%F}", "Create a new authority elsewhere")
    certificate = (
        _certificate(subject.id, key.public_key(), authority.certificate)
        .not_valid_before(start - _CLOCK_SKEW)
        .not_valid_after(min(start + timedelta(days=days), last))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(_purposes(subject.kind), critical=False)
        .add_extension(x509.SubjectAlternativeName(_names(pair, subject)), critical=False)
        .sign(authority.private_key, SHA256())
    )
    _write_pair(certificate, key, pair.certificate, pair.private_key)
    return pair


def _certificate(
    name: str, key: ec.EllipticCurvePublicKey, issuer: x509.Certificate | None
) -> x509.CertificateBuilder:
    """Begin a certificate, its own issuer if there is none."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    own = x509.SubjectKeyIdentifier.from_public_key(key)
    signing = (
        issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        if issuer
        else own
    )
    identifier = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(signing)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .add_extension(own, critical=False)
        .add_extension(identifier, critical=False)
    )


def _purposes(kind: Kind) -> x509.ExtendedKeyUsage:
    return x509.ExtendedKeyUsage([USES[side][0] for side in SIDES[kind]])


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _names(pair: Pair, subject: Subject) -> list[x509.GeneralName]:
    return [
        x509.DNSName(pair.dns_name),
        x509.UniformResourceIdentifier(pair.spiffe_id),
        *map(x509.DNSName, subject.dns_names),
        *map(x509.IPAddress, subject.addresses),
    ]


def _write_pair(
    certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey, file: Path, key_file: Path
) -> None:
    """Write both, the key for its owner alone; raises FileExistsError rather than overwrite."""
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = certificate.public_bytes(Encoding.PEM)
    for path, data, mode in ((key_file, private, 0o600), (file, public, 0o644)):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
