"""A caller of a coordinator's HTTP port, as a program in any language would be."""

import http.client
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from coordinator.api.http.tokens import hash_token
from mpic.channel import TlsFiles

PORT = 8443
CALLER = "spiffe://mpic.test/caller/pipeline"
TOKEN = "mpic_" + "t" * 43
CORROBORATIONS = "/v1/corroborations"
_SECONDS = 60


def http_table(client_certificates: str = "accepted", *tokens: str, caller: str = CALLER) -> str:
    """Return the table [http] of a coordinator's file, with these tokens of one caller."""
    table = f'[http]\nlisten = "127.0.0.1:{PORT}"\nclient_certificates = "{client_certificates}"\n'
    for token in tokens:
        table += f'[[http.token]]\ncaller = "{caller}"\nsha256 = "{hash_token(token).hex()}"\n'
    return table


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401 - any JSON value
        """The body's JSON value."""
        return json.loads(self.body)


@dataclass(frozen=True)
class HttpCaller:
    """Calls with a client certificate, or without one."""

    tls: TlsFiles
    """The authority is that of the server; the certificate is shown if `shows` says so."""
    token: str = ""
    shows: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)

    def context(self) -> ssl.SSLContext:
        """Return what this caller speaks TLS by."""
        context = ssl.create_default_context(cafile=self.tls.authority)
        if self.shows:
            context.load_cert_chain(self.tls.certificate, self.tls.private_key)
        return context

    def connect(self) -> http.client.HTTPSConnection:
        """Return a connection."""
        return http.client.HTTPSConnection(
            "localhost", PORT, timeout=_SECONDS, context=self.context()
        )

    def call(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Call once, on a connection of its own."""
        connection = self.connect()
        try:
            connection.request(method, path, body, {**self.all_headers(body), **(headers or {})})
            response = connection.getresponse()
            return Answer(response.status, dict(response.headers), response.read())
        finally:
            connection.close()

    def all_headers(self, body: bytes | None = None) -> dict[str, str]:
        """Return the headers of a call."""
        headers = dict(self.headers)
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
        return headers

    def post(self, value: object, path: str = CORROBORATIONS, **headers: str) -> Answer:
        """Send a JSON value; of a header's name "_" stands for "-"."""
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        return self.call("POST", path, json.dumps(value).encode(), named)

    def ask(self, request_id: str, *names: str) -> Answer:
        """Ask one question, and wait for all perspectives."""
        asked = [{"name": name} for name in names]
        return self.post({"requestId": request_id, "names": asked, "linger": "5s"})
