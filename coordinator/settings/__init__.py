"""The coordinator's configuration file: roster, policy, issuers, every option."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from coordinator.api.http.settings import HttpTable
from coordinator.api.open_mpic.settings import OpenMpicTable
from coordinator.checks.caa.issuer import Issuer, Issuers, check_tag
from coordinator.checks.caa.relevant_set import Applicant
from coordinator.overload.settings import LimitsTable
from coordinator.record.settings import RecordTable
from coordinator.rules.countries import Atlas
from coordinator.rules.perspective_selection import find_set_breaches
from coordinator.rules.placement import find_misplacements
from coordinator.rules.policy import NoPolicyRowError, PolicyRow
from coordinator.rules.roster import Location, Perspective, Roster, find_breaches
from coordinator.settings.certificates import check_certificates
from coordinator.settings.policy import PolicyTable
from coordinator.telemetry.tracing import TracingTable
from mpic.runtime.config import ConfigError, ConfigTable, Flaw, Problem, load_config
from mpic.runtime.in_flight import GATHER_SECONDS
from mpic.runtime.settings import (
    CallersTable,
    ListenAddress,
    LogTable,
    PerspectiveId,
    RirName,
    TlsTable,
    Workers,
)
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o

IssuerName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
_MOST_PERSPECTIVES = 32
"""In a roster. The reports of this many, each left out, of a hundred names fit into an answer."""

# An operator is warned this long before a dated rule that the roster will break.
WARNING_TIME = timedelta(days=30)


class CoordinatorTable(ConfigTable):
    """How the coordinator serves and asks."""

    listen: ListenAddress = Field(default="0.0.0.0:7300", description='"address:port"')
    workers: Workers = Field(default=1, description="processes, each with a port of its own")
    lookup_timeout: float = Field(
        default=10.0, ge=0.5, le=60, description="seconds an agent has for its lookups"
    )
    network_allowance: float = Field(
        default=1.0, ge=0.1, le=10, description="seconds on top, for the way there and back"
    )
    gather_window: float = Field(
        default=GATHER_SECONDS,
        ge=0,
        le=0.1,
        description="seconds that a message waits for more, under load",
    )
    hung_after: float = Field(
        default=2.0, ge=0.5, le=60, description="seconds without a sign of life of an agent"
    )
    restart_patience: float = Field(
        default=3.0, ge=0, le=60, description="seconds an agent's restart may take"
    )
    clock_warning: float = Field(
        default=5.0, ge=0.1, le=600, description="seconds between two clocks that are told"
    )
    clock_limit: float = Field(
        default=120.0, ge=1, le=600, description="seconds between two clocks; more is not believed"
    )
    connect_patience: float = Field(
        default=3.0, ge=0, le=60, description="seconds to wait for the agents before serving"
    )
    shutdown_grace: float = Field(
        default=12.0, ge=0, le=120, description="seconds running calls get at shutdown"
    )

    @model_validator(mode="after")
    def _check_clock_bounds(self) -> "CoordinatorTable":
        if self.clock_warning > self.clock_limit:
            raise Flaw(
                f"is {self.clock_warning:g} s, beyond clock_limit, {self.clock_limit:g} s",
                "A difference is to be told before nobody is asked any more: give less",
                "clock_warning",
            )
        return self


class CoordinatorAdminTable(ConfigTable):
    """The admin port: metrics, probes and the configuration in force, for this host alone."""

    listen: ListenAddress = Field(
        default="127.0.0.1:8300", description='"address:port"; workers have the ports that follow'
    )


class IssuerTable(ConfigTable):
    """One identity certificates are issued under."""

    domains: list[str] = Field(
        description="issuer domain names this CA recognises in CAA (its CP/CPS section 4.2)"
    )
    understood_critical_tags: list[str] = Field(
        default=[], description="CAA property tags that this CA processes beside the usual ones"
    )

    @model_validator(mode="after")
    def _check_domains(self) -> "IssuerTable":
        try:
            Applicant(frozenset(self.domains))
        except ValueError as error:
            raise Flaw(str(error), 'List names such as "ca.example.test"') from error
        return self

    @field_validator("understood_critical_tags")
    @classmethod
    def _check_tags(cls, tags: list[str]) -> list[str]:
        for tag in tags:
            check_tag(tag)
        return tags

    def issuer(self) -> Issuer:
        """Return the value."""
        return Issuer(frozenset(self.domains), frozenset(self.understood_critical_tags))


class PlaceTable(ConfigTable):
    """Where something is; degrees, north and east positive."""

    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)
    country: Annotated[str, StringConstraints(pattern="^[A-Z]{2}$")] | None = Field(
        default=None, description="its code of ISO 3166-1, such as DE: slips are found by it"
    )

    def location(self) -> Location:
        """Return the value."""
        return Location(self.latitude, self.longitude, self.country or "")


class ResolverPlaceTable(PlaceTable):
    """Where a resolver is."""

    rir: RirName | None = Field(default=None, description="its RIR region; the perspective's")

    def region(self) -> o.Rir.ValueType:
        """Return the value; unspecified when it is the perspective's."""
        return o.Rir.Value(f"RIR_{self.rir}") if self.rir else o.RIR_UNSPECIFIED


