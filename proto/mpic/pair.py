"""Whether the PEM files of one identity can work: what `mpic check-config` says of [tls].

A program that serves asks it by `mpic.examiner`, as `python -m mpic.pair`.
"""

import json
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from mpic.problem import Problem, explain_os_error

T = TypeVar("T")

RENEWAL = timedelta(days=14)
"""So long before the end of a certificate a warning is due."""

_ISSUE = "Issue a new certificate; with `mpic pki init`, move the old pair away and use --add"


def check_pair(
    certificate: Path, private_key: Path, authority: Path, now: datetime
) -> list[Problem]:
    """Return what keeps these files from working, and as warnings what soon will or is unsafe.

    `certificate` holds the identity's own certificate first, then any intermediate ones.
    """
    findings = _Findings(now)
    chain = findings.read(certificate, x509.load_pem_x509_certificates, "certificate in PEM")
    key = findings.read(private_key, _load_key, "private key in PEM, without a password")
    authorities = findings.read(authority, x509.load_pem_x509_certificates, "certificate in PEM")
    for one in authorities or ():
        findings.check_dates(authority, one)
    if chain:
        findings.check_dates(certificate, chain[0])
        findings.check_names(certificate, chain[0])
    if key:
        findings.check_mode(private_key)
    if chain and key and key.public_key() != chain[0].public_key():
        mend = "Name the two files that were written together"
        findings.add(private_key, f"is not the key of {certificate}", mend)
    if chain and authorities and not _is_signed(chain, authorities):
        mend = "Name the CA that signed it, or have that CA sign a new one"
        findings.add(certificate, f"is not signed by {authority}", mend)
    return findings.problems


def find_ends(certificate: Path, authority: Path) -> dict[str, float]:
    """Return when "own" and "authority" end, as far as they can be read, in seconds since 1970.

    The identity's own certificate; of several authorities, the first to end.
    """
    ends = {}
    for name, file in (("own", certificate), ("authority", authority)):
        with suppress(OSError, ValueError):
            found = x509.load_pem_x509_certificates(file.read_bytes())
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
        """Return what is in a file, or note why nothing is."""
        try:
            return load(file.read_bytes())
        except OSError as error:
            self.add(file, *explain_os_error(error))
        except (ValueError, TypeError, UnsupportedAlgorithm):
            mend = "Name a file with -----BEGIN lines; `openssl` converts other formats"
            self.add(file, f"holds no {what}", mend)
        return None

    def check_dates(self, file: Path, certificate: x509.Certificate) -> None:
        first, last = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        if self.now < first:
            self.add(file, f"is not valid before {first:%F %R} UTC", "Check this host's clock")
        elif self.now > last:
            self.add(file, f"expired on {last:%F %R} UTC", _ISSUE)
        elif self.now > last - RENEWAL:
            self.warn(file, f"expires on {last:%F %R} UTC", _ISSUE)

    def check_names(self, file: Path, certificate: x509.Certificate) -> None:
        if not list(_dns_names(certificate)):
            mend = "Issue it with a DNS subject alternative name: gRPC refuses a server without"
            self.add(file, "names no DNS name", mend)

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
    names: list[str] = []
    for extension in certificate.extensions:
        if isinstance(extension.value, x509.SubjectAlternativeName):
            names += extension.value.get_values_for_type(x509.UniformResourceIdentifier)
            names += extension.value.get_values_for_type(x509.DNSName)
    return tuple(names)


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


def _tell(certificate: str, private_key: str, authority: str, now: str) -> None:
    """Write what there is to say of the files, as JSON."""
    own, key, ca = Path(certificate), Path(private_key), Path(authority)
    problems = check_pair(own, key, ca, datetime.fromisoformat(now))
    told = {"problems": [asdict(one) for one in problems], "ends": find_ends(own, ca)}
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    _tell(*sys.argv[1:])
