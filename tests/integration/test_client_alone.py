"""Where only a caller's part is installed: the library, `mpic ask`, and the stubs alone."""

import json
from pathlib import Path

import pytest

from tests.world.bare_python import BarePython
from tests.world.deployment import COORDINATOR, Deployment

REPOSITORY = Path(__file__).resolve().parents[2]
AGENT_FILE = str(REPOSITORY / "deploy/agent.toml")
GOOD = "child.parent.example.co.jp"


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> BarePython:
    return BarePython(tmp_path_factory.mktemp("bare") / "venv", "mpic")


def server(deployment: Deployment) -> list[str]:
    tls = deployment.caller_tls()
    return [
        *("--server", COORDINATOR, "--server-name", "localhost"),
        *("--cert", str(tls.certificate), "--key", str(tls.private_key)),
        *("--ca", str(tls.authority)),
    ]


def test_mpic_ask_asks(bare: BarePython, deployment: Deployment) -> None:
    done = bare.run("-m", "mpic", "ask", GOOD, *server(deployment), "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["approved"] is True
    done = bare.run("-m", "mpic", "ask", GOOD, *server(deployment))
    assert (done.returncode, done.stderr) == (0, "")
    assert GOOD in done.stdout


def test_mpic_perspectives_shows_them(bare: BarePython, deployment: Deployment) -> None:
    done = bare.run("-m", "mpic", "perspectives", *server(deployment))
    assert (done.returncode, done.stderr) == (0, "")
    for place in deployment.plan.places:
        assert place.id in done.stdout


def test_mpic_lists_what_it_can_do_and_says_its_version(bare: BarePython) -> None:
    done = bare.run("-m", "mpic", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert " coordinator " in done.stdout
    done = bare.run("-m", "mpic", "version")
    assert (done.returncode, done.stderr) == (0, "")
    assert "dnspython is not installed" in done.stdout
    done = bare.run("-m", "mpic", "explain", "--codes", "--lang", "ja")
    assert (done.returncode, done.stderr) == (0, "")
    assert "caa.issuer\n" in done.stdout


@pytest.mark.parametrize(
    ("command", "wanted"),
    [
        (["coordinator", "--config", "x"], "pip install 'mpic[coordinator]'"),
        (["agent", "--config", "x"], "pip install 'mpic[agent]'"),
        (["record", "search"], "pip install 'mpic[coordinator]'"),
        (["pki", "init"], "pip install 'mpic[coordinator]' or 'mpic[agent]'"),
        (["doctor", "--config", "x"], "pip install 'mpic[coordinator]' or 'mpic[agent]'"),
        (["check-config", AGENT_FILE], "pip install 'mpic[coordinator]' or 'mpic[agent]'"),
    ],
)
def test_a_program_says_what_to_install(bare: BarePython, command: list[str], wanted: str) -> None:
    done = bare.run("-m", "mpic", *command)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"mpic {command[0]} needs more packages (")
    assert done.stderr.endswith(f"{wanted}\n")
    assert done.stderr.count("\n") == 1


def test_the_library_loads_grpc_and_protobuf_alone(bare: BarePython) -> None:
    code = (
        "import sys; before = {*sys.modules}; import mpic.client; loaded = {*sys.modules} - before;"
        "print(*{one.partition('.')[0] for one in loaded} - {*sys.stdlib_module_names})"
    )
    done = bare.run("-c", code)
    assert done.stderr == ""
    # Cython's own, and what grpcio itself needs.
    allowed = {"cython_runtime", "google", "grpc", "mpic", "typing_extensions"}
    loaded = {one for one in done.stdout.split() if not one.startswith("_cython")}
    assert loaded <= allowed
    assert {"google", "grpc", "mpic"} <= loaded


def test_the_stubs_of_a_checkout_need_grpcio_and_protobuf_alone(tmp_path: Path) -> None:
    python = BarePython(tmp_path / "venv", "grpcio", "protobuf")
    code = (
        "import mpic, mpic.v1.corroboration_pb2_grpc, mpic.v1.record_pb2; print(mpic.__version__)"
    )
    done = python.run("-c", code, environment={"PYTHONPATH": str(REPOSITORY / "proto")})
    assert (done.returncode, done.stdout, done.stderr) == (0, "unknown\n", "")
