"""A service to put questions to, wherever it runs, and its answers in the words of the clauses.

What a request is made of, and how an answer is read, is known here and nowhere else in this
directory.
"""

import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from mpic.channel import TlsFiles, channel_credentials
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import corroboration_pb2_grpc
from mpic.v1 import observation_pb2 as o
from tests.clauses.answer import Answer, Determination, Report, Verdict
from tests.world.issuers import WORLD

_NAMES = 100
_SECONDS = 60
_BUSY_TRIES = 10
_OVERLOADED = "overloaded"


class NotDecidedError(Exception):
    """The service decided nothing, and says why in gRPC's words: "UNAVAILABLE"."""

    fields: Sequence[str] = ()
    """The fields that are wrong, if the request is."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a request says beside its names."""

    issuer: str = WORLD
    account: str = ""
    method: str = ""
    at_least: int = 0
    """Remotes that the caller wants to corroborate; 0: what the policy demands."""
    dry_run: bool = False
    control: Callable[[str], c.DomainControl] | None = None
    """How control of a name was proved, given the name."""
    validation: bool = False
    """Ask for a corroborated validation, and not for issuance."""


_USUAL = Terms()


class Service:
    """A channel to a coordinator."""

    def __init__(self, address: str, server_name: str, files: TlsFiles) -> None:
        """Connect when first asked."""
        self.address, self.server_name, self.files = address, server_name, files
        self._channel = self.open(channel_credentials(files))

    def open(self, credentials: grpc.ChannelCredentials, server_name: str = "") -> grpc.Channel:
        """Open another channel to the same service."""
        options = [("grpc.ssl_target_name_override", server_name or self.server_name)]
        return grpc.secure_channel(self.address, credentials, options)

    def ask(
        self, *names: str, terms: Terms = _USUAL, channel: grpc.Channel | None = None
    ) -> Answer:
        """Put one question, and wait for every perspective; raises NotDecidedError.

        Where somebody had too much to do it is asked again, as callers do.
        """
        for _ in range(_BUSY_TRIES):
            answer = self._ask_once(names, terms, channel)
            if answer and not any(map(_was_too_busy, answer.verdicts)):
                return answer
            time.sleep(1)
        raise NotDecidedError(_OVERLOADED)

    def verdicts(self, names: Sequence[str], terms: Terms = _USUAL) -> dict[str, Verdict]:
        """Ask about any number of names; return the verdicts by name as asked."""
        found: dict[str, Verdict] = {}
        for _ in range(_BUSY_TRIES):
            left = [name for name in names if name not in found or _was_too_busy(found[name])]
            for start in range(0, len(left), _NAMES):
                answer = self._ask_once(left[start : start + _NAMES], terms)
                found |= {one.name: one for one in answer.verdicts} if answer else {}
        return found

    def _ask_once(
        self, names: Sequence[str], terms: Terms, channel: grpc.Channel | None = None
    ) -> Answer | None:
        """Return no answer where the service has too much to do."""
        stub, wait = _stub(channel or self._channel), channel is None
        try:
            request = _make_request(names, terms)
            return _read_answer(stub.Corroborate(request, timeout=_SECONDS, wait_for_ready=wait))
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED:
                return None
            undecided = NotDecidedError(error.code().name)
            undecided.fields = _read_violations(error)
            raise undecided from error

    def read_back(self, record: str) -> Answer:
        """Return what the service wrote down of an answer."""
        request = c.GetCorroborationRequest(record_id=record)
        told = _stub(self._channel).GetCorroboration(request, timeout=_SECONDS)
        return _read_answer(told.verdict)

    def roster(self, channel: grpc.Channel | None = None) -> dict[str, str]:
        """Return the region of each perspective; raises NotDecidedError."""
        stub = _stub(channel or self._channel)
        try:
            told = stub.ListPerspectives(c.ListPerspectivesRequest(), timeout=_SECONDS)
        except grpc.RpcError as error:
            raise NotDecidedError(error.code().name) from error
        return {one.perspective_id: _region(one.rir) for one in told.perspectives}

    def __enter__(self) -> Self:
        """Nothing yet."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Hang up."""
        self._channel.close()


def _stub(channel: grpc.Channel) -> corroboration_pb2_grpc.CorroborationServiceStub:
    return corroboration_pb2_grpc.CorroborationServiceStub(channel)


