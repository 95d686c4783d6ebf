"""A way to load a package without what it brings along and nobody here needs."""

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
