"""Which remotes of the roster an attempt asks: chosen before asking, by policy and by lot. Pure.

If the roster has more remotes than an attempt asks, those that can be asked right now go first. So
the maintenance of one network does not stop issuance. Whoever was chosen counts as used, whatever
happens to it: nobody is replaced within an attempt (BR 3.2.2.9, "used").

The lot is drawn by `secrets`, so that nobody outside knows from which networks the next attempt
looks. Only sets take part that would still be in enough RIR service regions if the worst of the
allowed non-corroborations happened, as far as the roster has such sets.
"""

from collections import Counter
from collections.abc import Container, Sequence
from random import Random

from coordinator.rules.policy import PolicyRow
from coordinator.rules.quorum import required_by_policy
from coordinator.rules.roster import Breach, Perspective, Roster

Remotes = Sequence[Perspective]

# If one set in three will do, this many draws practically never miss them all. If they do, the set
# that is spread out is taken; it is valid too.
_DRAWS = 64

_RULE = "remotes_per_attempt"


def choose_set(roster: Roster, row: PolicyRow, ready: Container[str], random: Random) -> Roster:
    """Return the roster of one attempt: the primary, and as many remotes as the row has asked.

    `ready` has the ids of the perspectives that can be asked right now.
    """
    size = row.remotes_asked(len(roster.remotes))
    if size == len(roster.remotes):
        return roster
    order = _draw(roster.remotes, ready, random)
    spread = _spread(order, row, size, ready)
    # The most even spread over the regions is the most resilient. If it fails, every set fails.
    for _ in range(_DRAWS if is_resilient(spread, row) else 0):
        if is_resilient(order[:size], row):
            return Roster(roster.primary, order[:size])
        order = _draw(roster.remotes, ready, random)
    return Roster(roster.primary, spread)


def is_resilient(remotes: Remotes, row: PolicyRow) -> bool:
    """Whether enough regions are left, whichever of the allowed remotes do not corroborate."""
    may_fail = len(remotes) - required_by_policy(row, len(remotes))
    left = _count_regions(remotes)
    regions = len(left)
    for members in sorted(left.values()):
        may_fail -= members
        regions -= may_fail >= 0
    return regions >= row.minimum_regions


def find_set_breaches(roster: Roster, row: PolicyRow) -> list[Breach]:
    """Return why no set of the size that the policy names can satisfy its row."""
    wanted, existing = row.remotes_per_attempt, len(roster.remotes)
    if not wanted:
        return []
    facts = [
        (wanted < row.minimum_remotes, f"the row demands {row.minimum_remotes}"),
        (wanted < row.minimum_regions, f"they must stand in {row.minimum_regions} regions"),
        (wanted < row.minimum_corroborating, f"{row.minimum_corroborating} must corroborate"),
    ]
    least = max(row.minimum_remotes, row.minimum_regions, row.minimum_corroborating)
    mend = f"Set it to {least} or more in [policy], or leave it out to ask all remotes"
    breaches = [Breach(_RULE, f"it is {wanted}, {fact}", mend) for wrong, fact in facts if wrong]
    if wanted > existing:
        mend = f"Set it to {existing} or less, leave it out to ask all remotes, or add remotes"
        breaches.append(Breach(_RULE, f"it is {wanted}, the roster has {existing} remotes", mend))
    return breaches


def _draw(remotes: Remotes, ready: Container[str], random: Random) -> Remotes:
    """Return the remotes by lot, those that are ready first."""
    drawn = random.sample(remotes, len(remotes))
    return sorted(drawn, key=lambda remote: remote.id not in ready)


def _spread(order: Remotes, row: PolicyRow, size: int, ready: Container[str]) -> Remotes:
    """Take a set spread over the regions as evenly as can be, those that are ready first."""
    turns: Counter[int] = Counter()
    ranked = []
    for remote in order:
        ranked.append((remote.id not in ready, turns[remote.rir], remote))
        turns[remote.rir] += 1
    in_turn = [remote for *_, remote in sorted(ranked, key=lambda entry: entry[:2])]
    chosen, spare = in_turn[:size], in_turn[size:]
    # There are too few regions among those ready, so a remote that is not ready is taken too.
    while spare and len(_count_regions(chosen)) < row.minimum_regions:
        remote = spare.pop(0)
        regions = _count_regions(chosen)
        if remote.rir not in regions:
            last = max(n for n, one in enumerate(chosen) if regions[one.rir] > 1)
            chosen[last] = remote
    return chosen


def _count_regions(remotes: Remotes) -> Counter[int]:
    return Counter(remote.rir for remote in remotes)
