"""What the PEM files of one identity say, asked of a process that ends.

To read certificates takes `cryptography`: 9 MB, which a program that serves would keep for good for
what it asks at its start and when the files change. A process of its own takes 0.1 s.
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import structlog

from mpic.grpc.tls import TlsFiles
from mpic.owner import CertificateOwner
from mpic.problem import Problem

log = structlog.get_logger()

_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found, see `mpic.pair`."""

    problems: Sequence[Problem]
    ends: Mapping[str, float]
    """Seconds since 1970 of "own" and "authority", as far as they could be read."""

    @property
    def warnings(self) -> list[str]:
        """The problems that a program can run with."""
        return [str(one) for one in self.problems if one.warning]


def examine(files: TlsFiles, owner: CertificateOwner, now: datetime) -> Examined:
    """Return what is wrong with the files of `owner` and when they end; blocks meanwhile."""
    paths = (files.certificate, files.private_key, files.authority)
    asked = {"files": [*map(str, paths)], "owner": asdict(owner), "now": now.isoformat()}
    # Without -P, modules of the working directory would come first.
    command = (sys.executable, "-P", "-m", "mpic.pair", json.dumps(asked))
    try:
        done = subprocess.run(command, capture_output=True, check=True, timeout=_SECONDS)  # noqa: S603 - ourselves
        told = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        log.error("certificates_not_examined", error=str(error))  # noqa: TRY400 - it says all
        text = f"could not be examined: {error}"
        return Examined([Problem(str(files.certificate), text, "Report this as a defect")], {})
    return Examined([Problem(**one) for one in told["problems"]], told["ends"])
