"""Ways to load a package without what it brings along and nobody here needs."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def hidden(package: str) -> Iterator[None]:
    """Let imports in here find no such package, installed or not."""
    before = sys.modules.get(package)
    sys.modules[package] = None  # type: ignore[assignment] # what the import system takes for "none"
    try:
        yield
    finally:
        del sys.modules[package]
        if before is not None:
            sys.modules[package] = before


@contextmanager
def trusting_nobody() -> Iterator[None]:
    """Let TLS contexts that are made in here load none of the host's authorities."""
    before = {name: os.environ.get(name) for name in _AUTHORITIES}
    os.environ.update(dict.fromkeys(_AUTHORITIES, os.devnull))
    try:
        yield
    finally:
        for name, value in before.items():
            del os.environ[name]
            if value is not None:
                os.environ[name] = value


_AUTHORITIES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
"""Where OpenSSL looks for them."""
