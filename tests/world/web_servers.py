"""Real web servers: nginx, with the files that a test or the demo puts there.

with WebServer(directory, (network.WEB, network.WEB6)) as web:
    web.put("child.example.co.jp", "/.well-known/acme-challenge/token", "token.thumbprint")
"""

import socket
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.world.process import Child

_CONFIG = """\
daemon off;
master_process off;
pid {directory}/nginx.pid;
error_log stderr;
events {{ }}
http {{
  access_log {directory}/access.log;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  server {{
{listens}    root {directory}/www/$host;
    default_type text/plain;
    include {directory}/rules;
  }}
}}
"""


class WebServer:
    """An nginx on port 80 of some addresses, with a directory of files for each host."""

    def __init__(self, directory: Path, addresses: Sequence[str], rules: str = "") -> None:
        """Start nothing yet; `rules` are more lines for nginx's server block."""
        self._directory = directory
        self._addresses = addresses
        self._rules = rules
        self._child: Child | None = None

    def put(self, host: str, path: str, text: str) -> None:
        """Let a host have a file from now on."""
        file = self._directory / "www" / host / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def requests(self) -> Sequence[str]:
        """Return the lines of its access log."""
        log = self._directory / "access.log"
        return log.read_text().splitlines() if log.exists() else []

    def __enter__(self) -> Self:
        """Start, and wait until it serves."""
        (self._directory / "www").mkdir(parents=True)
        # nginx, started by root, gives its files away to nobody's account otherwise.
        self._directory.chmod(0o755)
        listens = "".join(f"    listen {_place(one)}:80;\n" for one in self._addresses)
        config = self._directory / "nginx.conf"
        config.write_text(_CONFIG.format(directory=self._directory, listens=listens))
        (self._directory / "rules").write_text(self._rules)
        command = ("nginx", "-p", str(self._directory), "-c", str(config))
        self._child = Child(command, self._directory / "nginx.log")
        self._child.wait_ready(lambda: all(map(_serves, self._addresses)))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop."""
        if self._child is not None:
            self._child.stop()


def _place(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _serves(address: str) -> bool:
    try:
        socket.create_connection((address, 80), timeout=1).close()
    except OSError:
        return False
    return True