def _make_request(names: Iterable[str], terms: Terms) -> c.CorroborateRequest:
    request = c.CorroborateRequest(
        request_id=f"clause-{uuid.uuid4()}",
        names=[_make_name(name, terms) for name in names],
        issuer=terms.issuer,
        account_uri=terms.account,
        dry_run=terms.dry_run,
        purpose=c.PURPOSE_VALIDATION if terms.validation else c.PURPOSE_ISSUANCE,
    )
    request.tightening.min_corroborating = terms.at_least
    request.linger.FromSeconds(10)
    return request


def _make_name(name: str, terms: Terms) -> c.RequestedName:
    control = terms.control(name) if terms.control else None
    return c.RequestedName(name=name, validation_method=terms.method, domain_control=control)


def _read_violations(error: grpc.RpcError) -> Sequence[str]:
    """Return the fields that the service names as wrong."""
    status = rpc_status.from_call(error)
    violated = error_details_pb2.BadRequest()
    for detail in status.details if status else ():
        if detail.Unpack(violated):
            return [one.field for one in violated.field_violations]
    return ()


def _read_answer(response: c.CorroborateResponse) -> Answer:
    policy = response.policy
    return Answer(
        approved=response.approved,
        corroborated=response.corroborated,
        reusable_until=_moment(response, "domain_control_usable_until"),
        code=response.error.code,
        verdicts=[_read_verdict(one) for one in response.names],
        asked_at=response.asked_at.ToDatetime(UTC),
        decided_at=response.decided_at.ToDatetime(UTC),
        usable_until=_moment(response, "caa_usable_until"),
        minimum_remotes=policy.minimum_remotes,
        allowed=policy.allowed_noncorroborations,
        minimum_regions=policy.minimum_regions,
        minimum_distance_km=policy.minimum_distance_km,
        agreement=_words(c.AddressAgreement.Name(policy.address_agreement), "ADDRESS_AGREEMENT_"),
        dry_run=response.dry_run,
        record=response.record_id,
        request=response.request_id,
    )


def _read_verdict(verdict: c.NameVerdict) -> Verdict:
    return Verdict(
        name=verdict.name,
        approved=verdict.approved,
        reason=_say_reason(verdict),
        detail=verdict.detail,
        code=verdict.error.code,
        quorum=verdict.quorum,
        required=verdict.required,
        usable_until=_moment(_caa_of(verdict.determinations), "usable_until"),
        reports=[_read_report(one) for one in verdict.perspectives],
        quorums={one.check: one.quorum for one in verdict.corroborations},
    )


def _read_report(report: c.PerspectiveReport) -> Report:
    walk: Sequence[o.Lookup] = ()
    addresses = o.Lookup()
    for finding in report.observation.findings:
        if finding.HasField("caa_walk") and not walk:
            walk = finding.caa_walk.levels
        elif finding.HasField("addresses"):
            addresses = finding.addresses.lookup
    caa = _caa_of(report.determinations)
    outcome = _words(c.Outcome.Name(caa.outcome), "OUTCOME_")
    return Report(
        perspective=report.perspective_id,
        is_primary=report.role == c.ROLE_PRIMARY,
        region=_region(report.rir),
        corroborates=report.corroborates,
        why=f"{report.check} {_words(c.Dissent.Name(report.dissent), 'DISSENT_')}".strip(),
        detail=report.detail,
        caa=Determination(outcome, caa.found_at, caa.clause, caa.record),
        walk=walk,
        addresses=addresses,
        validates=report.resolver.validates,
        slowest=timedelta(microseconds=max(report.lookups_us, default=0)),
    )


def _caa_of(determinations: Iterable[c.Determination]) -> c.Determination:
    return next((one for one in determinations if one.check == "caa"), c.Determination())


def _say_reason(verdict: c.NameVerdict) -> str:
    """Say the reason with its check: "primary caa forbids"."""
    reason = _words(c.Reason.Name(verdict.reason), "REASON_")
    return reason.replace("primary", f"primary {verdict.check}") if verdict.check else reason


def _moment(message: c.CorroborateResponse | c.Determination, field: str) -> datetime | None:
    if not message.HasField(field):
        return None
    moment: datetime = getattr(message, field).ToDatetime(UTC)
    return moment


def _words(name: str, prefix: str) -> str:
    words = name.removeprefix(prefix).lower().replace("_", " ")
    return "" if words == "unspecified" else words


def _region(rir: o.Rir.ValueType) -> str:
    return o.Rir.Name(rir).removeprefix("RIR_")


def _was_too_busy(verdict: Verdict) -> bool:
    return any(report.why == _OVERLOADED for report in verdict.reports)
