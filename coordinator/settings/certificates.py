"""Whether the certificates that a coordinator's file names can work."""

from datetime import datetime
from pathlib import Path

from coordinator.api.http.settings import HttpTable
from mpic.runtime.certificate_check import check_server_pair
from mpic.runtime.certificate_owner import CertificateOwner
from mpic.runtime.config import settle
from mpic.runtime.settings import TlsTable, check_tls

OWNER = CertificateOwner("coordinator")
"""Whose the certificate of [tls] is to be: any coordinator's."""


def check_certificates(tls: TlsTable, http: HttpTable, file: Path, now: datetime) -> list[str]:
    """Check the files of [tls], and of [http] if it is on; return warnings; raises ConfigError."""
    warnings = check_tls(tls, OWNER, file, now)
    if not http.listen or http.tls is None:
        return warnings
    return [*warnings, *settle(file, check_server_pair(*http.files(tls), now))]
