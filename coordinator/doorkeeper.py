"""Who turns calls away that would find no room, before their question is read."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence

import structlog

from coordinator.metrics import Watch
from coordinator.overload import Gate
from mpic.grpc.errors import RequestError
from mpic.grpc.handlers import Context

log = structlog.get_logger()

_SECONDS = 1.0


class Doorkeeper:
    """Looks at each call that has one question.

    What is turned away is in the log by its number, a line a second for each caller and reason: a
    line for each call would cost a third of what it costs to turn it away.
    """

    def __init__(
        self, gate: Gate, watch: Watch, identify: Callable[[Context], Sequence[str]]
    ) -> None:
        """Turn away what `gate` would not let in; count it by `watch`.

        `identify` returns the identities of a caller that are on the list of callers.
        """
        self._gate = gate
        self._identify = identify
        self._watch = watch
        self._turned_away: Counter[tuple[str, str]] = Counter()
        """By caller and reason, since the last line."""

    def find_no_room(self, context: Context) -> RequestError | None:
        """Return why a call is turned away; None: it is not, but its names may be too many."""
        if self._gate.has_room_for_all():
            return None
        identities = self._identify(context)
        if not identities:
            return None  # what it is to hear is not for us to say
        caller = self._gate.admission.name_caller(identities)
        error = self._gate.find_no_room(caller)
        if error is not None:
            self._watch.count(error)
            self._note(caller, error.reason)
        return error

    def _note(self, caller: str, reason: str) -> None:
        if not self._turned_away:
            asyncio.get_running_loop().call_later(_SECONDS, self.write)
        self._turned_away[caller, reason] += 1

    def write(self) -> None:
        """Write the lines of those that were turned away since the last."""
        for (caller, reason), calls in self._turned_away.items():
            log.info("turned_away", caller=caller, reason=reason, calls=calls)
        self._turned_away.clear()
