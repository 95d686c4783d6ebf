"""What a service answers, in the words of the clauses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mpic.v1 import observation_pb2 as o


@dataclass(frozen=True, slots=True)
class Determination:
    """What one perspective's CAA records come to."""

    outcome: str
    """ "passed", "forbidden" or "failed"; empty where there is none."""
    found_at: str
    clause: str
    record: str


@dataclass(frozen=True, slots=True)
class Report:
    """What a service says of one perspective and one name."""

    perspective: str
    is_primary: bool
    region: str
    """Such as "APNIC"."""
    corroborates: bool
    why: str
    """Why not: "caa forbids", "addresses differs", "unreachable"; empty where it does."""
    detail: str
    caa: Determination
    walk: Sequence[o.Lookup]
    """The CAA lookups, from the name upwards; none where it did not answer."""
    addresses: o.Lookup
    validates: bool
    """Whether its resolver does, as its agent proved."""
    slowest: timedelta
    """Of its lookups."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a service makes of one name."""

    name: str
    approved: bool
    reason: str
    """ "corroborated", "quorum not met", "primary caa forbids" and so on."""
    detail: str
    code: int
    """Of its error, such as 338; 0: none."""
    quorum: str
    required: int
    usable_until: datetime | None
    reports: Sequence[Report]
    quorums: Mapping[str, str]
    """Corroborating / attempted, by check."""

    @property
    def primary(self) -> Report:
        """The primary's report."""
        (found,) = (one for one in self.reports if one.is_primary)
        return found

    @property
    def remotes(self) -> Sequence[Report]:
        """The reports of the others."""
        return [one for one in self.reports if not one.is_primary]

    @property
    def corroborating(self) -> Sequence[Report]:
        """Those of the remotes that corroborate."""
        return [one for one in self.remotes if one.corroborates]

    def of(self, perspective: str) -> Report:
        """Return the report of a perspective."""
        (found,) = (one for one in self.reports if one.perspective == perspective)
        return found


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service makes of the names of a certificate."""

    approved: bool
    corroborated: bool
    """Also the good end of a validation, which is no permission to issue."""
    reusable_until: datetime | None
    """Until when the validation may be used."""
    code: int
    verdicts: Sequence[Verdict]
    asked_at: datetime
    decided_at: datetime
    usable_until: datetime | None
    minimum_remotes: int
    """Of the policy row that was applied."""
    allowed: int
    """Remotes that need not corroborate, by that row."""
    minimum_regions: int
    minimum_distance_km: int
    agreement: str
    """How a remote's addresses must agree with the primary's: "exact" and so on."""
    dry_run: bool
    record: str
    """Under which the service keeps all this."""
    request: str

    @property
    def verdict(self) -> Verdict:
        """The only one."""
        (found,) = self.verdicts
        return found
