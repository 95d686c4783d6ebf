"""Running what could wait, and does not."""

from collections.abc import Coroutine


def run_at_once(coroutine: Coroutine[None, None, None]) -> None:
    """Run a coroutine that has nothing to wait for, also without an event loop."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    raise AssertionError("it waits")
