"""The dated rules of BR 3.2.2.9 as data: the date says which row applies. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from mpic.v1 import corroboration_pb2 as c

# BR 3.2.2.9, table "Quorum Requirements": number of distinct remote network perspectives used ->
# number of allowed non-corroborations. 2-5 -> 1; 6+ -> 2. Fewer than 2: none is allowed.
BASELINE_NONCORROBORATIONS = ((2, 1), (6, 2))

# BR 3.2.2.9: from 2026-06-15 four remotes, from 2026-12-15 five; two RIR service regions;
# 500 km. Dates without a time mean 00:00:00 UTC (BR 1.6.4).
BASELINE_DATES: Sequence[tuple[datetime, int]] = (
    (datetime(2026, 6, 15, tzinfo=UTC), 4),
    (datetime(2026, 12, 15, tzinfo=UTC), 5),
)
BASELINE_REGIONS = 2
# BR 1.6.1, "Random Value": at least 112 bits of entropy. These take 19 characters of base64, or 28
# of hexadecimal. So 20 octets are the least that may be one.
SHORTEST_VALUE = 20
BASELINE_DISTANCE_KM = 500


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """What applies from a moment on."""

    effective_from: datetime
    """Aware, UTC."""
    minimum_remotes: int
    """Remote perspectives used, at least."""
    noncorroborations: tuple[tuple[int, int], ...] = BASELINE_NONCORROBORATIONS
    """Pairs: from this many remotes used on, this many need not corroborate."""
    minimum_regions: int = BASELINE_REGIONS
    """RIR service regions among the corroborating remotes, at least."""
    minimum_distance_km: int = BASELINE_DISTANCE_KM
    """Between any two perspectives, and between any two resolvers."""
    minimum_corroborating: int = 0
    """The least number of corroborating remotes, whatever the table allows; 0: only the table
    counts."""
    address_agreement: c.AddressAgreement.ValueType = c.ADDRESS_AGREEMENT_EXACT
    """How closely a remote's addresses must agree with the primary's."""
    permit_caa_failure_in_insecure_zone: bool = False
    """Whether a CAA lookup failure is permission where BR 4.2.2.1 allows it
    (`checks.caa.lookup_failure`)."""
    remotes_must_validate: bool = True
    """Whether remotes must validate DNSSEC, as the primary always must (BR 4.2.2.2.6: MAY)."""
    remotes_per_attempt: int = 0
    """Remotes that each attempt asks, but never fewer than `minimum_remotes`; 0: all."""
    checks: tuple[str, ...] = ("caa", "addresses")
    """What an approval needs: names of `coordinator.checks`. A request may add to them."""
    addresses_cover_aaaa: bool = False
    """Whether the check of addresses covers AAAA records too."""
    shortest_value: int = SHORTEST_VALUE
    """Octets of a Random Value or Request Token, at least."""

    def remotes_asked(self, existing: int) -> int:
        """Return how many of the `existing` remotes an attempt asks."""
        if not self.remotes_per_attempt:
            return existing
        return min(existing, max(self.remotes_per_attempt, self.minimum_remotes))

    def allowed_noncorroborations(self, remotes: int) -> int:
        """Return how many of `remotes` used need not corroborate."""
        steps = [allowed for at_least, allowed in self.noncorroborations if remotes >= at_least]
        return max(steps, default=0)


BASELINE_ROWS: Sequence[PolicyRow] = tuple(
    PolicyRow(effective_from=date, minimum_remotes=remotes) for date, remotes in BASELINE_DATES
)


class NoPolicyRowError(LookupError):
    """No row applies yet; nothing may be approved."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Rows in the order of their dates."""

    rows: Sequence[PolicyRow] = BASELINE_ROWS

    def row_at(self, moment: datetime) -> PolicyRow:
        """Return the row in force; raises NoPolicyRowError before the first."""
        in_force: PolicyRow | None = None
        for row in self.rows:
            if row.effective_from <= moment and (
                in_force is None or row.effective_from > in_force.effective_from
            ):
                in_force = row
        if in_force is None:
            raise NoPolicyRowError(f"no policy row is in force at {moment.isoformat()}")
        return in_force

    def rows_between(self, after: datetime, until: datetime) -> list[PolicyRow]:
        """Return the rows that come into force after one moment and not after another."""
        coming = [row for row in self.rows if after < row.effective_from <= until]
        return sorted(coming, key=lambda row: row.effective_from)


def find_shortfalls(policy: Policy) -> list[str]:
    """Return where a policy asks for less than the Baseline Requirements, at any date."""
    baseline = Policy()
    dates = {row.effective_from for row in (*policy.rows, *BASELINE_ROWS)}
    shortfalls: list[str] = []
    for date in sorted(dates):
        try:
            ours, theirs = policy.row_at(date), baseline.row_at(date)
        except NoPolicyRowError:
            continue  # nothing is approved, or the requirements were not in force yet
        shortfalls.extend(f"from {date:%Y-%m-%d} on {one}" for one in _compare(ours, theirs))
    return shortfalls


def _compare(ours: PolicyRow, theirs: PolicyRow) -> list[str]:
    values = [
        ("minimum_remotes", ours.minimum_remotes, theirs.minimum_remotes),
        ("minimum_regions", ours.minimum_regions, theirs.minimum_regions),
        ("minimum_distance_km", ours.minimum_distance_km, theirs.minimum_distance_km),
        ("shortest_value", ours.shortest_value, theirs.shortest_value),
    ]
    found = [f"{name} is {our}, not {their}" for name, our, their in values if our < their]
    if "caa" not in ours.checks:
        found.append("CAA is not checked (BR 4.2.2.1)")
    for remotes in range(2, 101):
        our, their = (
            ours.allowed_noncorroborations(remotes),
            theirs.allowed_noncorroborations(remotes),
        )
        if our > their:
            found.append(f"{our} non-corroborations are allowed of {remotes}, not {their}")
            break
    return found
