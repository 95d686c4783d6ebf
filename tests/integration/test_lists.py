"""`mpic ask --file` as people use it: killed, interrupted, and gone on with."""

import csv
import io
import json
import os
import re
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.world.applications import application
from tests.world.deployment import (
    COORDINATOR,
    COORDINATOR_ADMIN,
    MPIC,
    Deployment,
    Plan,
    wait_serving,
)
from tests.world.pages import scrape
from tests.world.process import plain_environment, wait_until

PAGE = Path(__file__).parents[2] / "deploy" / "lists.md"
PLAN = Plan(lookup_timeout=60, repeat_window=600)
GOOD = "child.parent.example.co.jp"
FORBIDDEN = "other.caa.example.co.jp"
LINES = 300


def command(deployment: Deployment, *arguments: str | Path) -> list[str]:
    tls = deployment.caller_tls()
    files = ("--cert", tls.certificate, "--key", tls.private_key, "--ca", tls.authority)
    at = ("--server-name", "localhost", "--server", COORDINATOR)
    return [MPIC, "ask", *map(str, (*at, *files, *arguments))]


def ask(
    deployment: Deployment, *arguments: str | Path, octets: bytes = b""
) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        command(deployment, *arguments),
        input=octets,
        capture_output=True,
        check=False,
        timeout=300,
        env=plain_environment() | {"LANG": "C.UTF-8", "COLUMNS": "120"},
    )


def objects(octets: bytes) -> dict[int, Mapping[str, Any]]:
    """Return what JSON lines say, by the number of the line."""
    told = [json.loads(line) for line in octets.splitlines()]
    return {one["line"]: one for one in told}


def recorded(deployment: Deployment) -> dict[str, set[str]]:
    """Return the request ids under which each name of the test was asked."""
    done = subprocess.run(
        [MPIC, "record", "export", "--config", deployment.coordinator_file, "--format", "csv"],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    found: dict[str, set[str]] = {}
    for row in csv.DictReader(io.StringIO(done.stdout)):
        found.setdefault(row["name"], set()).add(row["request_id"])
    return found


def test_every_line_of_a_list_of_names_is_told(deployment: Deployment, tmp_path: Path) -> None:
    file = tmp_path / "names.txt"
    file.write_text(f"# servers\n{GOOD}\nhttps://x.example/\n{FORBIDDEN}\n*.co.jp\n{GOOD}\n")
    done = ask(deployment, "--file", file, "--jsonl")
    told = objects(done.stdout)
    assert done.returncode == 2
    assert {number: one["verdict"] for number, one in told.items()} == {
        2: "approved",
        3: "malformed",
        4: "refused",
        5: "malformed",
        6: "approved",
    }
    assert told[4]["details"][0]["check"] == "caa"
    assert told[2]["record_id"] != told[6]["record_id"]
    said = done.stderr.decode()
    for text in (
        "note: line 6: has the names of line 2; both are asked",
        'line 3: "https://x.example/" is a URL',
        'line 5 *.co.jp: "*.co.jp" is a wildcard directly below the public suffix',
        f"line 4 {FORBIDDEN}: ",
        "5 lines: 2 approved, 1 refused, 2 malformed",
    ):
        assert text in said
    assert said.index("malformed: 2") < said.index("refused: 1")


def test_the_officers_file_comes_back_with_three_columns_more(
    deployment: Deployment, tmp_path: Path
) -> None:
    texts = [
        application(GOOD, c8="大学　ﾀﾛｳ"),
        application(FORBIDDEN, f"dNSName={GOOD},dNSName={FORBIDDEN}"),
        application("www.example", c11="大学"),
        application(GOOD).rsplit("\t", 1)[0],
    ]
    file, output = tmp_path / "applications.tsv", tmp_path / "answered.tsv"
    file.write_bytes("\r\n".join(texts).encode("cp932"))
    done = ask(deployment, "--file", file, "--tsv", "--output", output, "--lang", "ja")
    assert done.returncode == 2, done.stderr.decode()
    lines = output.read_bytes().split(b"\r\n")
    for line, text, verdict in zip(
        lines, texts, ("発行可", "発行不可", "形式不備", "発行可"), strict=True
    ):
        assert line.startswith(text.encode("cp932") + b"\t")
        cells = line.decode("cp932").rstrip("\n").split("\t")
        assert len(cells) == 16
        assert cells[13] == verdict
    assert lines[1].decode("cp932").split("\t")[14].startswith(f"{FORBIDDEN}: ")
    assert not list(tmp_path.glob("*.resume*"))
    assert (
        "exists, and is not overwritten"
        in ask(deployment, "--file", file, "--tsv", "--output", output).stderr.decode()
    )


def test_the_commands_on_the_page_do_what_it_says(deployment: Deployment, tmp_path: Path) -> None:
    (tmp_path / "applications.tsv").write_bytes(application(GOOD).encode("cp932"))
    (tmp_path / "names.txt").write_text(f"# servers\n{GOOD}\n")
    (tmp_path / "servers.csv").write_text(f"id,host\n1,{GOOD}\n")
    blocks = "".join(re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL))
    tls = deployment.caller_tls()
    here = {
        "MPIC_SERVER": COORDINATOR,
        "MPIC_SERVER_NAME": "localhost",
        "MPIC_CERT": str(tls.certificate),
        "MPIC_KEY": str(tls.private_key),
        "MPIC_CA": str(tls.authority),
        "PATH": f"{Path(MPIC).parent}:{os.environ['PATH']}",
    }
    (setting,) = (line for line in blocks.splitlines() if line.startswith("export "))
    assert set(re.findall(r"(\w+)=", setting)) <= here.keys()
    commands = [line for line in blocks.splitlines() if line != setting]
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(commands)],
        cwd=tmp_path,
        env=plain_environment() | here,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("1 lines: 1 approved") == len(commands) == 4
    assert (tmp_path / "answered.tsv").read_bytes().startswith(application(GOOD).encode("cp932"))
    assert (tmp_path / "answered.csv").read_text().startswith("line,names,verdict")
    assert '"verdict":"approved"' in done.stdout


