"""The agent's configuration file: every option, its bounds and its meaning."""

import asyncio
import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from mpic.name_form import is_looked_up
from mpic.runtime.certificate_owner import CertificateOwner
from mpic.runtime.config import ConfigError, ConfigPath, ConfigTable, Flaw, Problem, load_config
from mpic.runtime.in_flight import GATHER_SECONDS
from mpic.runtime.settings import (
    CallersTable,
    ListenAddress,
    LogTable,
    PerspectiveId,
    RirName,
    TlsTable,
    Workers,
    check_tls,
)
from perspective_agent.connect.dialer import Reach
from perspective_agent.connect.places import Limits
from perspective_agent.egress import Egress
from perspective_agent.unbound.capacity import FULL, Capacity
from perspective_agent.unbound.configuration import UnboundOptions
from perspective_agent.unbound.control import UnboundControl
from perspective_agent.unbound.rules import LOCAL_ANSWERS, RULES, Rule, find_violation
from perspective_agent.unbound.trust_anchor import find_missing, read_anchors, read_key_tags

_LIMITS = Limits()
_CONTACT = r"^((https?://|mailto:)[!-'*-\[\]-~]{1,200})?$"
"""A URL that can stand in a comment of the field User-Agent (RFC 9110 section 5.6.5)."""


class AgentTable(ConfigTable):
    """Who the agent is and how it serves."""

    id: PerspectiveId = Field(description="this perspective's identifier, as in the roster")
    rir: RirName = Field(description="the RIR service region its traffic leaves in")
    listen: ListenAddress = Field(default="0.0.0.0:7310", description='"address:port"')
    workers: Workers = Field(default=1, description="processes, each with a port of its own")
    lookup_timeout: float = Field(
        default=10.0, ge=0.5, le=60, description="seconds one question may take at most"
    )
    gather_window: float = Field(
        default=GATHER_SECONDS,
        ge=0,
        le=0.1,
        description="seconds that a message waits for more, under load",
    )
    max_open_questions: int = Field(
        default=4096, ge=1, le=1_000_000, description="looked up at a time; more are refused"
    )
    shutdown_grace: float = Field(
        default=5.0, ge=0, le=60, description="seconds running calls get at shutdown"
    )


class ResolverTable(ConfigTable):
    """The validating resolver beside the agent."""

    mode: Literal["private", "beside"] = "private"
    """private: the agent starts its own Unbound; beside: one that the operator runs."""
    trust_anchor_file: ConfigPath = Path("/usr/share/dns/root.key")
    address: str = Field(default="127.0.0.1", description="for mode beside: a loopback address")
    port: int = Field(default=0, ge=0, le=65535, description="for mode private, 0: any free one")
    control_socket: ConfigPath | None = None
    """Mode beside: there the agent reads the resolver's settings and lets it forget failures."""
    executable: str = "unbound"
    root_hints_file: ConfigPath | None = None
    outgoing_address: str | None = None
    ipv6: bool = True
    cache_max_ttl: int = Field(default=60, ge=0, le=3600)
    cache_max_negative_ttl: int = Field(default=10, ge=0, le=3600)
    lab_allow_special_purpose_servers: bool = False
    """For labs only: follow delegations to loopback, private and documentation addresses."""
    lab_allow_local_answers: bool = False
    """For labs only, in mode beside: let the resolver answer from local-zone and local-data."""
    start_timeout: float = Field(default=20.0, ge=0, le=600)
    """Seconds after which the agent ends if the resolver is shown not to validate."""
    probe_timeout: float = Field(default=15.0, ge=0.1, le=60)
    """Seconds. With an empty cache the canary takes ten round trips to the root and to arpa."""
    probe_interval: float = Field(default=30.0, ge=1, le=3600)
    restart_hung_after: float = Field(default=10.0, ge=1, le=3600)
    """For mode private: seconds without a sign of life after which Unbound is started again."""
    require_validation: bool = True
    """Whether to look only while the resolver is shown to validate."""

    @model_validator(mode="after")
    def _check_resolver(self) -> "ResolverTable":
        if self.mode == "beside":
            # What a resolver says of DNSSEC is believed only over a path that nobody else can
            # touch.
            if not ipaddress.ip_address(self.address).is_loopback:
                raise Flaw(
                    f"{self.address} is not a loopback address",
                    "Run the resolver on the agent's own host: its AD bit is trusted",
                )
            if not self.port:
                raise Flaw("mode beside needs a port", "Set port, usually 53")
            if self.control_socket is None:
                raise Flaw(
                    "mode beside needs a control_socket",
                    "Give it a remote-control: clause with control-interface: a path and"
                    " control-use-cert: no, and name that path",
                )
        return self

    def rules(self) -> Sequence[Rule]:
        """Return what the running resolver must be set to."""
        spared = LOCAL_ANSWERS if self.lab_allow_local_answers else None
        return [rule for rule in RULES if rule is not spared]

    def find_warnings(self, now: datetime) -> list[str]:
        """Return what is wrong with the trust anchor, or will be; raises as `read_anchors`."""
        file = self.trust_anchor_file
        return [
            f"resolver.trust_anchor_file: {file}: {missing}. Update the package dns-root-data, or"
            " add the key's DS record from https://data.iana.org/root-anchors/root-anchors.xml"
            for missing in find_missing(read_anchors(file), now)
        ]

    def beside_address(self) -> tuple[str, int]:
        """Return where the operator's resolver is."""
        return self.address, self.port

    def egress(self) -> Egress:
        """Return how servers are asked past the resolver."""
        source = (self.outgoing_address,) if self.outgoing_address else ()
        return Egress(source, self.ipv6, self.lab_allow_special_purpose_servers)

    def options(self, worker: int = 0, capacity: Capacity = FULL) -> UnboundOptions:
        """Return what a worker's private Unbound is started with."""
        return UnboundOptions(
            trust_anchor_file=self.trust_anchor_file,
            root_hints_file=self.root_hints_file,
            outgoing_address=self.outgoing_address,
            port=self.port + worker if self.port else 0,
            cache_max_ttl=self.cache_max_ttl,
            cache_max_negative_ttl=self.cache_max_negative_ttl,
            ipv6=self.ipv6,
            allow_special_purpose_servers=self.lab_allow_special_purpose_servers,
            executable=self.executable,
            capacity=capacity,
        )


