"""The Authorization Domain Name (ADN) of BR 3.2.2.4. Pure.

    1. Let A be the name that is applied for.
    2. Choose the method. What it allows stands in the table of BR 3.2.2.4 (`Allowed`).
    3. A is a Fully-Qualified Domain Name: where the method allows it, replace A by the target of
       its CNAME record, as often as wanted. Then, where the method allows it, and while A is not
       its Base Domain Name, remove the leftmost label, as often as wanted.
    4. A is a wildcard domain name: remove "*.". Then only labels may be removed. No CNAME record
       may be followed.
    5. A is the ADN.

The caller names the ADN. This module says by which steps it is reached, or that it is not.
"""

from collections.abc import Sequence
from typing import NamedTuple

from mpic.names import base_domain_name, walk_levels
from mpic.v1 import corroboration_pb2 as c

Steps = Sequence[c.AuthorizationStep]


class Allowed(NamedTuple):
    """What a method allows: its row in the table of BR 3.2.2.4."""

    wildcard: bool
    """It may validate wildcard domain names."""
    prune: bool
    """Leftmost labels may be removed."""
    cname: bool
    """CNAME records may be followed."""


class Applied(NamedTuple):
    """The name that is applied for."""

    name: str
    """As looked up: without a wildcard label."""
    wildcard: bool


def find_steps(
    applied: Applied, adn: str, allowed: Allowed, targets: Sequence[str] = ()
) -> Steps | None:
    """Return the steps from a name to the ADN; None: the method's steps do not lead there.

    `targets` are those of the CNAME records from the name on, in their order. As few of them as
    possible are followed.
    """
    begun = [_step(c.AUTHORIZATION_STEP_KIND_WILDCARD, applied.name)] if applied.wildcard else []
    names = [applied.name]
    if allowed.cname and not applied.wildcard:
        names.extend(targets)
    for followed, name in enumerate(names):
        pruned = _prune(name, adn, allowed)
        if pruned is not None:
            cnames = [
                _step(c.AUTHORIZATION_STEP_KIND_CNAME, one) for one in names[1 : followed + 1]
            ]
            return [*begun, *cnames, *pruned]
    return None


def may_need_cname(applied: Applied, adn: str, allowed: Allowed) -> bool:
    """Whether only CNAME records can lead to the ADN, and the method allows to follow them."""
    if applied.wildcard or not allowed.cname:
        return False
    return find_steps(applied, adn, allowed) is None


def _prune(name: str, adn: str, allowed: Allowed) -> Steps | None:
    """Return the removals of labels that lead from a name to the ADN; None: they do not."""
    if name == adn:
        return []
    base = base_domain_name(name)
    levels = walk_levels(name)
    if not allowed.prune or base not in levels:
        return None
    above = levels[1 : levels.index(base) + 1]
    if adn not in above:
        return None
    removed = above[: above.index(adn) + 1]
    return [_step(c.AUTHORIZATION_STEP_KIND_PRUNE, one) for one in removed]


def _step(kind: c.AuthorizationStepKind.ValueType, to: str) -> c.AuthorizationStep:
    return c.AuthorizationStep(kind=kind, to=to)
