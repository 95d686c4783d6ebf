"""The perspective agent: looks names up through its own resolver and reports what it saw."""

import mpic  # noqa: F401 - before anything loads gRPC