class PerspectiveTable(ConfigTable):
    """One perspective of the roster."""

    id: PerspectiveId
    role: Literal["primary", "remote"]
    address: ListenAddress = Field(description='where its agent listens, "host:port"')
    server_name: str = Field(description="the DNS name in its agent's certificate")
    rir: RirName
    workers: Workers = Field(default=1, description="as in its agent's file")
    egress: PlaceTable = Field(description="where its traffic enters the network it uses")
    resolver: ResolverPlaceTable = Field(description="where its resolver's queries do")

    def perspective(self) -> Perspective:
        """Return the value."""
        return Perspective(
            id=self.id,
            role=c.Role.Value(f"ROLE_{self.role.upper()}"),
            rir=o.Rir.Value(f"RIR_{self.rir}"),
            address=self.address,
            server_name=self.server_name,
            egress=self.egress.location(),
            resolver=self.resolver.location(),
            resolver_rir=self.resolver.region(),
            workers=self.workers,
        )


class CoordinatorSettings(ConfigTable):
    """The whole file."""

    coordinator: CoordinatorTable
    tls: TlsTable
    callers: CallersTable
    issuer: dict[IssuerName, IssuerTable] = Field(
        min_length=1, description='one table for each identity: [issuer.NAME] domains = ["..."]'
    )
    policy: PolicyTable = PolicyTable()
    limits: LimitsTable = LimitsTable()
    record: RecordTable = RecordTable()
    perspective: list[PerspectiveTable]
    http: HttpTable = HttpTable()
    open_mpic: OpenMpicTable = OpenMpicTable()
    admin: CoordinatorAdminTable = CoordinatorAdminTable()
    log: LogTable = LogTable()
    tracing: TracingTable = TracingTable()

    @field_validator("perspective")
    @classmethod
    def _check_perspectives(cls, tables: list[PerspectiveTable]) -> list[PerspectiveTable]:
        primaries = [table.id for table in tables if table.role == "primary"]
        if len(primaries) != 1:
            raise Flaw(
                f"{len(primaries)} have role primary ({', '.join(primaries) or 'none'})",
                'Give exactly one [[perspective]] role = "primary"',
            )
        if len(tables) > _MOST_PERSPECTIVES:
            raise Flaw(
                f"{len(tables)} are too many: an answer has room for {_MOST_PERSPECTIVES}",
                "Leave out some",
            )
        for what in ("id", "address", "server_name"):
            values = [getattr(table, what) for table in tables]
            twice = sorted({value for value in values if values.count(value) > 1})
            if twice:
                raise Flaw(f"{what} {twice[0]!r} stands twice", f"Give each its own {what}")
        return tables

    @model_validator(mode="after")
    def _check_limits(self) -> "CoordinatorSettings":
        strangers = sorted(set(self.limits.caller) - set(self.callers.allowed))
        if strangers:
            raise Flaw(
                f"{strangers[0]!r} has a bound, but may not call",
                "Write it as it stands in [callers] allowed",
                "limits.caller",
            )
        self.http.check_callers(self.callers.allowed)
        self.open_mpic.check(self.issuer, self.http.listen)
        return self

    def roster(self) -> Roster:
        """Return the value."""
        perspectives = [table.perspective() for table in self.perspective]
        (primary,) = (one for one in perspectives if one.is_primary)
        return Roster(primary, [one for one in perspectives if not one.is_primary])

    def issuers(self) -> Issuers:
        """Return the value."""
        return {name: table.issuer() for name, table in self.issuer.items()}


def read_settings(file: Path) -> CoordinatorSettings:
    """Read a configuration file; raises ConfigError."""
    return load_config(file, CoordinatorSettings)


def check_roster(settings: CoordinatorSettings, file: Path, now: datetime) -> list[str]:
    """Check the roster against the map, the policy row in force and the one to come.

    Returns warnings about a row that comes into force within 30 days; raises ConfigError when the
    roster cannot satisfy the row in force now, or a place and its region do not fit.
    """
    roster, policy = settings.roster(), settings.policy.policy()
    try:
        row = policy.row_at(now)
    except NoPolicyRowError as error:
        mend = "Add a [[policy.row]] whose effective_from has passed"
        raise ConfigError(file, [Problem("policy.row", str(error), mend)]) from error
    found = {
        "perspective": [*find_breaches(roster, row), *find_misplacements(roster, Atlas.read())],
        "policy": find_set_breaches(roster, row),
    }
    problems = [
        Problem(place, f"{one.rule}: {one.fact}", one.mend)
        for place, breaches in found.items()
        for one in breaches
    ]
    if problems:
        raise ConfigError(file, problems)
    return [
        warning
        for row in policy.rows_between(now, now + WARNING_TIME)
        for warning in _foresee_breaches(roster, row)
    ]


def _foresee_breaches(roster: Roster, row: PolicyRow) -> list[str]:
    """Return warnings about a row that will come into force."""
    start = f"from {row.effective_from:%Y-%m-%dT%H:%MZ} on"
    stop = [f"{start} nothing will be approved: {one}" for one in find_breaches(roster, row)]
    asked = row.remotes_asked(len(roster.remotes))
    more = f"{start} {asked} remotes will be asked, and no restart will succeed"
    return [*stop, *(f"{more}: {one}" for one in find_set_breaches(roster, row))]


def check_file(file: Path) -> list[str]:
    """Check a file and what it names; return warnings; raises ConfigError."""
    settings = read_settings(file)
    now = datetime.now(UTC)
    return [
        *check_certificates(settings.tls, settings.http, file, now),
        *check_roster(settings, file, now),
        *settings.record.find_warnings(),
        *settings.open_mpic.find_warnings(settings.policy.policy()),
    ]
