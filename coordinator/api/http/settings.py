"""The table [http] of the coordinator's file: HTTP/JSON beside gRPC."""

from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from coordinator.api.http.authentication import ClientCertificates
from mpic.runtime.config import ConfigPath, ConfigTable, Flaw
from mpic.runtime.settings import ListenAddress, TlsTable

_TOKENS = 1_000


class TokenTable(ConfigTable):
    """One bearer token; `mpic token new` makes it and prints this table."""

    caller: str
    """Whose it is: an identity of [callers] allowed."""
    sha256: Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")] = Field(
        description="SHA-256 over the token, 64 lower-case hexadecimal digits"
    )


class HttpTlsTable(ConfigTable):
    """Another certificate for HTTP than that of [tls]."""

    certificate: ConfigPath = Field(description="PEM, with a DNS name that callers know")
    private_key: ConfigPath = Field(description="PEM, readable by this program alone")
    authority: ConfigPath | None = Field(
        default=None, description="PEM, the CA that signs callers; left out: that of [tls]"
    )


class HttpTable(ConfigTable):
    """HTTP/JSON for callers; always TLS 1.3."""

    listen: ListenAddress | Literal[""] = ""
    """"address:port"; workers have the ports that follow. Empty: off."""
    client_certificates: ClientCertificates = "required"
    """required: every connection needs one. accepted: a token does instead. none: tokens alone."""
    tls: HttpTlsTable | None = None
    """Left out: the files of [tls]."""
    token: tuple[TokenTable, ...] = Field(default=(), max_length=_TOKENS)

    @field_validator("token")
    @classmethod
    def _check_tokens(cls, tokens: tuple[TokenTable, ...]) -> tuple[TokenTable, ...]:
        hashes = [token.sha256 for token in tokens]
        for number, one in enumerate(hashes):
            if one in hashes[:number]:
                mend = "Make a token for each with `mpic token new`"
                raise Flaw(f"[{number}] is the token of [{hashes.index(one)}] again", mend)
        return tokens

    @model_validator(mode="after")
    def _check_a_way_in(self) -> "HttpTable":
        if self.listen and self.client_certificates == "none" and not self.token:
            mend = "Add an [[http.token]], or let client_certificates be accepted or required"
            text = "nobody could call: no certificate is asked for, and there is no token"
            raise Flaw(text, mend)
        return self

    def check_callers(self, allowed: Collection[str]) -> None:
        """Check that the callers of all tokens may call; raises Flaw."""
        for number, token in enumerate(self.token):
            if token.caller not in allowed:
                raise Flaw(
                    f"{token.caller!r} has a token, but may not call",
                    "Write it as it stands in [callers] allowed",
                    f"http.token[{number}].caller",
                )

    @property
    def callers_by_hash(self) -> dict[bytes, str]:
        """Return whose each token is, by its SHA-256."""
        return {bytes.fromhex(token.sha256): token.caller for token in self.token}

    def files(self, shared: TlsTable) -> tuple[Path, Path, Path]:
        """Return certificate, private key, and the authority of callers; `shared` is [tls]."""
        if self.tls is None:
            return shared.paths()
        authority = self.tls.authority or shared.authority
        return self.tls.certificate, self.tls.private_key, authority
