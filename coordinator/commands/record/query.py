"""Which records are wanted: what to ask a store for, and which of its finds fit. Pure.

Terms are digests, and approved records have few of them. So every record that a store finds is
compared with all criteria once more.
"""

from dataclasses import dataclass
from datetime import datetime

from coordinator.decision.attempt_id import lowest_id
from coordinator.record.entries import RecordEntries
from coordinator.record.index_terms import (
    caller_term,
    dissent_term,
    name_term,
    reason_term,
    request_term,
)
from coordinator.record.older import older_reasons
from coordinator.record.stores.base import Search
from mpic.name_form import is_wildcard
from mpic.names import parse_name
from mpic.runtime.problem import Flaw, suggest
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import record_pb2 as r

_PREFIX = "REASON_"
_NO_DISSENT = (c.DISSENT_UNSPECIFIED, c.DISSENT_NOT_AWAITED)


@dataclass(frozen=True, slots=True)
class RecordCriteria:
    """Criteria that a record must meet, all of them; an empty one is met by every record."""

    name: str = ""
    """A name of the certificate; "example.com" finds "*.example.com" too: both look up the same."""
    since: datetime | None = None
    until: datetime | None = None
    """Not itself."""
    reason: "c.Reason.ValueType" = c.REASON_UNSPECIFIED
    """Of at least one name."""
    perspective: str = ""
    """The perspective that did not corroborate, in the answer or late."""
    caller: str = ""
    request_id: str = ""

    def searches(self, *, newest_first: bool) -> list[Search]:
        """Return what to ask of a store; raises InvalidNameError.

        More than one where records from before names had their checks are indexed otherwise.
        """
        terms = []
        if self.request_id and self.caller:
            terms.append(request_term(self.caller, self.request_id))
        if self.name:
            terms.append(name_term(parse_name(self.name).looked_up))
        if self.perspective:
            terms.append(dissent_term(self.perspective))
        bounds = Search()
        since = lowest_id(self.since) if self.since else bounds.since
        until = lowest_id(self.until) if self.until else bounds.until
        if self.reason in (c.REASON_UNSPECIFIED, c.REASON_CORROBORATED):
            reasons: list[list[int]] = [[]]
        else:
            reasons = [[reason_term(one)] for one in older_reasons(self.reason)]
        # The most telling term first.
        last = [caller_term(self.caller)] if self.caller and not self.request_id else []
        return [
            Search([*terms, *reason, *last], since, until, newest_first=newest_first)
            for reason in reasons
        ]

    def meets(self, entries: RecordEntries) -> bool:
        """Whether a record is wanted."""
        record = entries.question
        if record is None:
            return False
        return (
            self.caller in ("", record.caller)
            and self.request_id in ("", record.request_id)
            and (not self.reason or any(name.reason == self.reason for name in record.names))
            and (not self.name or self._has_name(record))
            and (not self.perspective or self.perspective in dissenting(entries, record))
        )

    def _has_name(self, record: r.Record) -> bool:
        wanted = parse_name(self.name)
        return any(
            (name.looked_up or name.asked) == wanted.looked_up
            and (not wanted.wildcard or is_wildcard(name.asked))
            for name in record.names
        )


def dissenting(entries: RecordEntries, record: r.Record) -> set[str]:
    """Return the ids of the perspectives that did not corroborate some name, at once or late."""
    each = (dissenting_on(entries, record, index) for index in range(len(record.names)))
    return set().union(*each)


def dissenting_on(entries: RecordEntries, record: r.Record, index: int) -> set[str]:
    """Return the ids of the perspectives that did not corroborate one name, at once or late."""
    replies = zip(record.perspectives, record.names[index].replies, strict=True)
    told = {one.id for one, reply in replies if reply.dissent not in _NO_DISSENT}
    late = (one for one in entries.late if one.name == index)
    return told | {one.perspective_id for one in late if one.reply.dissent not in _NO_DISSENT}


def read_reason(text: str) -> "c.Reason.ValueType":
    """Return the reason that a person writes, in whatever case; raises Flaw."""
    name = text.upper().replace("-", "_").removeprefix(_PREFIX)
    known = [one.removeprefix(_PREFIX) for one in c.Reason.keys()[1:]]
    if name not in known:
        raise Flaw(f"{text!r} is no reason", suggest(name, known))
    return c.Reason.Value(_PREFIX + name)
