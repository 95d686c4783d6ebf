"""The issuer domain names of a request to the configured issuer that they are of. Pure.

Open MPIC judges by whatever domains a request brings. Here an issuer and its domains are
configured, as its CP/CPS names them (BR 4.2.2.1). So a request can only say which of them it is.
Some of an issuer's domains are not enough: all would be judged, and a record that names another of
them would permit.
"""

from collections.abc import Sequence

from coordinator.api.open_mpic.refusal import RefusedError, refuse
from coordinator.checks.caa.issuer import Issuers
from mpic.text import shorten

_SHOWN = 128


def choose_issuer(asked: Sequence[str], field: str, issuers: Issuers, default: str) -> str:
    """Return the name of the issuer with exactly these domains; raises RefusedError.

    `default` is the issuer for a request without domains. It goes before others with its domains.
    """
    if not asked:
        return default
    domains = frozenset(domain.lower() for domain in asked)
    same = [name for name, issuer in issuers.items() if issuer.domains == domains]
    if default in same:
        return default
    if len(same) == 1:
        return same[0]
    raise _refuse(domains, field, issuers, same)


def _refuse(
    domains: frozenset[str], field: str, issuers: Issuers, same: Sequence[str]
) -> RefusedError:
    if same:
        return refuse(field, f"are those of several issuers: {', '.join(sorted(same))}")
    known = frozenset[str]().union(*(issuer.domains for issuer in issuers.values()))
    unknown = sorted(domains - known)
    if unknown:
        names = shorten(", ".join(unknown), _SHOWN)
        return refuse(field, f"names {names}, which this service is not configured to issue for")
    text = "must be all domains of one configured issuer, since all of them are judged"
    sets = "; ".join(", ".join(sorted(issuer.domains)) for issuer in issuers.values())
    return refuse(field, f"{text}: {shorten(sets, 2 * _SHOWN)}")
