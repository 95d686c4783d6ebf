"""The table [limits] of the coordinator's configuration file."""

from typing import Annotated

from pydantic import Field

from coordinator.admission import MAX_NAMES, Bounds
from mpic.config import ConfigTable

# Fewer than one question may have would keep that question out for ever.
Names = Annotated[int, Field(ge=MAX_NAMES, le=1_000_000)]


class LimitsTable(ConfigTable):
    """How many names may be in flight at a time, in each process."""

    names_in_flight: Names = 4096
    """Of all callers together."""
    caller_names_in_flight: Names = 2048
    """Of one caller."""
    caller: dict[str, Names] = Field(default_factory=dict)
    """By identity, as in [callers]: callers with a bound of their own."""

    def bounds(self) -> Bounds:
        """Return the value."""
        return Bounds(self.names_in_flight, self.caller_names_in_flight, self.caller)
