"""DNS messages: the query this agent sends and the check of every answer it reads. Pure.

Most answers say "there is none". Those are read by header and question alone, which costs a small
part of what dnspython takes. `records` reads answers with records. dnspython reads refusals and
their Extended DNS Errors. An answer counts as an absence only if it passes every check.
"""

import struct
from functools import lru_cache
from typing import NamedTuple

import dns.edns
import dns.exception
import dns.message
import dns.rcode
import dns.rdtypes.ANY.NSEC

from mpic.v1 import observation_pb2 as o
from perspective_agent.dns.denial import lists, read_denial
from perspective_agent.dns.records import (
    MalformedRecordError,
    ResourceRecord,
    is_below,
    name_to_text,
    read_data,
    read_only_name,
    read_records,
    skip_records,
)

A = 1
CNAME = 5
PTR = 12
AAAA = 28
DS = 43
CAA = 257
"""Of each record (RFC 1035 section 3.4.1, RFC 3596 section 2.2)."""
_DNAME = 39
_IN = 1
_NXNAME = 128  # RFC 9824 section 3.5
_MAX_ALIASES = 16
_EXTRA_TEXT = 512
"""Characters of an Extended DNS Error's text; it may have come from anybody's server."""

# RD: recurse. AD: say whether the answer is secure (RFC 6840 section 5.7). CD is never set.
_QUERY_FLAGS = 0x0120
# OPT without DO, so that Extended DNS Errors come and signatures do not.
_OPT = b"\x00\x00\x29\xff\xff\x00\x00\x00\x00\x00\x00"
# With DO: only where denials are read (`denial`).
_OPT_DO = b"\x00\x00\x29\xff\xff\x00\x00\x80\x00\x00\x00"
_HEADER = struct.Struct("!6H")
_QUESTION_END = struct.Struct("!HH")
_LENGTHS = [bytes((length,)) for length in range(256)]

_QR = 0x8000
_OPCODE = 0x7800
_TC = 0x0200
_AD = 0x0020
_NXDOMAIN = 3

_RCODE_KINDS = {
    dns.rcode.SERVFAIL: o.FAILURE_KIND_SERVFAIL,
    dns.rcode.REFUSED: o.FAILURE_KIND_REFUSED,
}

# Extended DNS Errors that say "DNSSEC validation failed" (RFC 8914 section 4.7 to 4.13).
_BOGUS_ERRORS = frozenset(range(6, 13))


class Query(NamedTuple):
    """One question: its name, its type, and its question section in wire form."""

    name: str
    rdtype: int
    question: bytes

    def encode(self, query_id: int) -> bytes:
        """Return the whole message."""
        opt = _OPT_DO if self.rdtype == DS else _OPT
        return _HEADER.pack(query_id, _QUERY_FLAGS, 1, 0, 0, 1) + self.question + opt


def make_query(name: str, rdtype: int) -> Query:
    """Make the query for `name` (lower-case A-labels, no final dot; "" is the root)."""
    return Query(name, rdtype, _encode_name(name) + _QUESTION_END.pack(rdtype, _IN))


@lru_cache(256)  # a name is asked for more than one type
def _encode_name(name: str) -> bytes:
    labels = name.encode("ascii").split(b".") if name else ()
    return b"".join([_LENGTHS[len(label)] + label for label in labels]) + b"\x00"


def read_answer(query: Query, query_id: int, wire: bytes) -> o.Lookup:
    """Read the resolver's answer to `query`; whatever is wrong with it is a failure."""
    try:
        return _read(query, query_id, wire)
    except _MismatchError as error:
        return failed(query.name, o.FAILURE_KIND_MISMATCH, str(error))
    except _AliasError as error:
        return failed(query.name, o.FAILURE_KIND_ALIAS, str(error))
    except (dns.exception.DNSException, ValueError, struct.error) as error:
        detail = f"the answer does not parse: {type(error).__name__}: {error}"
        return failed(query.name, o.FAILURE_KIND_MALFORMED, detail)


