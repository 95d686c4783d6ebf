"""Puts new rules, roster, certificates, callers and bounds in force while a coordinator runs.

An attempt keeps the rules, the roster and the connections that it began with (BR 3.2.2.9: they are
fixed before asking).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog

from coordinator.api.explain.links import ExplanationLinks
from coordinator.api.http.face import HttpConfig, HttpFace
from coordinator.corroboration import Corroborator, InForce
from coordinator.perspectives.fanout import Fanout
from coordinator.record.builder import RecordBuilder
from coordinator.record.settings import policy_version
from coordinator.rules.roster import Rules
from coordinator.settings import CoordinatorSettings, check_roster, read_settings
from coordinator.settings.certificates import check_certificates
from coordinator.telemetry.metrics import CoordinatorMetrics
from mpic.channel import TlsPems
from mpic.runtime.certificate_check import find_ends
from mpic.runtime.config import ConfigError, Problem
from mpic.runtime.grpc.serving import Server
from mpic.runtime.logs import set_level
from mpic.runtime.metrics import ProgramMetrics

log = structlog.get_logger()

FREE = frozenset(
    {"tls", "callers", "issuer", "policy", "limits", "perspective", "log.level"}
    | {"http.token", "http.tls", "http.client_certificates"}
    | {"http.public_url", "http.link_key_file", "http.link_days"}
)
"""What may change while it runs."""


def read_again(file: Path) -> CoordinatorSettings:
    """Read and check everything as at the start; raises ConfigError."""
    settings = read_settings(file)
    now = datetime.now(UTC)
    warnings = check_certificates(settings.tls, settings.http, file, now)
    for warning in [*warnings, *check_roster(settings, file, now)]:
        log.warning("reload_warning", warning=warning)
    return settings


@dataclass(frozen=True, slots=True)
class RunningParts:
    """The parts that a change reaches."""

    file: Path
    service: str
    server: Server
    fanout: Fanout
    corroborator: Corroborator
    metrics: CoordinatorMetrics
    program: ProgramMetrics
    explanation_links: ExplanationLinks
    http: HttpFace | None = None
    """None: it is off."""

    async def adopt(self, settings: CoordinatorSettings) -> None:
        """Put settings in force; if that fails, raises ConfigError and has changed nothing."""
        try:
            tls = settings.tls.files().load()
        except OSError as error:
            problem = Problem("tls", str(error), "Check the path")
            raise ConfigError(self.file, [problem]) from error
        adopt_http = self._prepare_http(settings)
        await self._adopt_links(settings, tls)
        # From here on nothing fails, and no other task runs. The roster is that of the connections.
        rules = Rules(self.fanout.roster, settings.policy.policy())
        self.server.adopt(tls, {self.service: frozenset(settings.callers.allowed)})
        record_builder = RecordBuilder(self.fanout.links, policy_version(rules.policy))
        adopt_http()
        self.corroborator.adopt(InForce(rules, settings.issuers(), record_builder))
        self.corroborator.limiter.admission.bounds = settings.limits.bounds()
        self.metrics.cover(rules)
        of_http = self.http.find_ends() if self.http else {}
        ends = find_ends(tls.certificate, tls.authority)
        self.program.show_certificates({**ends, **of_http})
        set_level(settings.log.level)

    def _prepare_http(self, settings: CoordinatorSettings) -> Callable[[], None]:
        """Return what puts HTTP's part in force, which cannot fail; raises ConfigError."""
        http = self.http
        if http is None:
            return lambda: None
        config = HttpConfig(settings.http, settings.tls, settings.callers)
        place = "http.tls"
        try:
            context = config.make_context()
            place = "http.link_key_file"
            terms = settings.http.read_link_terms()
        except (OSError, ValueError) as error:
            problem = Problem(place, str(error), "Name files that fit")
            raise ConfigError(self.file, [problem]) from error

        def adopt() -> None:
            http.adopt(config, context)
            self.explanation_links.adopt(terms)

        return adopt

    async def _adopt_links(self, settings: CoordinatorSettings, tls: TlsPems) -> None:
        """Connect to the agents again if roster or certificates have changed."""
        patience = settings.coordinator.connect_patience
        lost = await self.fanout.adopt(settings.roster(), tls, patience)
        if lost:
            problems = [
                Problem("perspective", f"{one}: {detail}", "It can be reached as things are")
                for one, detail in lost.items()
            ]
            raise ConfigError(self.file, problems)
