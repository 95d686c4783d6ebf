"""Benchmarks: they print figures and assert nothing about time."""

import mpic  # noqa: F401 - before anything loads gRPC
