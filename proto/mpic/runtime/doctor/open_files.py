"""How many files a program may have open: the running one, or else one started from here."""

import http.client
import re
import resource
from collections.abc import Sequence

from mpic.runtime.address import reachable
from mpic.runtime.doctor import DoctorFinding, Facts
from mpic.runtime.open_files import HOW_TO_SET, LEAST, SET

_SECONDS = 2.0
_SHOWN = re.compile(r"^process_max_fds (\S+)$", re.MULTILINE)


def examine_open_files(admin: str, wanted: int) -> Sequence[DoctorFinding]:
    """Ask the running program by its admin port, or else look at this process's limit."""
    shown = read_limit(admin)
    if shown is not None:
        return [judge_limit(shown, wanted, "the running program")]
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    limit = SET if hard == resource.RLIM_INFINITY else hard
    return [judge_limit(limit, wanted, "a program started from here")]


def read_limit(admin: str) -> int | None:
    """Return what a running program's metrics say; None: none runs there that says it."""
    host, _, port = reachable(admin).rpartition(":")
    connection = http.client.HTTPConnection(host.strip("[]"), int(port), timeout=_SECONDS)
    try:
        connection.request("GET", "/metrics")
        found = _SHOWN.search(connection.getresponse().read().decode(errors="replace"))
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return int(float(found[1])) if found else None


def judge_limit(limit: int, wanted: int, whose: str) -> DoctorFinding:
    """Say whether so many are enough. Pure."""
    facts: Facts = {"limit": limit, "wanted": wanted, "least": LEAST}
    if limit < LEAST:
        what = f"{whose} may have {limit} files open: it does not start with so few"
        return DoctorFinding("error", what, HOW_TO_SET, facts)
    if limit < wanted:
        what = f"{whose} may have {limit} files open: it does less at a time than it could"
        return DoctorFinding("warning", what, HOW_TO_SET, facts)
    return DoctorFinding("ok", f"{whose} may have {limit} files open", facts=facts)
