"""What an agent's checks examine."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from perspective_agent.doctor.consultation import ResolverExamination
from perspective_agent.settings import AgentSettings


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class ExaminedAgent:
    """An agent, by its configuration, and what its resolver said."""

    settings: AgentSettings
    consultation: ResolverExamination
    now: datetime = field(default_factory=_now)
    """Taken when the resolver had said it."""
