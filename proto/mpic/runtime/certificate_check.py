"""Whether the PEM files of one identity can work: what `mpic check-config` says of [tls]."""

import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID

from mpic.runtime.certificate_owner import CertificateOwner, Kind, find_stranger
from mpic.runtime.problem import Problem, explain_os_error
from mpic.runtime.trial_handshake import Side, find_refusal

T = TypeVar("T")

RENEWAL = timedelta(days=14)
"""A warning is due this long before the end of a certificate."""

SIDES: dict[Kind, tuple[Side, ...]] = {
    "coordinator": ("server", "client"),
    "perspective": ("server",),
    "caller": ("client",),
}
"""The coordinator serves callers and calls agents; agents only serve, callers only call."""

USES = {
    "server": (ExtendedKeyUsageOID.SERVER_AUTH, "serverAuth"),
    "client": (ExtendedKeyUsageOID.CLIENT_AUTH, "clientAuth"),
}
"""What its extended key usage names for each side (RFC 5280 section 4.2.1.12)."""

_ISSUE = "Issue a new certificate; with `mpic pki init`, move the old pair away and use --add"


def check_pair(
    certificate: Path, private_key: Path, authority: Path, owner: CertificateOwner, now: datetime
) -> list[Problem]:
    """Return what keeps these files from working; as warnings, what soon will or is unsafe.

    `certificate` holds the certificate of `owner` first, then any intermediate ones.
    """
    findings = _Findings(now)
    chain = findings.read(certificate, x509.load_pem_x509_certificates, "certificate in PEM")
    key = findings.read(private_key, _load_key, "private key in PEM, without a password")
    authorities = findings.read(authority, x509.load_pem_x509_certificates, "certificate in PEM")
    if authorities:
        findings.check_authorities(authority, authorities, chain)
    if chain:
        for one in chain:
            findings.check_dates(certificate, one)
        findings.check_names(certificate, chain[0], owner)
        findings.check_uses(certificate, chain[0], owner.kind)
    if key:
        findings.check_mode(private_key)
    if chain and key:
        findings.check_key(certificate, private_key, chain[0], key)
    if chain and authorities and not _is_signed(chain, authorities):
        mend = "Name the CA that signed it, or have that CA sign a new one"
        findings.add(certificate, f"is not signed by {authority}", mend)
    if all(one.warning for one in findings.problems):
        findings.try_out((certificate, private_key, authority), owner.kind)
    return findings.problems


def check_server_pair(
    certificate: Path, private_key: Path, authority: Path, now: datetime
) -> list[Problem]:
    """Return the same of a pair that only serves; `authority` signs those who call, not the pair.

    So another CA may have issued it, such as one that browsers know.
    """
    findings = _Findings(now)
    chain = findings.read(certificate, x509.load_pem_x509_certificates, "certificate in PEM")
    key = findings.read(private_key, _load_key, "private key in PEM, without a password")
    authorities = findings.read(authority, x509.load_pem_x509_certificates, "certificate in PEM")
    if authorities:
        findings.check_authorities(authority, authorities, None)
    if chain:
        for one in chain:
            findings.check_dates(certificate, one)
        findings.check_dns_name(certificate, chain[0])
        findings.check_uses(certificate, chain[0], "coordinator", ("server",))
    if key:
        findings.check_mode(private_key)
    if chain and key:
        findings.check_key(certificate, private_key, chain[0], key)
    return findings.problems


def find_ends(certificate: bytes, authority: bytes) -> dict[str, float]:
    """Return when "own" and "authority" end, in seconds since 1970, if the PEM can be read.

    "own" is the identity's own certificate. Of several authorities the first to end counts.
    """
    ends = {}
    for name, pem in (("own", certificate), ("authority", authority)):
        with suppress(ValueError):
            found = x509.load_pem_x509_certificates(pem)
            of = found[:1] if name == "own" else found
            ends[name] = min(one.not_valid_after_utc.timestamp() for one in of)
    return ends


