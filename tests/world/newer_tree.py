"""A copy of this project that knows one check more: what a newer release would be.

The check is a dummy, asked where the name has the field for it: it looks up the addresses of
another owner, and where there are none the proof is missing. To add it takes its messages, one file
and one line (with its import) on each side.
"""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

_PROJECT = Path(__file__).resolve().parents[2]
_PARTS = ("coordinator", "perspective_agent", "proto")

DUMMY = "dummy"
"""Its name on both sides."""

COORDINATORS_FILE = '''"""The dummy check: a name has an address, seen from each perspective."""

from collections.abc import Sequence

from coordinator.checks.check import (
    CheckSubject,
    Findings,
    Judgement,
    JudgingRules,
    ParameterError,
    Statuses,
    read_lookup,
)
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p


def owner_of(name: str) -> str:
    """The name server's address stands beside the name."""
    return f"ns1.{name.partition('.')[2]}"


class DummyJudge:
    """The check `dummy`."""

    def is_given(self, requested: c.RequestedName) -> bool:
        return bool(requested.dummy_for)

    def request(self, subject: CheckSubject, rules: JudgingRules) -> c.RequestedCheck:
        expected = subject.requested.dummy_for
        if not expected.islower():
            raise ParameterError("dummy_for", "must be lower case")
        return c.RequestedCheck(dummy=c.RequestedDummy(expected=expected))

    def apply_rules(self, asked: c.RequestedCheck, rules: JudgingRules) -> None:
        pass

    def questions(self, asked: c.RequestedCheck, name: str) -> Sequence[p.Check]:
        return [p.Check(dummy=p.DummyLookup(owner=owner_of(name)))]

    def judge(
        self, findings: Findings, name: str, asked: c.RequestedCheck, believed: Statuses
    ) -> Judgement:
        lookup = read_lookup(findings[0].dummy.lookup, owner_of(name), believed)
        if lookup.records.rdata:
            return Judgement(detail=f"for {asked.dummy.expected}")
        return Judgement(c.OUTCOME_PROOF_MISSING, c.DISSENT_PROOF_MISSING, "no address")

    def compare(self, remote: Findings, primary: Findings, asked: c.RequestedCheck) -> None:
        pass
'''

AGENTS_FILE = '''"""The dummy check: the addresses of a name, once more."""

from collections.abc import Sequence

from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p
from perspective_agent.dns.lookup import Answer, LookupTarget
from perspective_agent.dns.wire import A
from perspective_agent.wants import Missing, Want


class DummyCheck:
    """The A record set of one owner."""

    def __init__(self, owner: str) -> None:
        self._target = LookupTarget(owner, A)

    def start(self) -> Sequence[Want[Answer]]:
        return (Want(self._target, to_finding),)

    def finish(self, missing: Missing) -> o.Finding:
        return to_finding(missing(self._target))


def to_finding(answer: Answer) -> o.Finding:
    finding = o.Finding()
    finding.dummy.lookup.CopyFrom(answer.levels[0])
    return finding


def make(_name: str, asked: p.Check) -> DummyCheck:
    return DummyCheck(asked.dummy.owner)
'''

_FILES: Mapping[str, str] = {
    "coordinator/checks/dummy.py": COORDINATORS_FILE,
    "perspective_agent/checks/dummy.py": AGENTS_FILE,
}
# By file: after which text what is put in.
_LINES: Mapping[str, Mapping[str, str]] = {
    "coordinator/checks/__init__.py": {
        "from coordinator.checks.check import ": (
            "from coordinator.checks.dummy import DummyJudge\n"
        ),
        "    ADDRESSES: AddressJudge(),\n": '    "dummy": DummyJudge(),\n',
    },
    "perspective_agent/checks/__init__.py": {
        "from perspective_agent.wants import ": "from perspective_agent.checks import dummy\n",
        '    "addresses": addresses.make,\n': '    "dummy": dummy.make,\n',
    },
}
_MESSAGES: Mapping[str, Mapping[str, str]] = {
    "proto/mpic/v1/corroboration.proto": {
        "message RequestedName {\n": "  string dummy_for = 99;\n",
        "    RequestedAddresses addresses = 2;\n": "    RequestedDummy dummy = 99;\n",
        "message RequestedAddresses {": "message RequestedDummy {\n  string expected = 1;\n}\n\n",
    },
    "proto/mpic/v1/perspective.proto": {
        "    AddressLookup addresses = 2;\n": "    DummyLookup dummy = 99;\n",
        "message AddressLookup {}": "message DummyLookup {\n  string owner = 1;\n}\n\n",
    },
    "proto/mpic/v1/observation.proto": {
        "    AddressFinding addresses = 2;\n": "    DummyFinding dummy = 99;\n",
        "message AddressFinding {": "message DummyFinding {\n  Lookup lookup = 1;\n}\n\n",
    },
}


def make_newer_tree(directory: Path) -> Path:
    """Copy the project and add the check; return where it is."""
    for part in _PARTS:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(_PROJECT / part, directory / part, ignore=ignored)
    for file, text in _FILES.items():
        (directory / file).write_text(text)
    for file, insertions in (*_LINES.items(), *_MESSAGES.items()):
        _insert(directory / file, insertions)
    _generate(directory / "proto")
    return directory


def _insert(file: Path, insertions: Mapping[str, str]) -> None:
    source = file.read_text()
    for mark, text in insertions.items():
        assert source.count(mark) == 1, f"{file}: {mark!r}"
        # A line is added behind its neighbour, a message before it.
        source = source.replace(mark, mark + text if mark.endswith("\n") else text + mark)
    file.write_text(source)


def _generate(proto: Path) -> None:
    """Make the stubs anew, as proto/generate.sh does."""
    files = [str(file.relative_to(proto)) for file in sorted(proto.glob("mpic/v1/*.proto"))]
    options = ["--proto_path=.", "--python_out=.", "--grpc_python_out=."]
    subprocess.run(
        [sys.executable, "-m", "grpc_tools.protoc", *options, *files], cwd=proto, check=True
    )
