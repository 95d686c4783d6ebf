"""Who turns calls away that would find no room, before their question is read."""

from collections.abc import Callable, Sequence
from functools import partial

import structlog

from coordinator.metrics import Watch
from coordinator.overload import Gate
from mpic.grpc.counted import CountedLines
from mpic.grpc.errors import RequestError
from mpic.grpc.handlers import Context

log = structlog.get_logger()


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
        self._lines = CountedLines(partial(log.info, "turned_away"))

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
            self._lines.note(caller=caller, reason=error.reason)
        return error

    def write(self) -> None:
        """Write the lines of those that were turned away since the last."""
        self._lines.write()
