"""The table [limits] of the coordinator's configuration file."""

from typing import Annotated

from pydantic import Field, model_validator

from coordinator.overload.admission import Bounds
from coordinator.overload.retry_after import RetryAfter
from mpic.bounds import MAX_NAMES
from mpic.runtime.config import ConfigTable, Flaw

# With fewer than one question may have, that question would never be let in.
Names = Annotated[int, Field(ge=MAX_NAMES, le=1_000_000)]


class LimitsTable(ConfigTable):
    """How many names may be in flight at a time, in each process."""

    names_in_flight: Names = 4096
    """Of all callers together."""
    caller_names_in_flight: Names = 2048
    """Of one caller."""
    caller: dict[str, Names] = Field(default_factory=dict)
    """By identity, as in [callers]: callers with a bound of their own."""
    retry_after_least: float = Field(default=1.0, ge=0.1, le=300)
    """Seconds after which callers beyond a bound are told to ask again, when few are."""
    retry_after_most: float = Field(default=30.0, ge=0.2, le=3600)
    """The same, however many are."""

    @model_validator(mode="after")
    def _check_retry_after(self) -> "LimitsTable":
        if self.retry_after_most < 2 * self.retry_after_least:
            raise Flaw(
                f"retry_after_most = {self.retry_after_most:g} leaves callers too little room to"
                f" spread out from retry_after_least = {self.retry_after_least:g}",
                "Make it at least twice as much",
            )
        return self

    def bounds(self) -> Bounds:
        """Return the value."""
        retry_after = RetryAfter(self.retry_after_least, self.retry_after_most)
        return Bounds(self.names_in_flight, self.caller_names_in_flight, self.caller, retry_after)
