"""Which end of a worker is a failed start: one before it served, however long that took."""

import asyncio
import sys
from pathlib import Path

import pytest

from mpic.runtime import workers

SERVES = "from mpic.runtime.workers import tell_started; tell_started(); "


def command(script: str, *arguments: object) -> tuple[str, ...]:
    return (sys.executable, "-c", script, *map(str, arguments))


async def test_who_ends_before_it_served_ends_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_RESTART_SECONDS", 0.0)
    # Slow, as a start is under load: longer than any that serves takes elsewhere.
    slow = command("import sys, time; time.sleep(3.5); sys.exit(7)")
    async with asyncio.timeout(60):
        assert await workers.run_workers(slow, 2) == 7


@pytest.mark.parametrize("end", ["import sys; sys.exit(1)", "import os; os.kill(os.getpid(), 9)"])
async def test_who_served_is_started_again_however_soon_it_ended(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, end: str
) -> None:
    monkeypatch.setattr(workers, "_RESTART_SECONDS", 0.0)
    script = f"import sys; open(sys.argv[1], 'a').write('1'); {SERVES}{end}"
    file = tmp_path / "starts"
    parent = workers._Parent(command(script, file))
    running = asyncio.create_task(parent.keep(0))
    async with asyncio.timeout(60):
        while not file.exists() or len(file.read_text()) < 2:
            assert not running.done()
            await asyncio.sleep(0.01)
        parent.stop()
        assert await running == 0


def test_without_a_parent_nobody_is_told() -> None:
    workers.tell_started()
