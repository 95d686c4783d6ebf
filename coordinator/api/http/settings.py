"""The table [http] of the coordinator's file: HTTP/JSON beside gRPC."""

from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints, field_validator, model_validator

from coordinator.api.explain.links import LinkTerms, read_key
from coordinator.api.http.authentication import ClientCertificates
from mpic.runtime.config import ConfigPath, ConfigTable, Flaw
from mpic.runtime.settings import ListenAddress, TlsTable

_TOKENS = 1_000
_URL_OCTETS = 200
_DAY = 86_400


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
    preflight: bool = False
    """Whether officers may check lists at /preflight."""
    connections_per_address: int = Field(default=256, ge=1, le=1024)
    """At a time, in each process; a quarter as many may begin in a second."""
    token: tuple[TokenTable, ...] = Field(default=(), max_length=_TOKENS)
    public_url: str = Field(default="", description="https://..., as people reach the port")
    """With it every answer has a signed link to the page that explains it."""
    link_key_file: ConfigPath | None = Field(
        default=None, description="what links are signed with: 32 octets of chance in base64"
    )
    link_days: int = Field(default=14, ge=1, le=90, description="days until a link expires")

    @field_validator("token")
    @classmethod
    def _check_tokens(cls, tokens: tuple[TokenTable, ...]) -> tuple[TokenTable, ...]:
        hashes = [token.sha256 for token in tokens]
        for number, one in enumerate(hashes):
            if one in hashes[:number]:
                mend = "Make a token for each with `mpic token new`"
                raise Flaw(f"[{number}] is the token of [{hashes.index(one)}] again", mend)
        return tokens

    @field_validator("public_url")
    @classmethod
    def _check_public_url(cls, url: str) -> str:
        if url and not _is_plain(url):
            mend = 'Write it like "https://mpic.example.ac.jp", or with a path after the host'
            raise Flaw(f"{url!r} is no https URL without user, query and fragment", mend)
        return url.rstrip("/")

    @model_validator(mode="after")
    def _check_links(self) -> "HttpTable":
        if self.public_url and not self.listen:
            text = "is given, but there is no port"
            raise Flaw(text, "Set [http] listen", "public_url")
        if self.public_url and self.link_key_file is None:
            mend = "Make one: (umask 077; openssl rand -base64 32 > link.key)"
            raise Flaw("is not given, and public_url is", mend, "link_key_file")
        if self.link_key_file is not None and not self.public_url:
            mend = "Set public_url to where people reach the port"
            raise Flaw("is not given, and link_key_file is", mend, "public_url")
        return self

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

    def read_link_terms(self) -> LinkTerms | None:
        """Return how links are made; None: there are none. Raises OSError or ValueError."""
        if self.link_key_file is None:
            return None
        key = read_key(self.link_key_file.read_bytes())
        return LinkTerms(self.public_url, key, self.link_days * _DAY)

    def all_files(self, shared: TlsTable) -> tuple[Path, ...]:
        """Return the files that matter if they change; `shared` is [tls]."""
        key_files = () if self.link_key_file is None else (self.link_key_file,)
        return (*self.files(shared), *key_files)

    def files(self, shared: TlsTable) -> tuple[Path, Path, Path]:
        """Return certificate, private key, and the authority of callers; `shared` is [tls]."""
        if self.tls is None:
            return shared.paths()
        authority = self.tls.authority or shared.authority
        return self.tls.certificate, self.tls.private_key, authority


def _is_plain(url: str) -> bool:
    """Whether a URL is https, and has nothing but a host, a port and a path."""
    try:
        parts = urlsplit(url)
        has_port = parts.port != 0
    except ValueError:
        return False
    return (
        parts.scheme == "https"
        and bool(parts.hostname)
        and has_port
        and "@" not in parts.netloc
        and not set(url) & set("?#")
        and len(url) <= _URL_OCTETS
        and url.isascii()
        and url.isprintable()
        and not set(url) & set(' "<>\\^`{|}')
    )
