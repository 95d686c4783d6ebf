"""A TLS server for tls-alpn-01 (RFC 8737) that is no bound of a bench: nginx's stream module.

with serve_tls_alpn(directory, network.WEB, {"child.example.co.jp": "token.thumbprint"}):
    ...
"""

import hashlib
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.world.process import Child
from tests.world.tls_alpn_server import ALPN, make_certificate

_CONFIG = """\
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
user root;
daemon off;
master_process on;
worker_processes 2;
pid {directory}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 4096; }}
stream {{
  server {{
    listen {address}:443 ssl reuseport backlog=4096;
    ssl_certificate {directory}/$ssl_server_name.pem;
    ssl_certificate_key {directory}/$ssl_server_name.pem;
    ssl_protocols TLSv1.3;
    ssl_alpn {alpn};
    return "";
  }}
}}
"""


@contextmanager
def serve_tls_alpn(directory: Path, address: str, proofs: Mapping[str, str]) -> Iterator[None]:
    """Serve port 443 of an address, with a proof of each name's key authorization."""
    directory.mkdir(parents=True)
    for name, key_authorization in proofs.items():
        digest = hashlib.sha256(key_authorization.encode()).digest()
        (directory / f"{name}.pem").write_bytes(make_certificate(name, digest))
    config = directory / "nginx.conf"
    config.write_text(_CONFIG.format(directory=directory, address=address, alpn=ALPN))
    child = Child(("nginx", "-p", str(directory), "-c", str(config)), directory / "nginx.log")
    try:
        child.wait_ready(lambda: _serves(address))
        yield
    finally:
        child.stop()


def _serves(address: str) -> bool:
    try:
        socket.create_connection((address, 443), timeout=1).close()
    except OSError:
        return False
    return True
