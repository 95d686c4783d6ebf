"""Lines to copy: what shows a problem from the outside, and what mends it. Pure.

Commands are those of BIND's tools, curl, OpenSSL and firewalld. Zone lines and named.conf are those
of BIND. A word in capitals, such as VALUE, stands for what only the reader has. `safe_text` says
what may stand in a line.
"""

from datetime import datetime

from mpic.explain import paste_caa, paste_dns, paste_proof
from mpic.explain.explanation import PasteLine
from mpic.explain.pasted import Lines, Pasted
from mpic.explain.safe_text import read_name
from mpic.words import Language
from mpic.words.problems import ProblemFacts

_BY_CODE = {**paste_dns.BY_CODE, **paste_caa.BY_CODE, **paste_proof.BY_CODE}


def make_lines(
    problem: ProblemFacts, name: str, asked_at: datetime | None, lang: Language
) -> tuple[PasteLine, ...]:
    """Return the lines for a problem of a name (as looked up); none if there is nothing to do.

    The registry of a top-level domain is not told how to configure its servers.
    """
    if problem.scope == "tld":
        return ()
    serial = f"{asked_at:%Y%m%d}01" if asked_at else "1"
    return tuple(_make(Pasted(problem, read_name(name), serial, lang)))


def _make(pasted: Pasted) -> Lines:
    code = pasted.problem.code
    for make in _BY_CODE.get(code) or _BY_CODE.get(code.rpartition(".")[0], ()):
        yield from make(pasted)
