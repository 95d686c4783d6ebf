"""The coordinator: asks all perspectives and decides."""
