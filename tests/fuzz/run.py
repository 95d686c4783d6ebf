"""Fuzz one target, guided by coverage (libFuzzer through atheris, the extra `fuzz`).

    python -m tests.fuzz.run TARGET SECONDS [CORPUS]

Exits with a crash report and the octets that made it, or with 0 and the number of executions.
"""

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["coordinator", "mpic", "perspective_agent"]):
    from tests.fuzz.targets import SEEDS, TARGETS


def main() -> None:
    target, seconds = sys.argv[1], int(sys.argv[2])
    corpus = Path(sys.argv[3] if len(sys.argv) > 3 else tempfile.mkdtemp())
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(SEEDS[target]):
        (corpus / f"seed-{number}").write_bytes(seed)
    options = [
        f"-max_total_time={seconds}",
        "-max_len=4096",
        "-timeout=10",
        "-rss_limit_mb=2048",
        "-print_final_stats=1",
        f"-artifact_prefix={corpus.parent}/{target}-",
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], TARGETS[target])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
