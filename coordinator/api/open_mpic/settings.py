"""The table [open_mpic] of the coordinator's file: Open MPIC's API on the HTTP port."""

from collections.abc import Collection

from pydantic import Field

from coordinator.checks import DOMAIN_CONTROL
from coordinator.rules.policy import Policy
from mpic.runtime.config import ConfigTable, Flaw
from mpic.runtime.problem import suggest


class OpenMpicTable(ConfigTable):
    """Open MPIC's API, for callers that have no other."""

    enabled: bool = False
    issuer: str = Field(default="", description="the [issuer] of requests without issuer domains")
    linger: float = Field(
        default=2.0, ge=0, le=10, description="seconds to wait for the last perspectives"
    )
    require_challenge_created_at: bool = False
    """Every challenge must say when it was created, which Open MPIC's API has no field for."""
    honour_smaller_quorum: bool = False
    """For labs only: count as few perspectives as a request asks for."""

    def check(self, issuers: Collection[str], listen: str) -> None:
        """Check what depends on other tables; raises Flaw. `listen` is that of [http]."""
        if not self.enabled:
            return
        if not listen:
            text = "is enabled, but there is no port"
            raise Flaw(text, "Set [http] listen", "open_mpic.enabled")
        if not self.issuer and len(issuers) > 1:
            text = "is not given, and there are several issuers"
            raise Flaw(text, suggest("", sorted(issuers)), "open_mpic.issuer")
        if self.issuer and self.issuer not in issuers:
            text = f"{self.issuer!r} is no issuer"
            raise Flaw(text, suggest(self.issuer, sorted(issuers)), "open_mpic.issuer")

    def find_warnings(self, policy: Policy) -> list[str]:
        """Return what an operator has to know."""
        if not self.enabled:
            return []
        warnings = []
        if self.honour_smaller_quorum:
            warnings.append(
                "open_mpic.honour_smaller_quorum is for labs: answers of POST /mpic may be valid"
                " with too few perspectives. All of them are recorded as dry runs; issue on none"
            )
        if any(DOMAIN_CONTROL in row.checks for row in policy.rows):
            warnings.append(
                "open_mpic: POST /mpic refuses every check_type caa, because [policy] checks has"
                " domain_control and that API asks for the two apart"
            )
        if any(row.permit_caa_failure_in_insecure_zone for row in policy.rows):
            warnings.append(
                "open_mpic: a failed CAA lookup may be valid where the policy has"
                " permit_caa_failure_in_insecure_zone, also for callers that send"
                " allow_lookup_failure false"
            )
        return warnings
