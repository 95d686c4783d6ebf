"""Which tests are asked about a fault in a file, one group after the other, until one notices it.

First those that bear the module's name, then those of its program, then all that start no server.
"""

from collections.abc import Sequence
from pathlib import Path

UNIT = "tests/unit"
CLAUSES = "tests/clauses"
# Those that start servers, which the tests that call this may have running already.
WITHOUT = ("tests/clauses/test_caa_over_the_api.py", "tests/clauses/test_hostile_dns.py")

# A server of the test's own, or a resolver's place: no program is started.
SERVER = "tests/integration/test_server.py"
LINK = "tests/integration/test_resolver_link.py"

_ALL = (UNIT, CLAUSES)
_PROGRAMS = {
    "coordinator": (CLAUSES, "tests/unit/coordinator"),
    "perspective_agent": ("tests/unit/perspective_agent",),
    "proto": ("tests/unit/mpic",),
}
# Of those whose name says nothing of it.
_RECORDER = "tests/unit/coordinator/record/test_recorder.py"
_STORES = "tests/unit/coordinator/record/test_stores.py"
_BESIDE = {
    "coordinator/admission.py": ("tests/unit/coordinator/test_intake.py",),
    "coordinator/caa.py": (CLAUSES, "tests/unit/coordinator/test_caa_any_set.py"),
    "coordinator/caa_value.py": (CLAUSES,),
    "coordinator/caa_parameters.py": (CLAUSES,),
    "perspective_agent/connection.py": (LINK,),
    "perspective_agent/resolver.py": (LINK,),
    "proto/mpic/grpc/acceptors.py": ("tests/integration/test_acceptors.py", SERVER),
    "proto/mpic/grpc/errors.py": (SERVER,),
    "proto/mpic/grpc/handlers.py": (SERVER,),
    "proto/mpic/grpc/identity.py": (SERVER,),
    "proto/mpic/grpc/serving.py": (SERVER,),
    "proto/mpic/grpc/tls.py": (SERVER,),
    "coordinator/record/determination.py": ("tests/unit/coordinator/record/test_repeats.py",),
    "coordinator/record/postgresql_insertion.py": (
        _STORES,
        "tests/unit/coordinator/record/test_postgresql.py",
    ),
    "coordinator/record/sqlite_rows.py": (_RECORDER, _STORES),
    "coordinator/record/waiting.py": (_RECORDER,),
    "coordinator/policy_settings.py": ("tests/unit/coordinator/test_settings.py",),
}


def groups_of(file: str, project: Path) -> Sequence[Sequence[str]]:
    """Return the groups of tests to ask about a fault in a file, the nearest first."""
    program, *folders = Path(file).parts[:-1]
    room = "mpic" if program == "proto" else "/".join([program, *folders])
    own = f"{UNIT}/{room}/test_{Path(file).stem}.py"
    nearest = [own] if (project / own).exists() else []
    nearest += _BESIDE.get(file, ())
    return [group for group in (nearest, _PROGRAMS[program], _ALL) if group]
