"""Keeps questions for an agent that said that it leaves: it may be back in a moment.

Keeping a question decides nothing. The question is just not answered yet. The deadline of the
attempt ends it like any other, and the agent stays among those asked. An agent that crashes, hangs
or is cut off does not say so before. Nobody waits for it.
"""

import asyncio
from collections.abc import Callable

Act = Callable[[], None]


class RestartQueue:
    """The questions to one agent that wait for its return."""

    def __init__(self, limit: int, patience: float) -> None:
        """Keep at most `limit` questions; nobody has left yet.

        They wait until `patience` seconds after the agent's last word. As long as the agent answers
        what it was asked before, it gives signs of life. The patience covers a restart: Python,
        Unbound, and the proof that it validates.
        """
        self._limit = limit
        self._patience = patience
        self._kept: dict[int, tuple[Act, Act]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        """Return how many questions wait."""
        return len(self._kept)

    @property
    def is_short(self) -> bool:
        """Whether the agent left so recently that it is worth waiting for."""
        return self._timer is not None

    def note(self) -> None:
        """Note that the agent says right now that it leaves."""
        self._stop()
        self._timer = asyncio.get_running_loop().call_later(self._patience, self._give_up)

    def keep(self, question_id: int, ask: Act, give_up: Act) -> None:
        """Call `ask` when the agent is back, or `give_up` at once or if that takes too long."""
        if self.is_short and len(self) < self._limit:
            self._kept[question_id] = (ask, give_up)
        else:
            give_up()

    def forget(self, question_id: int) -> None:
        """Drop a question that nobody waits for any more."""
        self._kept.pop(question_id, None)

    def end(self) -> None:
        """Ask what waited: the agent is back."""
        self._stop()
        for ask, _ in self._take():
            ask()

    def _give_up(self) -> None:
        self._timer = None
        for _, give_up in self._take():
            give_up()

    def _take(self) -> list[tuple[Act, Act]]:
        kept, self._kept = self._kept, {}
        return list(kept.values())

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
