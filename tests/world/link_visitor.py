"""Somebody with a link: no certificate, no token, an address of their own."""

import http.client
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.world.http_caller import PORT, Answer

HTML = {"Accept": "text/html,*/*;q=0.8"}


@dataclass(frozen=True, slots=True)
class LinkVisitor:
    """Opens links as a browser would, from an address of this host."""

    authority: Path
    address: str = "127.0.0.1"

    def open(
        self, url: str, method: str = "GET", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Open a URL, or what of it is behind the host."""
        parts = urlsplit(url)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        context = ssl.create_default_context(cafile=self.authority)
        connection = http.client.HTTPSConnection(
            "localhost", PORT, timeout=60, context=context, source_address=(self.address, 0)
        )
        try:
            connection.request(method, target, headers=HTML if headers is None else dict(headers))
            response = connection.getresponse()
            return Answer(response.status, dict(response.headers), response.read())
        finally:
            connection.close()
