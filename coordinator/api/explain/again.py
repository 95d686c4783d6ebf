"""Asks again what a record was asked, as a dry run: the request, made from the record. Pure.

Of a Random Value or a Request Token (BR 1.6.1) the record has the SHA-256 alone. So what was proved
by one cannot be looked for again. ACME's challenges can: their SHA-256 is enough.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from coordinator.checks import CAA, DOMAIN_CONTROL
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import record_pb2 as r

_PREFIX = "explain"
_LINGER = 2
"""Seconds: so that the page shows what slow perspectives saw."""
_CHALLENGE_LIFE = timedelta(days=30)
"""BR 3.2.2.4: a Random Value is used for at most 30 days."""
_SECRET = frozenset({"dns_change", "website_change"})
"""Methods whose value the record does not have."""


@dataclass(frozen=True, slots=True)
class Repetition:
    """What can be asked again of a record."""

    request: c.CorroborateRequest
    is_partial: bool
    """Whether domain control is left out."""

    @property
    def asks_proof(self) -> bool:
        """Whether a proof of control is looked for again: it has to be there still."""
        return any(one.HasField("domain_control") for one in self.request.names)

    @property
    def is_possible(self) -> bool:
        """Whether anything is left to ask."""
        kept = [one for one in self.request.names if one.HasField("domain_control")]
        return bool(self.request.checks) or len(kept) == len(self.request.names)


def make_repetition(record: r.Record, at: datetime) -> Repetition:
    """Return the request that asks again, with a new request id that names the record."""
    request = c.CorroborateRequest(
        request_id=f"{_PREFIX}:{record.id.hex()}:{secrets.token_hex(8)}",
        issuer=record.issuer,
        purpose=record.purpose or c.PURPOSE_ISSUANCE,
        dry_run=True,
    )
    request.linger.seconds = _LINGER
    if record.HasField("tightening"):
        request.tightening.CopyFrom(record.tightening)
    kinds: set[str] = set()
    is_partial = False
    for name in record.names:
        asked = request.names.add(name=name.asked)
        for check in name.checks:
            kind = check.WhichOneof("kind") or ""
            if kind == DOMAIN_CONTROL:
                is_partial |= not _copy_control(asked, check.domain_control.control, at)
                continue
            kinds.add(kind)
            if kind == CAA:
                asked.validation_method = check.caa.validation_method
                request.account_uri = check.caa.account_uri
    request.checks.extend(sorted(kinds))
    if is_partial:
        request.purpose = c.PURPOSE_ISSUANCE
    return Repetition(request, is_partial)


def is_repetition(record: r.Record, of: r.Record) -> bool:
    """Whether a record is of a request that `make_repetition` made of another."""
    prefix = f"{_PREFIX}:{of.id.hex()}:"
    return record.dry_run and record.caller == of.caller and record.request_id.startswith(prefix)


def _copy_control(asked: c.RequestedName, control: c.DomainControl, at: datetime) -> bool:
    """Copy how control was proved, if that can be looked for again; return whether it can."""
    if control.WhichOneof("method") in {None, *_SECRET}:
        return False
    if control.HasField("challenge_created_at"):
        created = control.challenge_created_at.ToMicroseconds() / 1e6
        if at.timestamp() - created >= _CHALLENGE_LIFE.total_seconds():
            return False
    asked.domain_control.CopyFrom(control)
    return True
