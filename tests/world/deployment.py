"""A whole deployment on this host: coordinator, primary and remote agents, all over mutual TLS.

    with Internet(directory / "internet") as internet:
        with Deployment(directory, internet) as deployment:
            ...  # deployment.ask("child.parent.example.co.jp")

Each agent has its own private Unbound, which sends from an address of its own
(`network.perspective_address`), so that a hijack can be seen from one and not from another.
"""

import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import grpc

from coordinator.record.stores.base import Store
from coordinator.settings import read_settings
from mpic.channel import TlsFiles, channel_credentials
from mpic.runtime.address import shift_port
from mpic.runtime.pki import Subject, create_authority, issue_certificate
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import corroboration_pb2_grpc
from tests.world import texts
from tests.world.internet import Internet
from tests.world.network import perspective_address, perspective_address6
from tests.world.pages import scrape
from tests.world.places import PLACES, Place
from tests.world.process import Child, WorldError, plain_environment, wait_until
from tests.world.requests import named
from tests.world.wrong_clock import WrongClock

TRUST_DOMAIN = "mpic.test"
ISSUER_DOMAIN = "ca.example.test"
COORDINATOR = "127.0.0.1:7300"
COORDINATOR_ADMIN = "127.0.0.1:8300"
MPIC = str(Path(sys.executable).parent / "mpic")
_ALLOWANCE = 0.5
_PATIENCE = 60.0
_BUSY_TRIES = 10


def agent_address(place: Place, workers: int = 1, *, own: bool = False) -> str:
    """Return where the agent of a place listens, or the first of its workers."""
    index = PLACES.index(place)
    if own:
        return f"{perspective_address(index)}:{7310 + index}"
    return f"127.0.0.1:{7310 + index if workers == 1 else 7400 + 10 * index}"


def agent_admin(place: Place, workers: int = 1) -> str:
    """Return where the agent of a place, or the first of its workers, shows its metrics."""
    return shift_port(agent_address(place, workers), 1000)


def under_limit(open_files: int, *command: str) -> Sequence[str]:
    """Return a command that runs another with a limit that no program may raise, even root's."""
    limit = f"--nofile={open_files}:{open_files}"
    return ("setpriv", "--bounding-set", "-sys_resource", "prlimit", limit, *command)


def _relay_port(place: Place) -> int:
    return 7600 + PLACES.index(place)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is out of the ordinary in a deployment."""

    places: Sequence[Place] = PLACES[:6]
    """The primary's and the remotes'."""
    lookup_timeout: float = 10.0
    """Seconds, of the coordinator and of the agents."""
    cache_max_ttl: int = 0
    """Seconds that the agents' resolvers may keep an answer."""
    workers: int = 1
    """Processes of each agent, and of the coordinator too if nothing else is said."""
    coordinator_workers: int = 0
    own_addresses: bool = False
    """Let every agent listen on the address it asks from, so that it can be cut off."""
    round_trips: Sequence[int] = ()
    """Milliseconds from the coordinator to each agent and back; none: they are all near."""
    max_open_questions: int = 4096
    """Of each agent."""
    restart_patience: float = 3.0
    """Seconds that questions wait for an agent that was ended."""
    probe_interval: int = 1
    """Seconds between two proofs that a private resolver validates."""
    restart_hung_after: int = 3600
    """Longer than a test lets one hang."""
    record: bool = True
    """Whether the coordinator records, in a file of its own."""
    record_dsn: str = ""
    """Of the database of PostgreSQL that it records in instead."""
    repeat_window: float = 0.0
    """Seconds; 0, since most tests use a request id for whatever they ask."""
    open_files: int = 0
    """That each program may have open, as in a container; 0: as this process may."""
    coordinator_extra: str = ""
    """More TOML for the coordinator's file."""


