"""Whether the certificates and keys that a coordinator's file names can work."""

import stat
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from coordinator.api.explain.links import KEY_OCTETS
from coordinator.api.http.settings import HttpTable
from mpic.runtime.certificate_check import check_server_pair
from mpic.runtime.certificate_owner import CertificateOwner
from mpic.runtime.config import Problem, settle
from mpic.runtime.problem import explain_os_error
from mpic.runtime.settings import TlsTable, check_tls

OWNER = CertificateOwner("coordinator")
"""Whose the certificate of [tls] is to be: any coordinator's."""


def check_certificates(tls: TlsTable, http: HttpTable, file: Path, now: datetime) -> list[str]:
    """Check the files of [tls], and of [http] if it is on; return warnings; raises ConfigError."""
    warnings = [*check_tls(tls, OWNER, file, now), *settle(file, _check_links(http))]
    if not http.listen or http.tls is None:
        return warnings
    return [*warnings, *settle(file, check_server_pair(*http.files(tls), now))]


def _check_links(http: HttpTable) -> Iterator[Problem]:
    """Yield what is wrong with the signed links of explanations, if there are any."""
    key_file = http.link_key_file
    if key_file is None:
        return
    place = str(key_file)
    try:
        http.read_link_terms()
    except OSError as error:
        yield Problem(place, *explain_os_error(error))
        return
    except ValueError as error:
        mend = f"Make one: (umask 077; openssl rand -base64 {KEY_OCTETS} > {key_file})"
        wanted = f"is no key of {8 * KEY_OCTETS} bits or more in base64 ({error})"
        yield Problem(place, wanted, mend)
        return
    if key_file.stat().st_mode & stat.S_IROTH:
        text = "can be read by every user of this host"
        yield Problem(place, text, f"Run: chmod 600 {key_file}", warning=True)
    if http.client_certificates == "required":
        text = "a link needs no certificate, but client_certificates is required"
        mend = 'Set "accepted", or have a proxy in front that shows a certificate of its own'
        yield Problem("http.public_url", text, mend, warning=True)