@dataclass
class _Findings:
    now: datetime
    problems: list[Problem] = field(default_factory=list)

    def add(self, file: Path, message: str, mend: str) -> None:
        self.problems.append(Problem(str(file), message, mend))

    def warn(self, file: Path, message: str, mend: str) -> None:
        self.problems.append(Problem(str(file), message, mend, warning=True))

    def read(self, file: Path, load: Callable[[bytes], T], what: str) -> T | None:
        """Return what is in a file, or note why there is nothing."""
        try:
            return load(file.read_bytes())
        except OSError as error:
            self.add(file, *explain_os_error(error))
        except (ValueError, TypeError, UnsupportedAlgorithm):
            mend = "Name a file with -----BEGIN lines; `openssl` converts other formats"
            self.add(file, f"holds no {what}", mend)
        return None

    def check_authorities(
        self,
        file: Path,
        authorities: Sequence[x509.Certificate],
        chain: Sequence[x509.Certificate] | None,
    ) -> None:
        """Check their dates; beside a valid one, another may have ended or may not have begun.

        So an authority can be changed: both stand in the file for a while.
        """
        serving = [
            one
            for one in authorities
            if one.not_valid_before_utc <= self.now <= one.not_valid_after_utc
            and (not chain or _is_signed(chain, [one]))
        ]
        for one in authorities:
            if one in serving or not serving:
                self.check_dates(file, one)
            elif self.now > one.not_valid_after_utc:
                message = f"holds one that expired on {one.not_valid_after_utc:%F %R} UTC"
                self.warn(file, message, "Take it out: the other has taken its place")

    def check_dates(self, file: Path, certificate: x509.Certificate) -> None:
        first, last = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        if self.now < first:
            self.add(file, f"is not valid before {first:%F %R} UTC", "Check this host's clock")
        elif self.now > last:
            self.add(file, f"expired on {last:%F %R} UTC", _ISSUE)
        elif self.now > last - RENEWAL:
            self.warn(file, f"expires on {last:%F %R} UTC", _ISSUE)

    def check_names(
        self, file: Path, certificate: x509.Certificate, owner: CertificateOwner
    ) -> None:
        self.check_dns_name(file, certificate)
        if stranger := find_stranger(all_names(certificate), owner):
            message = f"is for {', '.join(stranger.names)}, but this is the {owner}"
            mend = f"Name the pair that `mpic pki init --{owner}` wrote, or correct the id"
            note = self.add if stranger.certain else self.warn
            note(file, message, mend)

    def check_dns_name(self, file: Path, certificate: x509.Certificate) -> None:
        if not list(_dns_names(certificate)):
            mend = "Issue it with a DNS subject alternative name: clients refuse a server without"
            self.add(file, "names no DNS name", mend)

    def check_key(
        self, file: Path, key_file: Path, certificate: x509.Certificate, key: PrivateKeyTypes
    ) -> None:
        if key.public_key() != certificate.public_key():
            mend = "Name the two files that were written together"
            self.add(key_file, f"is not the key of {file}", mend)

    def check_uses(
        self,
        file: Path,
        certificate: x509.Certificate,
        kind: Kind,
        sides: Sequence[Side] | None = None,
    ) -> None:
        """Look at its extended key usage; without one, everything is allowed."""
        for extension in certificate.extensions:
            if not isinstance(extension.value, x509.ExtendedKeyUsage):
                continue
            for side in sides or SIDES[kind]:
                use, name = USES[side]
                if use not in extension.value:
                    mend = f"Issue it with extended key usage {name}: a {kind} is a TLS {side}"
                    self.add(file, f"may not be used by a TLS {side}", mend)

    def try_out(self, files: tuple[Path, Path, Path], kind: Kind) -> None:
        """Say what else a peer refuses: a CA that is none, a weak key, forbidden names."""
        for side in SIDES[kind]:
            if refusal := find_refusal(*files, side):
                mend = f"Ask `openssl verify -purpose ssl{side} -CAfile {files[2]} {files[0]}`"
                self.add(files[0], f"is refused as a TLS {side}'s: {refusal}", mend)

    def check_mode(self, file: Path) -> None:
        if file.stat().st_mode & stat.S_IROTH:
            self.warn(file, "can be read by every user of this host", f"Run: chmod 600 {file}")


def _load_key(data: bytes) -> PrivateKeyTypes:
    return load_pem_private_key(data, None)


def _dns_names(certificate: x509.Certificate) -> Iterator[str]:
    for extension in certificate.extensions:
        if isinstance(extension.value, x509.SubjectAlternativeName):
            yield from extension.value.get_values_for_type(x509.DNSName)


def read_names(file: Path) -> tuple[str, ...]:
    """Return the names of the first certificate in a PEM file, none when it has none."""
    try:
        return all_names(x509.load_pem_x509_certificates(file.read_bytes())[0])
    except (OSError, ValueError):
        return ()


def all_names(certificate: x509.Certificate) -> tuple[str, ...]:
    """Return the DNS names and the URIs a certificate is for."""
    uris, names = names_by_kind(certificate)
    return (*uris, *names)


def names_by_kind(certificate: x509.Certificate) -> tuple[list[str], list[str]]:
    """Return the URIs and the DNS names a certificate is for."""
    uris: list[str] = []
    names: list[str] = []
    for extension in certificate.extensions:
        if isinstance(extension.value, x509.SubjectAlternativeName):
            uris += extension.value.get_values_for_type(x509.UniformResourceIdentifier)
            names += extension.value.get_values_for_type(x509.DNSName)
    return uris, names


def _is_signed(chain: Sequence[x509.Certificate], authorities: Sequence[x509.Certificate]) -> bool:
    """Say whether the chain, as far as each next one signed the one before, ends in a CA."""
    last = chain[0]
    for issuer in chain[1:]:
        if not _is_issued(last, issuer):
            break
        last = issuer
    return any(_is_issued(last, authority) for authority in authorities)


def _is_issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
