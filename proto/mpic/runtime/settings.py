"""The configuration tables both programs have."""

import re
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator

from mpic.channel import TlsFiles
from mpic.runtime.certificate_check import check_pair
from mpic.runtime.certificate_owner import CertificateOwner
from mpic.runtime.config import ConfigPath, ConfigTable, Flaw, settle
from mpic.runtime.logs import Format, Level

PerspectiveId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
ListenAddress = Annotated[str, StringConstraints(pattern=r"^(\[[0-9a-fA-F:]+\]|[^:\s]+):\d{1,5}$")]
# A URI has a colon and a DNS name has none, so one cannot be taken for the other.
_IDENTITY = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]+|[A-Za-z0-9_.-]+")
Workers = Annotated[int, Field(ge=1, le=64)]
RirName = Literal["AFRINIC", "APNIC", "ARIN", "LACNIC", "RIPE"]


class TlsTable(ConfigTable):
    """The program's own certificate, and the authority its peers are signed by."""

    certificate: ConfigPath = Field(description="PEM, with a DNS and a spiffe:// SAN")
    private_key: ConfigPath = Field(description="PEM, readable by this program alone")
    authority: ConfigPath = Field(description="PEM, the CA that signs all peers")

    def files(self) -> TlsFiles:
        """Return the paths as the gRPC side wants them."""
        return TlsFiles(self.certificate, self.private_key, self.authority)

    def paths(self) -> tuple[Path, Path, Path]:
        """Return the files that matter if they change."""
        return self.certificate, self.private_key, self.authority


def is_identity(text: str) -> bool:
    """Whether a text can be the identity of a caller: a URI or a DNS name."""
    return _IDENTITY.fullmatch(text) is not None


class CallersTable(ConfigTable):
    """Who may call."""

    allowed: list[str] = Field(
        description='identities from the callers\' certificates: "spiffe://..." or DNS names'
    )

    @field_validator("allowed")
    @classmethod
    def _not_empty(cls, allowed: list[str]) -> list[str]:
        if not allowed:
            raise Flaw(
                "nobody may call", 'List at least one identity, such as "spiffe://mpic.example/..."'
            )
        for caller in allowed:
            if not is_identity(caller):
                raise Flaw(
                    f"{caller!r} is neither a URI nor a DNS name",
                    "List a subject alternative name of one of these kinds; no other is looked at",
                )
        return allowed


class LogTable(ConfigTable):
    """How to log, on standard error."""

    format: Format = "json"
    level: Level = "info"


def check_tls(table: TlsTable, owner: CertificateOwner, file: Path, now: datetime) -> list[str]:
    """Check the files a [tls] table names; return warnings; raises ConfigError."""
    return settle(file, check_pair(*table.paths(), owner, now))
