"""The test Internet by itself: `unshare --net -- python -m tests.world DIRECTORY`.

It runs until it is interrupted. Agents in the same network namespace see it with the files it
names; then `tests/clauses` can be pointed at their coordinator.
"""

import signal
import sys
from pathlib import Path

from tests.clauses.served import sites
from tests.clauses.zone import tables_zone
from tests.world.internet import Internet
from tests.world.issuers import ISSUERS

with Internet(Path(sys.argv[1]).resolve()) as internet, sites():
    internet.replace(tables_zone())
    print(  # noqa: T201 - for a person
        "[resolver] of every agent:\n"
        f'root_hints_file = "{internet.root_hints_file}"\n'
        f'trust_anchor_file = "{internet.trust_anchor_file}"\n'
        "lab_allow_special_purpose_servers = true\n\n"
        "[connect] of every agent:\n"
        "lab_allow_special_purpose_addresses = true\n\n"
        f"The coordinator:\n{ISSUERS}",
        flush=True,
    )
    signal.sigwait({signal.SIGINT, signal.SIGTERM})
