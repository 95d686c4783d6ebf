"""What HEALTHCHECK runs: exit status 0 when a URL answers 200.

python probe.py http://127.0.0.1:8310/readyz
"""

import http.client
import sys
from urllib.parse import urlsplit

_SECONDS = 3.0


def is_healthy(url: str) -> bool:
    """Say whether a plain HTTP URL answers 200."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=_SECONDS)
    try:
        connection.request("GET", parts.path)
        return connection.getresponse().status == http.client.OK
    except OSError:
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(not is_healthy(sys.argv[1]))
