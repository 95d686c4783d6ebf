"""The coordinator: asks all perspectives and decides."""

import mpic  # noqa: F401 - before anything loads gRPC