def start(
    deployment: Deployment, *arguments: str | Path, stdin: int = subprocess.DEVNULL
) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        command(deployment, *arguments),
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=plain_environment() | {"LANG": "C.UTF-8"},
    )


def answered() -> float:
    """Return how many names the coordinator has decided."""
    shown = scrape(COORDINATOR_ADMIN)
    return sum(value for key, value in shown.items() if key[0] == "mpic_verdicts_total")


def wait_for_answers(count: int) -> None:
    before = answered()
    wait_until(lambda: answered() >= before + count, 60, lambda: f"{answered() - before} answered")


def test_what_is_killed_is_gone_on_with_and_nothing_is_asked_under_two_ids(
    deployment: Deployment, tmp_path: Path
) -> None:
    names = [f"kill{one}.plain.example.co.jp" for one in range(LINES)]
    file, output = tmp_path / "many.txt", tmp_path / "answered.jsonl"
    file.write_text("\n".join(names))
    arguments = ("--file", file, "--jsonl", "--output", output)
    running = start(deployment, *arguments, "--rate", "60")
    wait_for_answers(60)
    running.kill()
    running.communicate(timeout=60)
    assert not output.exists()
    other = ask(deployment, *arguments, "--dry-run")
    assert (other.returncode, b"with other options" in other.stderr) == (2, True)
    file.write_text("\n".join([*names, GOOD]))
    other = ask(deployment, *arguments)
    assert (other.returncode, b"another content of the file" in other.stderr) == (2, True)
    file.write_text("\n".join(names))
    before = answered()
    done = ask(deployment, *arguments)
    assert done.returncode == 0, done.stderr.decode()
    assert b"going on with" in done.stderr
    assert answered() - before < LINES - 30
    told = objects(output.read_bytes())
    assert list(told) == list(range(1, LINES + 1))
    assert all(one["verdict"] == "approved" for one in told.values())
    asked = recorded(deployment)
    assert [len(asked[name]) for name in names] == [1] * LINES


def test_a_pipe_is_asked_about_while_it_is_read(deployment: Deployment) -> None:
    running = start(deployment, "--file", "-", "--jsonl", stdin=subprocess.PIPE)
    assert running.stdin is not None
    assert running.stdout is not None
    with running:
        for number, name in enumerate((GOOD, FORBIDDEN, GOOD), 1):
            running.stdin.write(f"{name}\n".encode())
            running.stdin.flush()
            told = json.loads(running.stdout.readline())
            assert (told["line"], told["names"]) == (number, [name])
        running.stdin.close()
        assert running.wait(60) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_is_interrupted_ends_at_once_and_shows_what_is_known(
    deployment: Deployment, number: signal.Signals
) -> None:
    running = start(deployment, "--file", "-", stdin=subprocess.PIPE)
    assert running.stdin is not None
    running.stdin.write(f"{GOOD}\n".encode())
    running.stdin.flush()
    wait_for_answers(1)
    running.send_signal(number)
    shown, said = running.communicate(timeout=60)
    assert running.returncode == 128 + number
    assert f"ended by {number.name}; not all lines were asked about".encode() in said
    assert b"Fatal" not in said
    assert GOOD.encode() in shown


def test_only_what_is_undetermined_is_asked_again(deployment: Deployment, tmp_path: Path) -> None:
    file, output = tmp_path / "names.txt", tmp_path / "answered.jsonl"
    file.write_text(f"{GOOD}\n{FORBIDDEN}\n")
    arguments = ("--file", file, "--jsonl", "--output", output)
    deployment.agents["tokyo"].stop()
    first = ask(deployment, *arguments)
    wait_serving(deployment.start_agent("tokyo"))
    deployment.wait_ready()
    assert first.returncode == 11, first.stderr.decode()
    assert {one["verdict"] for one in objects(output.read_bytes()).values()} == {"undetermined"}
    done = ask(deployment, *arguments)
    assert done.returncode == 1, done.stderr.decode()
    verdicts = [one["verdict"] for one in objects(output.read_bytes()).values()]
    assert verdicts == ["approved", "refused"]


def test_a_reader_that_has_enough_is_no_error(deployment: Deployment, tmp_path: Path) -> None:
    file = tmp_path / "names.txt"
    file.write_text(f"{GOOD}\n")
    listed = command(deployment, "--file", file, "--csv")
    done = subprocess.run(
        ["sh", "-c", '"$@" | true', "sh", *listed], capture_output=True, check=False, timeout=60
    )
    assert b"Traceback" not in done.stderr
