"""A program that serves keeps in memory what it needs: nothing of others, nothing for people."""

import subprocess
import sys
import textwrap

import pytest

from coordinator.telemetry.tracing import TracingTable

FOR_PEOPLE = {
    "mpic.runtime.pki_command",
    "mpic.runtime.doctor",
    "mpic.ask.command",
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


def test_a_list_of_all_commands_loads_none() -> None:
    code = (
        "import sys; from mpic.runtime.cli import build_app; build_app();"
        "assert not {'grpc', 'structlog', 'cryptography', 'coordinator'} & {*sys.modules}"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_an_endpoint_opentelemetry_is_not_even_imported() -> None:
    code = (
        "import sys, coordinator.app; from coordinator.telemetry.tracing import TracingTable;"
        " assert TracingTable().make_spans() is None;"
        " assert not [name for name in sys.modules if name.startswith('opentelemetry')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_with_an_endpoint_there_are_spans() -> None:
    spans = TracingTable(otlp_endpoint="http://127.0.0.1:4317").make_spans()
    assert spans is not None
    spans.close()


def test_a_client_in_the_same_process_may_speak_https() -> None:
    # In a process of its own: here the client may have been loaded before the admin port.
    lines = """
        import asyncio, mpic.runtime.admin, aiohttp, ssl
        async def connect():
            await aiohttp.TCPConnector(ssl=ssl.create_default_context()).close()
        asyncio.run(connect())
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(lines)], check=True)
