"""A program that serves keeps in memory what it needs: nothing of others, nothing for people."""

import subprocess
import sys

import pytest

FOR_PEOPLE = {
    "mpic.runtime.pki_command",
    "mpic.runtime.doctor",
    "coordinator.commands.ask",
    "coordinator.commands.record.cli",
}


@pytest.mark.parametrize(
    ("command", "program", "unwanted"),
    [
        ("agent", "perspective_agent", {"coordinator", "sqlite3"}),
        ("coordinator", "coordinator", {"perspective_agent", "psycopg", "opentelemetry"}),
    ],
)
def test_a_program_loads_only_what_it_needs(command: str, program: str, unwanted: set[str]) -> None:
    script = (
        f"import sys; from mpic.runtime.cli import build_app; build_app({command!r});"
        f"import {program}.app; print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    loaded = set(done.stdout.split())
    assert f"{program}.app" in loaded
    assert not loaded & (unwanted | FOR_PEOPLE)