class Deployment:
    """The running programs."""

    def __init__(
        self, directory: Path, internet: Internet | None, plan: Plan | None = None
    ) -> None:
        """Start nothing yet; certificates, configurations and logs are kept in `directory`.

        Without a test Internet, the agents ask the real one.
        """
        self.directory = directory
        self.plan = plan or Plan()
        self.agents: dict[str, Child] = {}
        self.clocks: dict[str, WrongClock] = {}
        """Of programs that do not have this host's, by the names of their configuration files."""
        self.sources: dict[str, Path] = {}
        """Of programs that are not of this tree: where another is, by the same names."""
        self._internet = internet
        self._coordinator: Child | None = None
        self._relay: Child | None = None

    @property
    def pki(self) -> Path:
        """Where CA, certificates and keys are."""
        return self.directory / "pki"

    @property
    def coordinator(self) -> Child:
        """The coordinator's process."""
        assert self._coordinator is not None
        return self._coordinator

    def start(self) -> None:
        """Write everything and start; returns when all serve."""
        self.write()
        for place in self.plan.places:
            self.start_agent(place.id)
        for agent in self.agents.values():
            wait_serving(agent, self.plan.workers)
        if self.plan.round_trips:
            self._start_relay()
        self.start_coordinator()

    def write(self) -> None:
        """Make the certificates and the configuration files."""
        self.record_file.parent.mkdir(exist_ok=True)
        authority = create_authority(self.pki, TRUST_DOMAIN)
        issue_certificate(authority, Subject("coordinator", "main", ("localhost",)))
        issue_certificate(authority, Subject("caller", "pipeline"))
        issue_certificate(authority, Subject("caller", "stranger"))
        for place in self.plan.places:
            issue_certificate(authority, Subject("perspective", place.id))
            self.agent_file(place.id).write_text(self._agent_config(place))
        self.coordinator_file.write_text(self._coordinator_config())

    def start_agent(self, id: str) -> Child:
        """Start one agent; does not wait."""
        self.agents[id] = self.start_program("agent", self.agent_file(id))
        return self.agents[id]

    def start_program(self, program: str, file: Path) -> Child:
        """Start an agent or a coordinator with a configuration file; does not wait."""
        command = (MPIC, program, "--config", str(file))
        limited = under_limit(self.plan.open_files, *command) if self.plan.open_files else command
        clock = self.clocks.get(file.stem)
        environment = dict(clock.environment if clock else plain_environment())
        if source := self.sources.get(file.stem):
            environment["PYTHONPATH"] = f"{source}:{source / 'proto'}"
        return Child(limited, self.directory / f"{file.stem}.log", environment=environment)

    def start_coordinator(self) -> None:
        """Start the coordinator and wait until it serves."""
        self._coordinator = self.start_program("coordinator", self.coordinator_file)
        wait_serving(self._coordinator, self.plan.coordinator_workers or self.plan.workers)

    def restart_coordinator(self) -> None:
        """End the coordinator as an operator would, and start it again."""
        self.coordinator.stop()
        self.start_coordinator()

    def agent_file(self, id: str) -> Path:
        """Return the configuration file of an agent."""
        return self.directory / f"agent-{id}.toml"

    @property
    def coordinator_file(self) -> Path:
        """The configuration file of the coordinator."""
        return self.directory / "coordinator.toml"

    @property
    def record_file(self) -> Path:
        """Where the coordinator records."""
        return self.directory / "record" / "record.sqlite3"

    def open_record(self) -> Store:
        """Open the coordinator's record, to look into it."""
        return read_settings(self.coordinator_file).record.make_store().open()

    def caller_tls(self, id: str = "pipeline") -> TlsFiles:
        """Return the TLS files of a caller: "pipeline" may call, "stranger" may not."""
        pair = self.pki / f"caller-{id}"
        return TlsFiles(pair.with_suffix(".pem"), pair.with_suffix(".key"), self.pki / "ca.pem")

    @contextmanager
    def channel(self, caller: str = "pipeline", worker: int = 0) -> Iterator[grpc.Channel]:
        """Open a channel to the coordinator, or to another of its workers."""
        options = [("grpc.ssl_target_name_override", "localhost")]
        credentials = channel_credentials(self.caller_tls(caller))
        address = shift_port(COORDINATOR, worker)
        with grpc.secure_channel(address, credentials, options) as channel:
            yield channel

    def ask(
        self, *names: str, linger: float | None = None, timeout: float | None = _PATIENCE
    ) -> c.CorroborateResponse:
        """Ask one question and wait for stragglers, so that the answer shows all perspectives.

        Without `linger` it waits for as long as they may take. Where the answer is that we or the
        agents have too much to do, on a machine that is too slow, it asks again, as callers do.
        """
        request = c.CorroborateRequest(names=named(names))
        return self.ask_request(request, linger=linger, timeout=timeout)

    def ask_request(
        self,
        request: c.CorroborateRequest,
        *,
        linger: float | None = None,
        timeout: float | None = _PATIENCE,
    ) -> c.CorroborateResponse:
        """Do the same with any request; its id is chosen here."""
        seconds = self.plan.lookup_timeout + _ALLOWANCE if linger is None else linger
        request.linger.FromMilliseconds(int(seconds * 1000))
        for _ in range(_BUSY_TRIES):
            response = self._ask_once(request, timeout)
            if response is not None and not _was_too_busy(response):
                return response
            time.sleep(1)
        asked = [name.name for name in request.names]
        raise WorldError(f"this machine is too busy to decide about {asked}: {response}")

    def _ask_once(
        self, request: c.CorroborateRequest, timeout: float | None
    ) -> c.CorroborateResponse | None:
        request.request_id = str(uuid.uuid4())
        try:
            return self.send(request, timeout)
        except grpc.RpcError as error:
            if error.code() is not grpc.StatusCode.RESOURCE_EXHAUSTED:
                raise
            return None

    def wait_ready(self) -> None:
        """Wait until the coordinator can ask everybody."""
        wait_until(lambda: all(one.ready for one in self.perspectives()), _PATIENCE, self.say_who)

    def perspectives(self) -> Sequence[c.PerspectiveStatus]:
        """Return the live state of each perspective."""
        with self.channel() as channel:
            stub = corroboration_pb2_grpc.CorroborationServiceStub(channel)
            request = c.ListPerspectivesRequest()
            return stub.ListPerspectives(request, timeout=_PATIENCE).perspectives

    def perspective(self, id: str) -> c.PerspectiveStatus:
        """Return the live state of one perspective."""
        (found,) = (one for one in self.perspectives() if one.perspective_id == id)
        return found

    def say_who(self) -> str:
        """Return who can be asked, and why others cannot."""
        return ", ".join(
            f"{one.perspective_id}: {one.problem or 'ready'}" for one in self.perspectives()
        )

    def wait_looking(self, questions: int) -> None:
        """Wait until every agent is looking up so many questions, no more and no fewer."""
        wait_until(
            lambda: set(self.looking().values()) == {questions},
            _PATIENCE,
            lambda: f"not {questions} questions at each agent: {self.looking()}",
        )

    def looking(self) -> dict[str, int]:
        """Return how many questions each agent is looking up, by its id."""
        return {place.id: self._looking_at(place) for place in self.plan.places}

    def _looking_at(self, place: Place) -> int:
        shown = scrape(agent_admin(place, self.plan.workers))
        return int(shown["mpic_agent_questions_in_flight",])

    def send(
        self, request: c.CorroborateRequest, timeout: float | None = _PATIENCE
    ) -> c.CorroborateResponse:
        """Send one question as it stands; raises grpc.RpcError."""
        with self.channel() as channel:
            stub = corroboration_pb2_grpc.CorroborationServiceStub(channel)
            return stub.Corroborate(request, timeout=timeout)

    def stop(self) -> None:
        """End everything."""
        for child in (self._coordinator, *self.agents.values(), self._relay):
            if child is not None:
                child.stop()

    def __enter__(self) -> Self:
        """Start; what was started before a failure is stopped."""
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop."""
        self.stop()

    def _agent_config(self, place: Place) -> str:
        tls = texts.TLS.format(pair=self.pki / f"perspective-{place.id}", pki=self.pki)
        agent = texts.AGENT.format(
            id=place.id,
            rir=place.rir,
            listen=agent_address(place, self.plan.workers, own=self.plan.own_addresses),
            admin=agent_admin(place, self.plan.workers),
            workers=self.plan.workers,
            lookup_timeout=self.plan.lookup_timeout,
            max_open_questions=self.plan.max_open_questions,
        )
        if self._internet is None:
            return tls + agent
        return (
            tls
            + agent
            + texts.LAB_RESOLVER.format(
                source=perspective_address(PLACES.index(place)),
                source6=perspective_address6(PLACES.index(place)),
                anchor=self._internet.trust_anchor_file,
                hints=self._internet.root_hints_file,
                cache_max_ttl=self.plan.cache_max_ttl,
                probe_interval=self.plan.probe_interval,
                restart_hung_after=self.plan.restart_hung_after,
            )
        )

    def _start_relay(self) -> None:
        """Put the agents as far away as the plan says."""
        ways = [
            f"{_relay_port(place)}:{agent_address(place).rpartition(':')[2]}:{milliseconds}"
            for place, milliseconds in zip(self.plan.places, self.plan.round_trips, strict=True)
        ]
        log = self.directory / "relay.log"
        command = (sys.executable, "-m", "tests.world.relay", *ways)
        self._relay = Child(command, log, Path(__file__).parents[2])
        self._relay.wait_ready(lambda: "ready" in log.read_text())

    def _address(self, place: Place) -> str:
        """Return where the coordinator finds an agent."""
        if self.plan.round_trips:
            return f"127.0.0.1:{_relay_port(place)}"
        return agent_address(place, self.plan.workers, own=self.plan.own_addresses)

    def _coordinator_config(self) -> str:
        tls = texts.TLS.format(pair=self.pki / "coordinator-main", pki=self.pki)
        common = texts.COORDINATOR.format(
            listen=COORDINATOR,
            admin=COORDINATOR_ADMIN,
            workers=self.plan.coordinator_workers or self.plan.workers,
            issuer=ISSUER_DOMAIN,
            lookup_timeout=self.plan.lookup_timeout,
            allowance=_ALLOWANCE,
            restart_patience=self.plan.restart_patience,
        )
        perspectives = [
            texts.PERSPECTIVE.format(
                id=place.id,
                role="primary" if place is PLACES[0] else "remote",
                address=self._address(place),
                workers=self.plan.workers,
                rir=place.rir,
                latitude=place.latitude,
                longitude=place.longitude,
            )
            for place in self.plan.places
        ]
        record = texts.UNRECORDED
        if self.plan.record:
            window = self.plan.repeat_window
            text = texts.RECORD_IN_DATABASE if self.plan.record_dsn else texts.RECORD
            dsn, path = self.plan.record_dsn, self.record_file
            record = text.format(dsn=dsn, path=path, repeat_window=window)
        return tls + common + record + self.plan.coordinator_extra + "".join(perspectives)


def wait_serving(child: Child, workers: int = 1) -> None:
    """Wait until a program, or each of its workers, has written that it serves."""
    child.wait_ready(lambda: child.log_file.read_text().count('"serving"') >= workers)


def _was_too_busy(response: c.CorroborateResponse) -> bool:
    return any(
        report.dissent == c.DISSENT_OVERLOADED
        for verdict in response.names
        for report in verdict.perspectives
    )