def _read(query: Query, query_id: int, wire: bytes) -> o.Lookup:
    answer_id, flags, questions, answers, authority, additional = _HEADER.unpack_from(wire)
    if answer_id != query_id:
        raise _MismatchError("the answer has another id")
    _check_question(query, wire, flags, questions)
    if flags & _TC:
        return failed(query.name, o.FAILURE_KIND_TRUNCATED, "the answer was cut short (TC)")
    rcode = flags & 0xF
    if rcode not in (0, _NXDOMAIN) or additional != 1 or not _ends_in_plain_opt(wire):
        refusal = _read_refusal(query, wire)
        if refusal is not None:
            return refusal
    else:
        _check_length(query, wire, answers + authority)
    if answers:
        lookup = _read_answer_section(query, wire, answers, rcode)
    else:
        lookup = _read_empty(query, wire, authority, rcode)
    # The resolver was shown to validate, so no AD means that it proved the name insecure.
    lookup.dnssec = o.DNSSEC_SECURE if flags & _AD else o.DNSSEC_INSECURE
    if query.rdtype == DS and lookup.absence == o.ABSENCE_NO_DATA:
        proof = read_denial(query.name, wire)
        if proof is not None:
            lookup.insecurity_proof.CopyFrom(proof)
    return lookup


def failed(
    name: str,
    kind: o.FailureKind.ValueType,
    detail: str,
    dnssec: o.Dnssec.ValueType = o.DNSSEC_INDETERMINATE,
) -> o.Lookup:
    """Make the lookup of `name` that ended in a failure."""
    return o.Lookup(name=name, failure=o.Failure(kind=kind, detail=detail), dnssec=dnssec)


class _MismatchError(Exception):
    """An answer does not belong to the question."""


class _AliasError(Exception):
    """The aliases of an answer lead nowhere."""


def _check_question(query: Query, wire: bytes, flags: int, questions: int) -> None:
    """Check that an answer belongs to the query (RFC 5452 section 9.1)."""
    if not flags & _QR:
        raise _MismatchError("the message is not a response (QR=0)")
    if flags & _OPCODE:
        raise _MismatchError(f"the answer has opcode {(flags & _OPCODE) >> 11}")
    end = _HEADER.size + len(query.question)
    if questions != 1 or wire[_HEADER.size : end] != query.question:
        raise _MismatchError("the answer is to another question (name, type or class)")


def _ends_in_plain_opt(wire: bytes) -> bool:
    """Whether the last record is an OPT without options and without an extended RCODE."""
    opt = wire[-len(_OPT) :]
    return opt[:3] == _OPT[:3] and opt[5] == 0 and opt[9:] == b"\x00\x00"


def _check_length(query: Query, wire: bytes, records: int) -> None:
    """Check that so many records fill the message up to its OPT, none cut, nothing behind."""
    end = skip_records(wire, _HEADER.size + len(query.question), records)
    if end != len(wire) - len(_OPT):
        raise MalformedRecordError(f"{len(wire) - len(_OPT) - end} octets too many")


def _read_empty(query: Query, wire: bytes, authority: int, rcode: int) -> o.Lookup:
    """Read a NOERROR or NXDOMAIN answer without records (RFC 2308 section 2)."""
    if rcode == _NXDOMAIN:
        absence = o.ABSENCE_NAME_ERROR
    elif authority > 1 and _is_compact_denial(wire):
        absence = o.ABSENCE_NXNAME
    else:
        absence = o.ABSENCE_NO_DATA
    return o.Lookup(name=query.name, absence=absence)


def _read_answer_section(query: Query, wire: bytes, answers: int, rcode: int) -> o.Lookup:
    """Read the records of a NOERROR or NXDOMAIN answer."""
    name_asked = query.question[:-4]
    section, _ = read_records(wire, _HEADER.size + len(query.question), answers, name_asked)
    if any(record.rdclass != _IN for record in section):
        raise MalformedRecordError("a record of another class in the answer")
    lookup = o.Lookup(name=query.name)
    owner = _follow_aliases(query, wire, section, lookup)
    # All of them belong to that owner: others would be strays.
    records = [record for record in section if record.rdtype == query.rdtype]
    if rcode == _NXDOMAIN:
        # The RCODE belongs to the last name of the chain (RFC 6604 section 3).
        if records:
            raise MalformedRecordError("NXDOMAIN with records of the name it denies")
        lookup.absence = o.ABSENCE_NAME_ERROR
    elif records:
        lookup.records.owner = query.name if not lookup.aliases else name_to_text(owner)
        lookup.records.ttl = min([record.ttl for record in records])
        data = read_data(query.rdtype, wire, records)
        lookup.records.rdata.extend(dict.fromkeys(data))
    else:
        lookup.absence = o.ABSENCE_NO_DATA
    return lookup


