"""Whose failure a recorded verdict is, and whether it is remembered. Pure.

A determination says something of the names: each is approved, or at least one is refused for what
the domain shows. Nothing was determined if all refusals come from our own failures, or from the
caller's short time. Such an attempt is recorded like any other. But the same request asked again is
decided again.

This is worked out from what is recorded. So every process of every coordinator comes to the same
result, also after a restart.
"""

from coordinator.rules.responsibility import Needed, RemoteDissent, Responsible, blame_verdict
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import record_pb2 as r

NEWEST = 8
"""How many records of a request are read to find its verdict. Only attempts that ran at the same
time can come after the verdict, however often the request failed before."""


def blame_name(record: r.Record, name: r.RecordedName) -> Responsible | None:
    """Return whose failure it is that a recorded name is not approved; None: it is approved."""
    if name.reason == c.REASON_CORROBORATED:
        return None
    dissents = [reply.dissent for reply in name.replies]
    pairs = zip(record.perspectives, dissents)  # noqa: B905 - whatever a record has
    remotes = [RemoteDissent(one.rir, dissent) for one, dissent in pairs][1:]
    primary = dissents[0] if dissents else c.DISSENT_UNSPECIFIED
    needed = Needed(name.required, record.policy.minimum_regions)
    return blame_verdict(name.reason, primary, remotes, needed)


def is_determination(record: r.Record) -> bool:
    """Whether a record's verdict is the one of its request.

    Our own failures alone are no such verdict. Nor is a verdict that was superseded by another.
    """
    if record.superseded_by:
        return False
    refused = [name for name in record.names if name.reason != c.REASON_CORROBORATED]
    return not refused or any(blame_name(record, one) is Responsible.DOMAIN for one in refused)
