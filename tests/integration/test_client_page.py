"""The page for those who call the service from a program: what it shows runs."""

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mpic import client as library
from mpic.client import Client, ClientError
from tests.world.deployment import COORDINATOR, TRUST_DOMAIN, Deployment, Plan

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = (REPOSITORY / "deploy/client.md").read_text()
GOOD = "child.parent.example.co.jp"
README = (REPOSITORY / "README.md").read_text()
PLAN = Plan(lookup_timeout=60)
TEN, REQUEST, MANY = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (GOOD, "issue ["),
        ("below.deny.caa.example.co.jp", "refuse ["),
        ("*.jp", "not decided, so do not issue: INVALID_REQUEST "),
    ],
)
def test_the_ten_lines_run(
    deployment: Deployment,
    name: str,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert len(TEN.splitlines()) <= 12
    monkeypatch.chdir(deployment.directory)
    text = TEN.replace("mpic.example:7300", COORDINATOR).replace("mpic.example", TRUST_DOMAIN)
    exec(text.replace("www.example.com", name).replace("*.example.com", f"*.{name}"), {})  # noqa: S102 - the page's
    assert capsys.readouterr().out.startswith(said)


def test_the_readme_has_the_same_ten_lines() -> None:
    assert re.findall(r"```python\n(.*?)```", README, re.DOTALL) == [TEN]


def test_many_questions_are_asked_as_the_page_says(deployment: Deployment) -> None:
    names: dict[str, Any] = {}
    exec(REQUEST + MANY, names)  # noqa: S102 - the page's own
    assert names["request"].request_id == "order/4711"
    orders = [("order/1", [GOOD]), ("order/2", ["*.jp"]), ("order/3", [GOOD])]
    with Client(COORDINATOR, deployment.caller_tls(), server_name="localhost") as client:
        told = dict(names["ask_all"](client, orders))
    assert told == {"order/1": True, "order/2": None, "order/3": True}


def test_every_error_and_every_call_is_on_the_page() -> None:
    errors = {
        name
        for name, one in vars(library).items()
        if inspect.isclass(one) and issubclass(one, ClientError)
    }
    assert errors - {"TrustError"} <= set(re.findall(r"`(\w+Error)`", PAGE))
    calls = {name for name in vars(Client) if not name.startswith("_")} - {"close"}
    assert calls <= set(re.findall(r"`(\w+)\(", PAGE))


def test_buf_generates_from_the_descriptor_set_as_the_page_says(tmp_path: Path) -> None:
    (config,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    (command,) = re.findall(r"(?m)^buf generate .*$", PAGE)
    stand_in = tmp_path / "protoc-gen-go"
    stand_in.write_text(
        f"#!{sys.executable}\n"
        "import sys\n"
        "from google.protobuf.compiler import plugin_pb2\n"
        "asked = plugin_pb2.CodeGeneratorRequest.FromString(sys.stdin.buffer.read())\n"
        "told = plugin_pb2.CodeGeneratorResponse(supported_features=1)\n"
        "wanted = set(asked.file_to_generate)\n"
        "asked = [one for one in asked.proto_file if one.name in wanted]\n"
        "text = [f'{one.name} {one.options.go_package}' for one in asked]\n"
        "told.file.add(name=sys.argv[0].rpartition('/')[2], content='\\n'.join(text))\n"
        "sys.stdout.buffer.write(told.SerializeToString())\n"
    )
    stand_in.chmod(0o755)
    (tmp_path / "protoc-gen-go-grpc").symlink_to(stand_in)
    (tmp_path / "buf.gen.yaml").write_text(config)
    (tmp_path / "agreement.binpb").symlink_to(REPOSITORY / "proto/mpic/v1/agreement.binpb")
    path = f"{tmp_path}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    subprocess.run(
        command.split(), cwd=tmp_path, env={"PATH": path, "HOME": str(tmp_path)}, check=True
    )
    for plugin in ("protoc-gen-go", "protoc-gen-go-grpc"):
        lines = (tmp_path / "gen" / plugin).read_text().splitlines()
        assert "mpic/v1/corroboration.proto ca.example/gen/mpic/v1;mpicv1" in lines
        assert len(lines) == len(list((REPOSITORY / "proto/mpic/v1").glob("*.proto")))


def test_the_node_program_is_the_one_that_is_tested() -> None:
    (shown,) = re.findall(r"```js\n(.*?)```", PAGE, re.DOTALL)
    program = (REPOSITORY / "tests/node/ask.mjs").read_text()
    tested = program.partition("// begin: ask\n")[2].partition("// end: ask")[0]
    imports, _, body = shown.partition("\n\n")
    assert body.strip() == tested.strip()
    assert all(f"{line}\n" in program for line in imports.splitlines())
