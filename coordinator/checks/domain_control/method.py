"""The shape of a method of domain validation: what it allows, how it looks, what it must see. Pure.

A method is one file. It reads the caller's parameters, says what perspectives look at, and judges
what one perspective found. It decides by facts alone: octets that were seen, never somebody's word
that they were there.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from coordinator.checks.check import (
    Findings,
    Judgement,
    MalformedFindingError,
    Statuses,
    choose_dissent,
    describe_failure,
    read_lookup,
)
from coordinator.checks.domain_control.authorization_domain import Allowed
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p


class Asked(NamedTuple):
    """What a method is asked to judge."""

    name: str
    """The name applied for, as looked up: without a wildcard label."""
    requested: c.RequestedDomainControl
    """Read and completed: the authorization domain name is set, values are SHA-256."""

    @property
    def control(self) -> c.DomainControl:
        """What was asked."""
        return self.requested.control

    @property
    def domain(self) -> str:
        """The Authorization Domain Name."""
        return self.requested.control.authorization_domain_name


class ValueRules(NamedTuple):
    """What the parameters of a method are read by."""

    at: datetime
    """When it is asked."""
    shortest_value: int
    """The least octets that a Random Value or Request Token may have."""


class Method(Protocol):
    """One method of BR 3.2.2.4."""

    allowed: Allowed
    """Its row in the table of BR 3.2.2.4."""
    clause: str
    """Such as "BR 3.2.2.4.7"."""
    has_challenge: bool
    """It has a Random Value, Request Token or token, which may be used for 30 days."""

    def read(self, control: c.DomainControl, rules: ValueRules) -> None:
        """Check the method's parameters, and put their SHA-256 in the place of values.

        Raises ParameterError; its field begins with the method's own field in DomainControl.
        """

    def questions(self, asked: Asked) -> Sequence[p.Check]:
        """Return what perspectives look at."""

    def judge(self, findings: Findings, asked: Asked, believed: Statuses) -> Judgement:
        """Judge what one perspective found, by itself.

        Raises MalformedFindingError, or NotValidatedError for an answer that is not `believed`. How
        long it may be used is filled in by the caller, unless the method has its own end.
        """

    def compare(self, remote: Findings, primary: Findings, asked: Asked) -> Judgement | None:
        """Judge a remote's findings against the primary's, after both passed; None: the same."""


def hash_value(value: str | bytes) -> bytes:
    """Return the SHA-256 by which a value is recorded and compared."""
    return hashlib.sha256(value.encode() if isinstance(value, str) else value).digest()


def proof_missing(
    fault: c.ProofFault.ValueType, detail: str, found_at: str = "", record: str = ""
) -> Judgement:
    """Return the judgement that what the method looks for is not there."""
    return Judgement(
        c.OUTCOME_PROOF_MISSING,
        c.DISSENT_PROOF_MISSING,
        detail,
        found_at=found_at,
        record=record,
        fault=fault,
    )


def could_not_learn(failure: o.Failure, what: str) -> Judgement:
    """Return the judgement that it could not be learned; `what` could not be looked at."""
    detail = f"{what}: {describe_failure(failure)}"
    if failure.kind == o.FAILURE_KIND_NO_WAY_OUT:
        detail += "; this perspective has no way to that address"
    return Judgement(c.OUTCOME_FAILED, choose_dissent(failure), detail)


def read_record_set(
    finding: o.Finding, owner: str, rdtype: o.RecordType.ValueType, believed: Statuses
) -> o.Lookup:
    """Return the lookup of one record set that was asked for.

    Raises MalformedFindingError, or NotValidatedError for an answer that is not `believed`.
    """
    if finding.records.type != rdtype:
        raise MalformedFindingError(f"records of type {finding.records.type} instead of {rdtype}")
    return read_lookup(finding.records.lookup, owner, believed)


def ask_records(owner: str, rdtype: o.RecordType.ValueType) -> p.Check:
    """Return the question for one record set."""
    return p.Check(records=p.RecordLookup(owner=owner, type=rdtype))


def join_strings(rdata: bytes) -> bytes | None:
    """Return the character-strings of a TXT record, joined (RFC 1035 section 3.3.14).

    None: the octets are no sequence of character-strings, or there is none.
    """
    joined, at = [], 0
    while at < len(rdata):
        end = at + 1 + rdata[at]
        if end > len(rdata):
            return None
        joined.append(rdata[at + 1 : end])
        at = end
    return b"".join(joined) if joined else None
