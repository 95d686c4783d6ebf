"""Which tests are asked about a fault in a file, one group after the other, until one notices it.

First those that bear the module's name, then those of its program, then all that start no server.
"""

from collections.abc import Sequence
from pathlib import Path

UNIT = "tests/unit"
CLAUSES = "tests/clauses"
# Those that start servers, which the tests that call this may have running already.
WITHOUT = ("tests/clauses/test_caa_over_the_api.py", "tests/clauses/test_hostile_dns.py")

# A server of the test's own, or an agent's or a resolver's place: no program is started.
SERVER = "tests/integration/test_server.py"
LINK = "tests/integration/test_resolver_link.py"

_ALL = (UNIT, CLAUSES)
_PROGRAMS = {
    "coordinator": (CLAUSES, "tests/unit/coordinator"),
    "perspective_agent": ("tests/unit/perspective_agent",),
    "proto": ("tests/unit/mpic",),
}
_COORDINATOR, _RECORD = "tests/unit/coordinator", "tests/unit/coordinator/record"
_AGENT = "tests/unit/perspective_agent"
# Where the name of the tests says nothing of the file.
_BESIDE = {
    "coordinator/admission.py": (f"{_COORDINATOR}/test_intake.py",),
    "coordinator/caa.py": (CLAUSES, f"{_COORDINATOR}/test_caa_any_set.py"),
    "coordinator/caa_check.py": (f"{_COORDINATOR}/test_caa_failure.py", CLAUSES),
    "coordinator/caa_parameters.py": (CLAUSES,),
    "coordinator/caa_value.py": (CLAUSES,),
    "coordinator/caa_walk.py": (
        f"{_COORDINATOR}/test_caa.py",
        f"{_COORDINATOR}/test_caa_failure.py",
    ),
    "coordinator/collectors.py": (f"{_COORDINATOR}/test_metrics.py",),
    "coordinator/issuer.py": (f"{_COORDINATOR}/test_settings.py", CLAUSES),
    "coordinator/judging.py": (f"{_COORDINATOR}/test_ballot.py", f"{_COORDINATOR}/test_caa.py"),
    "coordinator/link.py": ("tests/integration/test_link.py",),
    "coordinator/link_problem.py": ("tests/integration/test_link.py",),
    "coordinator/policy_settings.py": (f"{_COORDINATOR}/test_settings.py",),
    "coordinator/record/basis.py": (f"{_COORDINATOR}/test_archive.py",),
    "coordinator/record/chain_writer.py": (
        f"{_RECORD}/test_publisher.py",
        f"{_RECORD}/test_recorder.py",
    ),
    "coordinator/record/coverage.py": (f"{_RECORD}/test_commands.py",),
    "coordinator/record/upkeep.py": (f"{_RECORD}/test_commands.py",),
    "coordinator/record/page.py": (f"{_RECORD}/test_commands.py",),
    "coordinator/record/determination.py": (f"{_RECORD}/test_repeats.py",),
    "coordinator/record/ids.py": (f"{_RECORD}/test_stores.py",),
    "coordinator/record/inspection.py": (
        f"{_RECORD}/test_commands.py",
        f"{_RECORD}/test_tampering.py",
    ),
    "coordinator/record/pruned.py": (f"{_RECORD}/test_commands.py",),
    "coordinator/record/postgresql_connection.py": (f"{_RECORD}/test_postgresql.py",),
    "coordinator/record/postgresql_insertion.py": (
        f"{_RECORD}/test_stores.py",
        f"{_RECORD}/test_postgresql.py",
    ),
    "coordinator/record/postgresql_removal.py": (f"{_RECORD}/test_postgresql.py",),
    "coordinator/record/postgresql_schema.py": (f"{_RECORD}/test_postgresql.py",),
    "coordinator/record/sieve.py": (f"{_RECORD}/test_commands.py",),
    "coordinator/record/sqlite_rows.py": (
        f"{_RECORD}/test_recorder.py",
        f"{_RECORD}/test_stores.py",
    ),
    "coordinator/record/waiting.py": (f"{_RECORD}/test_recorder.py",),
    "coordinator/verdict.py": (f"{_COORDINATOR}/test_answer.py",),
    "perspective_agent/checks/caa_walk.py": (f"{_AGENT}/test_checks.py",),
    "perspective_agent/checks/insecurity.py": (f"{_AGENT}/test_checks.py",),
    "perspective_agent/checks/proving_walk.py": (f"{_AGENT}/test_checks.py",),
    "perspective_agent/connection.py": (LINK,),
    "perspective_agent/probe.py": (f"{_AGENT}/test_unbound.py",),
    "perspective_agent/resolver.py": (LINK,),
    "perspective_agent/unbound_conf.py": (f"{_AGENT}/test_unbound.py",),
    "perspective_agent/unbound_rules.py": (f"{_AGENT}/test_unbound.py",),
    "proto/mpic/company.py": (f"{_RECORD}/test_recorder.py", f"{_AGENT}/test_stream.py"),
    "proto/mpic/doctor/grpcio.py": ("tests/unit/mpic/test_acceptors.py",),
    "proto/mpic/grpc/acceptors.py": ("tests/integration/test_acceptors.py", SERVER),
    "proto/mpic/grpc/errors.py": (SERVER,),
    "proto/mpic/grpc/handlers.py": (SERVER,),
    "proto/mpic/grpc/identity.py": (SERVER,),
    "proto/mpic/grpc/serving.py": (SERVER,),
    "proto/mpic/grpc/tls.py": (SERVER,),
    "proto/mpic/owner.py": ("tests/unit/mpic/test_pair.py",),
}


def nearest_of(file: str, project: Path) -> Sequence[str]:
    """Return the tests that are nearest to a file; they take seconds, and there may be none."""
    program, *folders = Path(file).parts[:-1]
    room = "mpic" if program == "proto" else "/".join([program, *folders])
    own = f"{UNIT}/{room}/test_{Path(file).stem}.py"
    nearest = [own] if (project / own).exists() else []
    return [*nearest, *_BESIDE.get(file, ())]


def others_of(file: str) -> Sequence[Sequence[str]]:
    """Return the groups of tests to ask where the nearest notice nothing, one after the other."""
    return _PROGRAMS[Path(file).parts[0]], _ALL
