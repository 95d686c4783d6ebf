"""Sends forms as a browser does, without one."""

import http.client
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.world.http_caller import PORT, Answer
from tests.world.link_visitor import HTML

_BOUNDARY = "form-boundary"


@dataclass(slots=True)
class FormSender:
    """One browser, with its cookie."""

    authority: Path
    address: str = "127.0.0.1"
    cookie: str = ""
    headers: Mapping[str, str] = field(default_factory=lambda: {"Sec-Fetch-Site": "same-origin"})

    def get(self, path: str) -> Answer:
        """Open a page."""
        return self._call("GET", path, None, {})

    def post(self, path: str, **fields: str | tuple[str, bytes]) -> Answer:
        """Send a form; a file is its name and its octets."""
        parts = []
        for name, value in fields.items():
            file_name, octets = value if isinstance(value, tuple) else ("", value.encode())
            named = f'; filename="{file_name}"' if file_name else ""
            head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'
            parts.append(head.encode() + octets + b"\r\n")
        body = b"".join(parts) + f"--{_BOUNDARY}--\r\n".encode()
        kind = {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}
        return self._call("POST", path, body, kind)

    def sign_in(self, token: str) -> Answer:
        """Sign in, and keep the cookie."""
        answer = self.post("/preflight/sign-in", token=token)
        self.cookie = answer.headers.get("Set-Cookie", "").partition(";")[0]
        return answer

    def _call(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        context = ssl.create_default_context(cafile=self.authority)
        connection = http.client.HTTPSConnection(
            "localhost", PORT, timeout=60, context=context, source_address=(self.address, 0)
        )
        cookie = {"Cookie": self.cookie} if self.cookie else {}
        try:
            told = {**HTML, **self.headers, **cookie, **headers}
            connection.request(method, path, body, told)
            response = connection.getresponse()
            return Answer(response.status, dict(response.headers), response.read())
        finally:
            connection.close()
