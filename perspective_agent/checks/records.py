"""One DNS record set at one owner: the first of three ways of looking. Pure.

Each domain-control method that looks at DNS is this check with an owner and a type of its own. The
coordinator judges the set; this agent knows no method, and no value that anybody expects.
"""

from mpic.names import is_owner
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p
from perspective_agent.dns.lookup import Answer, LookupTarget
from perspective_agent.unbound.configuration import CANARY
from perspective_agent.wants import Missing, Step, Want

_TYPES = frozenset(o.RecordType.values()) - {o.RECORD_TYPE_UNSPECIFIED}


class RecordsCheck:
    """The record set of one type at one owner."""

    def __init__(self, owner: str, rdtype: o.RecordType.ValueType) -> None:
        """Look up `owner`, which may have labels with underscores."""
        self._target = LookupTarget(owner, rdtype)
        self._rdtype = rdtype

    def start(self) -> Step:
        """Want the one lookup, unless it cannot be made."""
        failure = _find_failure(self._target)
        return (Want(self._target, self._take),) if failure is None else o.Finding(not_run=failure)

    def finish(self, missing: Missing) -> o.Finding:
        """Return the finding if there is no answer."""
        return self._take(missing(self._target))

    def _take(self, answer: Answer) -> o.Finding:
        records = o.RecordsFinding(type=self._rdtype, lookup=answer.levels[0])
        return o.Finding(records=records)


def make(_name: str, asked: p.Check) -> RecordsCheck:
    """Return the check of the owner that is asked for; the question's name has no part in it."""
    return RecordsCheck(asked.records.owner, asked.records.type)


def _find_failure(target: LookupTarget) -> o.Failure | None:
    """Return why a set cannot be looked up here; None: it can."""
    if target.rdtype not in _TYPES:
        detail = f"this agent does not look up the record type {target.rdtype}"
        return o.Failure(kind=o.FAILURE_KIND_UNSUPPORTED_CHECK, detail=detail)
    if not is_owner(target.name):
        # Such a name would break the message to the resolver, and with it the whole stream.
        return _unaskable("the owner is not in the form that is looked up")
    if target.name.rpartition(".")[2] == CANARY:
        return _unaskable(f"this agent looks up nothing below {CANARY}: there all is bogus to it")
    return None


def _unaskable(detail: str) -> o.Failure:
    return o.Failure(kind=o.FAILURE_KIND_INTERNAL, detail=detail)
