"""The terms that a record can be found by, each a number of 64 bits. Pure.

A store keeps (term, record) pairs in one index and does not know what they mean. A term is a
digest, so every name costs 8 octets. Two terms may collide (one in 2^64). The reader of the record
then sees which name it is. Facts that nearly every record shares have no term: that a name was
approved, or that a perspective was asked.
"""

import hashlib
from collections.abc import Iterator
from functools import lru_cache

from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import record_pb2 as r

_APPROVED = c.REASON_CORROBORATED
# Nobody waited for the reply, or the perspective corroborates.
_NO_DISSENT = (c.DISSENT_UNSPECIFIED, c.DISSENT_NOT_AWAITED)


def name_term(looked_up: str) -> int:
    """Return the term of a name; give the form that is looked up."""
    return _term("name", looked_up)


@lru_cache(1024)
def caller_term(caller: str) -> int:
    """Return the term of a caller's identity."""
    return _term("caller", caller)


def request_term(caller: str, request_id: str) -> int:
    """Return the term of a request; each caller chooses its own ids."""
    return _term("request", f"{caller}\n{request_id}")


@lru_cache(1024)
def reason_term(reason: int) -> int:
    """Return the term of a name's reason; CORROBORATED has none."""
    return _term("reason", str(reason))


@lru_cache(1024)
def dissent_term(perspective: str) -> int:
    """Return the term of a perspective that did not corroborate, in time or late."""
    return _term("dissent", perspective)


def serial_term(serial_number: bytes) -> int:
    """Return the term of a certificate's serial number."""
    return _term("serial", serial_number.hex())


def pruning_term() -> int:
    """Return the term of every pruning."""
    return _term("pruning", "")


def find_terms(entry: r.RecordEntry) -> tuple[int, ...]:
    """Return the terms by which an entry's record is found, each once."""
    match entry.WhichOneof("kind"):
        case "question":
            found = _terms_of_question(entry.question)
        case "late":
            found = _terms_of_late(entry.late)
        case "issuance":
            found = _terms_of_issuance(entry.issuance)
        case "pruning":
            found = iter([pruning_term()])
        case _:
            found = iter(())
    return tuple(dict.fromkeys(found))


def _terms_of_question(record: r.Record) -> Iterator[int]:
    yield request_term(record.caller, record.request_id)
    yield caller_term(record.caller)
    for name in record.names:
        yield name_term(name.looked_up or name.asked)
        if name.reason != _APPROVED:
            yield reason_term(name.reason)
        for index, reply in enumerate(name.replies):
            if reply.dissent not in _NO_DISSENT:
                yield dissent_term(record.perspectives[index].id)


def _terms_of_late(late: r.LateReplies) -> Iterator[int]:
    for one in late.replies:
        if one.reply.dissent not in _NO_DISSENT:
            yield dissent_term(one.perspective_id)


def _terms_of_issuance(issuance: r.RecordedIssuance) -> Iterator[int]:
    if issuance.issuance.serial_number:
        yield serial_term(issuance.issuance.serial_number)


def _term(kind: str, value: str) -> int:
    digest = hashlib.blake2b(f"{kind} {value}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)
