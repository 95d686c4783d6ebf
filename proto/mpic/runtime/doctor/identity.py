"""Who this program is and who may call it: certificates and the list of callers."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from mpic.runtime.certificate_check import all_names, check_pair, read_names
from mpic.runtime.certificate_owner import CertificateOwner
from mpic.runtime.doctor import DoctorFinding, from_problem
from mpic.runtime.settings import CallersTable, TlsTable

_SCHEME = "spiffe://"


def examine_certificates(table: TlsTable, owner: CertificateOwner) -> Sequence[DoctorFinding]:
    """Look at the files of [tls]: whether they fit, until when, and whether they are `owner`'s."""
    now = datetime.now(UTC)
    problems = check_pair(*table.paths(), owner, now)
    findings = [from_problem(problem) for problem in problems]
    if not any(finding.outcome == "error" for finding in findings):
        findings.append(_describe(_load(table.certificate), _load(table.authority), now))
    return findings


def _load(file: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificates(file.read_bytes())[0]


def _describe(own: x509.Certificate, authority: x509.Certificate, now: datetime) -> DoctorFinding:
    ends_at = own.not_valid_after_utc
    facts = {
        "names": all_names(own),
        "until": ends_at.isoformat(),
        "authority_until": authority.not_valid_after_utc.isoformat(),
    }
    what = f"certificate, key and authority fit; {(ends_at - now).days} days are left"
    return DoctorFinding("ok", what, facts=facts)


def examine_callers(callers: CallersTable, tls: TlsTable) -> Sequence[DoctorFinding]:
    """Look at the list of those who may call."""
    # What is wrong with the file is said beside the certificates.
    return judge_callers(callers.allowed, read_names(tls.authority))


def judge_callers(allowed: Sequence[str], authority: Sequence[str]) -> Sequence[DoctorFinding]:
    """Warn of callers that no certificate of this authority can name. Pure."""
    domains = {name for name in authority if name.startswith(_SCHEME)}
    strangers = [
        caller
        for caller in allowed
        if domains
        and caller.startswith(_SCHEME)
        and not any(caller.startswith(f"{domain}/") for domain in domains)
    ]
    if strangers:
        what = f"the authority is of {', '.join(sorted(domains))}: it signs no {strangers[0]}"
        return [DoctorFinding("warning", what, "Correct [callers] allowed", {"allowed": allowed})]
    return [DoctorFinding("ok", f"{len(allowed)} may call", facts={"allowed": allowed})]