class ConnectTable(ConfigTable):
    """How the agent reaches web servers and TLS servers."""

    contact_url: Annotated[str, StringConstraints(pattern=_CONTACT)] = Field(
        default="", description="where operators of web servers learn who asks them"
    )
    outgoing_addresses: list[str] = Field(
        default=[], description="what connections leave from: one IPv4 address, one IPv6 address"
    )
    ipv6: bool = True
    doctor_hosts: list[str] = Field(
        default=["www.iana.org", "www.ietf.org", "www.ripe.net"],
        max_length=10,
        description="hosts that `mpic doctor` connects to; the agent itself does not",
    )
    most_connections: int = Field(default=_LIMITS.in_all, ge=1, le=4096)
    most_to_host: int = Field(default=_LIMITS.to_host, ge=1, le=256)
    most_to_address: int = Field(default=_LIMITS.to_address, ge=1, le=1024)
    lab_allow_special_purpose_addresses: bool = False
    """For labs only: connect to loopback, private and documentation addresses."""

    @model_validator(mode="after")
    def _check_addresses(self) -> "ConnectTable":
        try:
            versions = [ipaddress.ip_address(one).version for one in self.outgoing_addresses]
        except ValueError as error:
            raise Flaw(str(error), "Give addresses of this host", "outgoing_addresses") from None
        if len(set(versions)) < len(versions):
            raise Flaw(
                "it has two addresses of one family",
                "Give at most one IPv4 address and one IPv6 address",
                "outgoing_addresses",
            )
        return self

    @model_validator(mode="after")
    def _check_hosts(self) -> "ConnectTable":
        for host in self.doctor_hosts:
            if not is_looked_up(host):
                what = f"{host!r} is not the name of a host, in lower case"
                raise Flaw(what, "Give names such as www.example.com", "doctor_hosts")
        return self


class AgentAdminTable(ConfigTable):
    """The admin port: metrics, probes and the configuration in force, for this host alone."""

    listen: ListenAddress = Field(
        default="127.0.0.1:8310", description='"address:port"; workers have the ports that follow'
    )


class AgentSettings(ConfigTable):
    """The whole file."""

    agent: AgentTable
    tls: TlsTable
    callers: CallersTable
    resolver: ResolverTable = ResolverTable()
    connect: ConnectTable = ConnectTable()
    admin: AgentAdminTable = AgentAdminTable()
    log: LogTable = LogTable()

    @property
    def owner(self) -> CertificateOwner:
        """Whose its certificate is to be."""
        return CertificateOwner("perspective", self.agent.id)

    def reach(self) -> Reach:
        """Return how hosts are reached.

        Unless it says otherwise, connections leave from the address that queries leave from: they
        are the same perspective.
        """
        own = self.resolver.outgoing_address
        sources = self.connect.outgoing_addresses or ([own] if own else [])
        table = self.connect
        return Reach(
            Egress(tuple(sources), table.ipv6, table.lab_allow_special_purpose_addresses),
            Limits(table.most_connections, table.most_to_host, table.most_to_address),
            table.contact_url,
        )

    @model_validator(mode="after")
    def _check_trust_anchor(self) -> "AgentSettings":
        try:
            key_tags = read_key_tags(self.resolver.trust_anchor_file)
        except (OSError, ValueError) as error:
            raise _no_anchor(str(error)) from error
        if not key_tags:
            raise _no_anchor(f"{self.resolver.trust_anchor_file} holds no DNSKEY and no DS")
        return self


def _no_anchor(what: str) -> Flaw:
    return Flaw(
        what,
        "Install the package dns-root-data, or name a file with the root's DNSKEY or DS records",
        "resolver.trust_anchor_file",
    )


def read_settings(file: Path) -> AgentSettings:
    """Read a configuration file; raises ConfigError."""
    return load_config(file, AgentSettings)


def check_file(file: Path) -> list[str]:
    """Check a file, what it names and a resolver beside; return warnings; raises ConfigError."""
    settings = read_settings(file)
    if settings.resolver.control_socket is not None:
        control = UnboundControl(settings.resolver.control_socket)
        if violation := asyncio.run(find_violation(control, settings.resolver.rules())):
            mend = "Start the resolver, or correct its configuration (see deploy/agent.toml)"
            raise ConfigError(file, [Problem("resolver", violation, mend)])
    now = datetime.now(UTC)
    of_tls = check_tls(settings.tls, settings.owner, file, now)
    return [*of_tls, *settings.resolver.find_warnings(now)]
