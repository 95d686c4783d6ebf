"""The table [policy] of the coordinator's file: what an attempt must meet, row by dated row."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Literal

from pydantic import Field, field_validator, model_validator

from coordinator.rules.policy import (
    BASELINE_NONCORROBORATIONS,
    BASELINE_ROWS,
    SHORTEST_VALUE,
    Policy,
    PolicyRow,
    find_shortfalls,
)
from mpic.runtime.config import ConfigTable, Flaw
from mpic.v1 import corroboration_pb2 as c

Agreement = Literal["exact", "overlap", "resolves"]
CheckName = Literal["caa", "addresses", "domain_control"]
Checks = tuple[CheckName, ...]


def check_enough(checks: Checks) -> Checks:
    """Return what an approval needs, if it is enough; raises Flaw."""
    if len(set(checks)) < len(checks):
        raise Flaw("names one check twice", "Name each check once")
    if not {"addresses", "domain_control"} & set(checks):
        named = ", ".join(checks) or "nothing"
        raise Flaw(
            f"has {named} alone: nothing shows that remotes reach the name where the primary does",
            'Add "domain_control", or leave "addresses" in',
        )
    return checks


class RowTable(ConfigTable):
    """One dated row of the policy. What is left out is as in the Baseline Requirements."""

    effective_from: datetime = Field(description="with time zone, such as 2026-12-15T00:00:00Z")
    minimum_remotes: int = Field(ge=0, le=100)
    noncorroborations: tuple[tuple[int, int], ...] = BASELINE_NONCORROBORATIONS
    minimum_regions: int = Field(default=2, ge=0, le=5)
    minimum_distance_km: int = Field(default=500, ge=0, le=20000)
    minimum_corroborating: int = Field(default=0, ge=0, le=100)
    checks: Checks | None = Field(default=None, description="as [policy] checks, for this row")

    @field_validator("checks")
    @classmethod
    def _enough(cls, checks: Checks | None) -> Checks | None:
        return None if checks is None else check_enough(checks)

    @field_validator("effective_from")
    @classmethod
    def _aware(cls, moment: datetime) -> datetime:
        if moment.tzinfo is None:
            raise Flaw(f"{moment} has no time zone", "Write it in UTC, with a Z at its end")
        return moment.astimezone(UTC)

    def row(self) -> PolicyRow:
        """Return the value, as far as this table has it."""
        return PolicyRow(
            effective_from=self.effective_from,
            minimum_remotes=self.minimum_remotes,
            noncorroborations=self.noncorroborations,
            minimum_regions=self.minimum_regions,
            minimum_distance_km=self.minimum_distance_km,
            minimum_corroborating=self.minimum_corroborating,
        )


class PolicyTable(ConfigTable):
    """What an attempt must meet. Without rows, those of the Baseline Requirements."""

    checks: Checks = Field(default=("caa", "addresses"), description="what an approval needs")
    address_agreement: Agreement = "exact"
    addresses_cover_aaaa: bool = False
    """Whether the AAAA record sets must agree too, so that an added one is noticed."""
    shortest_value: int = Field(
        default=SHORTEST_VALUE, ge=1, le=256, description="octets of a Random Value, at least"
    )
    permit_caa_failure_in_insecure_zone: bool = False
    remotes_must_validate: bool = True
    remotes_per_attempt: int = Field(
        default=0, ge=0, le=100, description="remotes that an attempt asks; 0: all there are"
    )
    row: tuple[RowTable, ...] = ()
    allow_below_baseline: bool = False
    """For labs only: let rows ask for less than the Baseline Requirements."""

    def policy(self) -> Policy:
        """Return the value."""
        agreement = c.AddressAgreement.Value(f"ADDRESS_AGREEMENT_{self.address_agreement.upper()}")
        common = partial(
            replace,
            address_agreement=agreement,
            addresses_cover_aaaa=self.addresses_cover_aaaa,
            shortest_value=self.shortest_value,
            permit_caa_failure_in_insecure_zone=self.permit_caa_failure_in_insecure_zone,
            remotes_must_validate=self.remotes_must_validate,
            remotes_per_attempt=self.remotes_per_attempt,
        )
        rows = [replace(one.row(), checks=one.checks or self.checks) for one in self.row]
        by_default = [replace(row, checks=self.checks) for row in BASELINE_ROWS]
        return Policy([common(row) for row in rows or by_default])

    @field_validator("checks")
    @classmethod
    def _enough(cls, checks: Checks) -> Checks:
        return check_enough(checks)

    @model_validator(mode="after")
    def _check_rows(self) -> "PolicyTable":
        shortfalls = [] if self.allow_below_baseline else find_shortfalls(self.policy())
        if shortfalls:
            raise Flaw(
                f"asks for less than the Baseline Requirements: {'; '.join(shortfalls)}",
                "Raise the values, or leave the rows out to take those of the requirements",
            )
        return self
