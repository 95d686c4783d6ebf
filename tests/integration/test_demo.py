"""The README's first command: its scenes end as they must, and nothing is left behind."""

import signal
import subprocess
import sys
from pathlib import Path

from tests.world.process import plain_environment, wait_until

REPOSITORY = Path(__file__).resolve().parents[2]
# A network of its own within the tests' own, as demo.sh gives it.
DEMO = ["unshare", "--net", "--", sys.executable, "deploy/demo.py"]


def environment(temporary: Path) -> dict[str, str]:
    return plain_environment() | {
        "PYTHONPATH": str(REPOSITORY),
        "TMPDIR": str(temporary),
        "COLUMNS": "140",
    }


def test_all_scenes_end_as_they_must_and_an_interrupted_demo_cleans_up(tmp_path: Path) -> None:
    with subprocess.Popen(
        [*DEMO, "--keep"],
        cwd=REPOSITORY,
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        text=True,
    ) as demo:
        assert demo.stdout is not None
        output = ""
        while "Ctrl-C ends it all" not in output:
            line = demo.stdout.readline()
            assert line, output
            output += line
        demo.send_signal(signal.SIGINT)
        assert demo.wait() == 130
    assert "ip netns exec mpic-demo" in output
    assert '200 {"requestId": "demo-http", "approved": true, "recordId": "' in output
    wait_until(lambda: not list(tmp_path.iterdir()), 60, lambda: str(list(tmp_path.iterdir())))
    lines = [line for line in output.splitlines() if "(caa " in line and line[0] != " "]
    assert [line.split("  ", maxsplit=1)[0] for line in lines] == [
        "approved", "approved", "approved", "refused", "refused", "発行不可",
        "validated", "validated", "validated", "refused", "refused", "approved",
    ]  # fmt: skip
    assert [number for number, line in enumerate(lines) if "error 338" in line] == [3, 9, 10]
    for line in lines[9:11]:
        assert "(caa 5/5, addresses 5/5, domain_control 0/5)" in line
