"""The perspectives that exist, and whether they satisfy a policy row (BR 3.2.2.9). Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

from geographiclib.geodesic import Geodesic

from coordinator.rules.policy import Policy, PolicyRow
from coordinator.rules.quorum import required_by_policy
from mpic.runtime.address import shift_port
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o


@dataclass(frozen=True, slots=True)
class Location:
    """Degrees, north and east positive."""

    latitude: float
    longitude: float
    country: str = ""
    """Its code of ISO 3166-1, where it is told."""


@dataclass(frozen=True, slots=True)
class Perspective:
    """One network perspective of the roster."""

    id: str
    role: c.Role.ValueType
    rir: o.Rir.ValueType
    address: str
    """Where its agent listens: "host:port"."""
    server_name: str
    """The DNS SAN its agent's certificate must have."""
    egress: Location
    """Where its traffic is first handed to the network that connects it, not where its machine
    stands (BR 1.6.1, "Network Perspective")."""
    resolver: Location
    """The same for its resolver's queries."""
    resolver_rir: o.Rir.ValueType = o.RIR_UNSPECIFIED
    """The region its resolver's queries leave in; unspecified: the perspective's."""
    workers: int = 1
    """How many processes its agent has, each with a port of its own."""

    @property
    def addresses(self) -> Sequence[str]:
        """Where its workers listen: on the port of its address, and on those that follow."""
        return [shift_port(self.address, worker) for worker in range(self.workers)]

    @property
    def is_primary(self) -> bool:
        """Whether it is the primary network perspective."""
        return self.role == c.ROLE_PRIMARY


@dataclass(frozen=True, slots=True)
class Roster:
    """One primary and its remotes."""

    primary: Perspective
    remotes: Sequence[Perspective]

    @property
    def perspectives(self) -> Sequence[Perspective]:
        """All of them, the primary first."""
        return (self.primary, *self.remotes)


@dataclass(frozen=True, slots=True)
class Rules:
    """Who is asked, and what they must meet."""

    roster: Roster
    policy: Policy


@dataclass(frozen=True, slots=True)
class Breach:
    """A rule that a roster breaks: the rule, the facts, and what would mend it."""

    rule: str
    fact: str
    mend: str

    def __str__(self) -> str:
        """Say all three."""
        return f"{self.rule}: {self.fact}. {self.mend}."


def find_breaches(roster: Roster, row: PolicyRow) -> list[Breach]:
    """Return every rule of `row` that the roster cannot satisfy, even when all corroborate."""
    return [
        *_count_breaches(roster, row),
        *_region_breaches(roster, row),
        *_resolver_breaches(roster),
        *find_distance_breaches(roster, row),
    ]


def find_distance_breaches(roster: Roster, row: PolicyRow) -> list[Breach]:
    """Return the pairs of perspectives, and of resolvers, that stand too close to each other."""
    return [
        *_distance_breaches(roster, row, "network egress", lambda one: one.egress),
        *_distance_breaches(roster, row, "resolver", lambda one: one.resolver),
    ]


def distance_km(one: Location, other: Location) -> float:
    """Return the length of the shortest way over the WGS84 ellipsoid."""
    way = Geodesic.WGS84.Inverse(one.latitude, one.longitude, other.latitude, other.longitude)
    return float(way["s12"]) / 1000


def _count_breaches(roster: Roster, row: PolicyRow) -> list[Breach]:
    remotes = len(roster.remotes)
    breaches = []
    if remotes < row.minimum_remotes:
        breaches.append(
            Breach(
                f"BR 3.2.2.9, number of remote perspectives from {row.effective_from:%Y-%m-%d}",
                f"the roster has {remotes}, the row demands {row.minimum_remotes}",
                f'Add {row.minimum_remotes - remotes} [[perspective]] with role = "remote"',
            )
        )
    required = required_by_policy(row, remotes)
    if required > remotes:
        breaches.append(
            Breach(
                "quorum",
                f"{required} remotes must corroborate, the roster has {remotes}",
                "Add remotes, or lower minimum_corroborating in [[policy.row]]",
            )
        )
    return breaches


def _region_breaches(roster: Roster, row: PolicyRow) -> list[Breach]:
    regions = sorted({_region_name(remote.rir) for remote in roster.remotes})
    if len(regions) >= row.minimum_regions:
        return []
    fact = (
        f"the remotes stand in {len(regions)} ({', '.join(regions)}),"
        f" the row demands {row.minimum_regions}"
    )
    mend = "Add or move a remote to another region, or correct its rir"
    return [Breach("BR 3.2.2.9, RIR service regions", fact, mend)]


def _resolver_breaches(roster: Roster) -> list[Breach]:
    """Check that each resolver is "in the same RIR service region" (BR 3.2.2.9)."""
    breaches = []
    for one in roster.perspectives:
        regions = [_region_name(rir) for rir in (one.resolver_rir or one.rir, one.rir)]
        if regions[0] != regions[1]:
            fact = f"the resolver of {one.id} stands in {regions[0]}, {one.id} in {regions[1]}"
            mend = "Let it look through a resolver in its own region, or correct resolver.rir"
            breaches.append(Breach("BR 3.2.2.9, RIR service region of a resolver", fact, mend))
    return breaches


def _region_name(rir: o.Rir.ValueType) -> str:
    return o.Rir.Name(rir).removeprefix("RIR_")


def _distance_breaches(
    roster: Roster, row: PolicyRow, what: str, where: Callable[[Perspective], Location]
) -> list[Breach]:
    breaches = []
    for one, other in combinations(roster.perspectives, 2):
        apart = distance_km(where(one), where(other))
        if apart < row.minimum_distance_km:
            fact = (
                f"{one.id} and {other.id} are {apart:.0f} km apart ({what}),"
                f" the row demands {row.minimum_distance_km}"
            )
            mend = f"Move one of them, or correct its {what} coordinates"
            breaches.append(Breach("BR 3.2.2.9, distance", fact, mend))
    return breaches