def _follow_aliases(
    query: Query, wire: bytes, section: list[ResourceRecord], lookup: o.Lookup
) -> bytes:
    """Follow the CNAMEs from the name asked, note each in `lookup`, return where they end.

    A query for CNAME is not followed (RFC 1034 section 3.6.2): the first one is its answer.
    """
    owner = query.question[:-4]
    aliased: set[bytes] = set()
    if len(section) > 1 or section[0].rdtype != query.rdtype:
        targets = _read_targets(wire, section)
        if query.rdtype == CNAME:
            aliased = {owner} & targets.keys()
            targets = {}
        while found := targets.get(owner):
            target, ttl = found
            lookup.aliases.add(owner=name_to_text(owner), target=name_to_text(target), ttl=ttl)
            aliased.add(owner)
            if target in aliased:
                raise _AliasError(f"the aliases loop at {name_to_text(target)}")
            if len(aliased) > _MAX_ALIASES:
                raise _AliasError(f"more than {_MAX_ALIASES} aliases")
            owner = target
    _check_strays(query, section, aliased, owner)
    return owner


def _check_strays(
    query: Query, section: list[ResourceRecord], aliased: set[bytes], end: bytes
) -> None:
    """Check that every record of an answer belongs to an alias, or to where the aliases end."""
    for record in section:
        if record.owner == end and record.rdtype != _DNAME:
            continue
        if record.owner in aliased:
            # "If a CNAME RR is present at a node, no other data should be present" (RFC 1034
            # section 3.6.2). Passing over a set that may forbid would make an absence by accident.
            if record.rdtype == query.rdtype:
                raise _AliasError(f"{name_to_text(record.owner)} is an alias and has records too")
        elif record.rdtype != _DNAME:
            raise _AliasError(f"records of {name_to_text(record.owner)}, to which no alias leads")
        elif not any(is_below(name, record.owner) for name in aliased):
            # A DNAME stands beside the CNAME made from it (RFC 6672 section 3.1).
            raise _AliasError(f"a DNAME of {name_to_text(record.owner)} that nothing follows from")


def _read_targets(wire: bytes, section: list[ResourceRecord]) -> dict[bytes, tuple[bytes, int]]:
    """Return, by the owner of each CNAME in an answer, where it leads and its TTL."""
    targets: dict[bytes, tuple[bytes, int]] = {}
    for record in section:
        if record.rdtype == CNAME:
            if record.owner in targets:
                raise _AliasError(f"{name_to_text(record.owner)} is an alias twice")
            targets[record.owner] = (read_only_name(wire, record), record.ttl)
    return targets


def _read_refusal(query: Query, wire: bytes) -> o.Lookup | None:
    """Read, by dnspython, what may be a failure; None if its RCODE says it is an answer."""
    message = dns.message.from_wire(wire)
    rcode = message.rcode()
    if rcode in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        return None
    kind = _RCODE_KINDS.get(rcode, o.FAILURE_KIND_OTHER_RCODE)
    lookup = failed(query.name, kind, f"the resolver answered {dns.rcode.to_text(rcode)}")
    lookup.failure.rcode = rcode
    extended = [option for option in message.options if isinstance(option, dns.edns.EDEOption)]
    # The error that says why validation failed decides, whatever other errors there are.
    extended.sort(key=lambda option: option.code not in _BOGUS_ERRORS)
    if extended:
        error = extended[0]
        lookup.failure.extended_error.code = error.code
        lookup.failure.extended_error.text = (error.text or "")[:_EXTRA_TEXT]
        if error.code in _BOGUS_ERRORS and rcode == dns.rcode.SERVFAIL:
            lookup.failure.kind = o.FAILURE_KIND_BOGUS
            lookup.dnssec = o.DNSSEC_BOGUS
    return lookup


def _is_compact_denial(wire: bytes) -> bool:
    """Whether a NODATA answer is compact denial of existence (RFC 9824 section 2)."""
    message = dns.message.from_wire(wire)
    owner = message.question[0].name
    return any(
        isinstance(rdata, dns.rdtypes.ANY.NSEC.NSEC) and lists(rdata, _NXNAME)
        for rrset in message.authority
        if rrset.name == owner
        for rdata in rrset
    )
