"""What an agent's start waits for: a proof, or a refutation; silence is neither."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mpic.runtime.admin import Readiness
from perspective_agent import app
from perspective_agent.settings import ResolverTable
from perspective_agent.unbound.validation_probe import ProbeResult

NOW = datetime(2026, 11, 30, tzinfo=UTC)
SILENT = ProbeResult(validates=False, evidence="no answer", ended_at=NOW, is_conclusive=False)
REFUTED = ProbeResult(validates=False, evidence="no AD", ended_at=NOW)
PROVEN = ProbeResult(validates=True, evidence="shown", ended_at=NOW, proven_at=NOW)
# Time is up at once.
TABLE = ResolverTable(trust_anchor_file=Path("root.key"), start_timeout=0)


def start(monkeypatch: pytest.MonkeyPatch, *probes: ProbeResult) -> tuple[ProbeResult, list[str]]:
    """Let an agent's start see these probes; return the one it ends with, and its excuses."""
    readiness, left = Readiness(), list(probes)
    excuses: list[str] = []

    async def probe(*_: Any) -> ProbeResult:  # noqa: ANN401 - what it is called with does not matter
        excuses.extend(readiness.judge().values())
        return left.pop(0)

    async def sleep(_: float) -> None:
        pass

    monkeypatch.setattr(app, "probe_validation", probe)
    monkeypatch.setattr(asyncio, "sleep", sleep)
    unused: Any = None
    ended = app._probe_until_validating(unused, unused, TABLE, readiness)
    return asyncio.run(ended), excuses


def test_silence_is_waited_out_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert start(monkeypatch, SILENT, SILENT, PROVEN) == (PROVEN, ["no answer", "no answer"])


@pytest.mark.parametrize("before", [0, 1])
def test_a_refutation_ends_it_once_time_is_up(monkeypatch: pytest.MonkeyPatch, before: int) -> None:
    ended, _ = start(monkeypatch, *[SILENT] * before, REFUTED, PROVEN)
    assert ended == REFUTED
