"""The perspective agent: looks names up through its own resolver and tells what it saw."""

import mpic  # noqa: F401 - before anything loads gRPC
