"""Every check of an answer's wire form, and dnspython as the oracle for what is read."""

import struct

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpic.v1 import observation_pb2 as o
from perspective_agent.dns.records import (
    MalformedRecordError,
    name_to_text,
    read_name,
    read_records,
)
from perspective_agent.dns.wire import AAAA, CAA, CNAME, PTR, A, Query, make_query, read_answer

NAME = "child.parent.example.co.jp"
QUERY = make_query(NAME, CAA)
ID = 4711
SOA = "parent.example.co.jp. 5 IN SOA ns1.parent.example.co.jp. admin.example. 1 2 3 4 5"


def rrset(text: str) -> dns.rrset.RRset:
    owner, ttl, _, rdtype, rdata = text.split(maxsplit=4)
    return dns.rrset.from_text(owner, int(ttl), "IN", rdtype, rdata)


def answer(
    *records: str, rcode: int = 0, authority: tuple[str, ...] = (), query: Query = QUERY
) -> dns.message.Message:
    """The resolver's answer to a query as dnspython makes it."""
    message = dns.message.make_response(dns.message.from_wire(query.encode(ID)))
    message.use_edns(0)
    message.set_rcode(rcode)
    message.flags |= dns.flags.RA
    merged: dict[tuple[dns.name.Name, int], dns.rrset.RRset] = {}
    for text in records:
        one = rrset(text)
        merged.setdefault((one.name, one.rdtype), one).update(one)
    message.answer.extend(merged.values())
    message.authority.extend(rrset(text) for text in authority)
    return message


def read(message: dns.message.Message) -> o.Lookup:
    return read_answer(QUERY, ID, message.to_wire())


def test_rfc_6840_the_query_sets_ad_and_never_cd() -> None:
    query = dns.message.from_wire(QUERY.encode(ID))
    assert query.id == ID
    assert query.flags == dns.flags.RD | dns.flags.AD
    assert query.edns == 0
    assert not query.ednsflags & dns.flags.DO
    assert [str(one) for one in query.question] == [f"{NAME}. IN CAA"]


@pytest.mark.parametrize(
    ("message", "absence"),
    [
        (answer(authority=(SOA,)), o.ABSENCE_NO_DATA),
        (answer(), o.ABSENCE_NO_DATA),
        (answer(rcode=3, authority=(SOA,)), o.ABSENCE_NAME_ERROR),
        (answer(rcode=3), o.ABSENCE_NAME_ERROR),
    ],
)
def test_rfc_2308_no_data_and_nxdomain_are_absences(
    message: dns.message.Message, absence: o.Absence.ValueType
) -> None:
    lookup = read(message)
    assert lookup.absence == absence
    assert lookup.dnssec == o.DNSSEC_INSECURE
    assert lookup.name == NAME


def test_ad_says_secure() -> None:
    for message in (answer(authority=(SOA,)), answer(f'{NAME}. 5 IN CAA 0 issue "a"')):
        message.flags |= dns.flags.AD
        assert read(message).dnssec == o.DNSSEC_SECURE


def test_rfc_6604_the_rcode_belongs_to_the_end_of_the_aliases() -> None:
    lookup = read(answer(f"{NAME}. 5 IN CNAME gone.example.", rcode=3, authority=(SOA,)))
    assert lookup.absence == o.ABSENCE_NAME_ERROR
    assert [alias.target for alias in lookup.aliases] == ["gone.example"]


def test_rfc_9824_nxname_is_an_absence() -> None:
    nsec = f"{NAME}. 5 IN NSEC \\000.{NAME}. RRSIG NSEC TYPE128"
    assert read(answer(authority=(SOA, nsec))).absence == o.ABSENCE_NXNAME
    plain = f"{NAME}. 5 IN NSEC \\000.{NAME}. A RRSIG NSEC"
    assert read(answer(authority=(SOA, plain))).absence == o.ABSENCE_NO_DATA


def test_nxname_of_another_name_says_nothing() -> None:
    nsec = f"parent.example.co.jp. 5 IN NSEC \\000.{NAME}. RRSIG NSEC TYPE128"
    assert read(answer(authority=(SOA, nsec))).absence == o.ABSENCE_NO_DATA


@pytest.mark.parametrize("rcode", [0, 3])
def test_rfc_8914_an_extended_error_beside_an_absence_changes_nothing(rcode: int) -> None:
    message = answer(rcode=rcode, authority=(SOA,))
    message.use_edns(0, options=[dns.edns.EDEOption(dns.edns.EDECode.STALE_ANSWER, "x")])
    expected = o.ABSENCE_NAME_ERROR if rcode else o.ABSENCE_NO_DATA
    assert read(message).absence == expected


def test_records_come_out_octet_for_octet() -> None:
    lookup = read(
        answer(f'{NAME}. 7 IN CAA 0 issue "ca.example"', f'{NAME}. 7 IN CAA 128 iodef "x"')
    )
    assert lookup.records.owner == NAME
    assert lookup.records.ttl == 7
    assert sorted(lookup.records.rdata) == [b"\x00\x05issueca.example", b"\x80\x05iodefx"]


def hand_made(*records: tuple[int, int, bytes], query: Query = QUERY) -> bytes:
    """An answer with records of NAME that dnspython would merge: (type, TTL, data)."""
    header = struct.pack("!6H", ID, 0x8180, 1, len(records), 0, 1)
    section = b"".join(
        b"\xc0\x0c" + struct.pack("!HHIH", rdtype, 1, ttl, len(data)) + data
        for rdtype, ttl, data in records
    )
    return header + query.question + section + b"\x00\x00\x29\x04\xd0" + bytes(6)


ONE, TWO = b"\x00\x05issueca.example", b"\x00\x05issue;"


def test_an_opt_that_promises_options_and_has_none_is_no_answer() -> None:
    wire = hand_made()
    assert read_answer(QUERY, ID, wire).absence == o.ABSENCE_NO_DATA
    lookup = read_answer(QUERY, ID, wire[:-1] + b"\x04")
    assert lookup.failure.kind == o.FAILURE_KIND_MALFORMED


def test_rfc_2181_5_2_the_shortest_ttl_is_the_sets() -> None:
    lookup = read_answer(QUERY, ID, hand_made((CAA, 300, ONE), (CAA, 20, TWO), (CAA, 60, ONE)))
    assert lookup.records.ttl == 20


def test_rfc_2181_5_a_record_stands_once_in_its_set() -> None:
    lookup = read_answer(QUERY, ID, hand_made((CAA, 60, ONE), (CAA, 60, TWO), (CAA, 60, ONE)))
    assert list(lookup.records.rdata) == [ONE, TWO]


def test_records_of_other_types_are_not_in_the_set() -> None:
    lookup = read_answer(QUERY, ID, hand_made((CAA, 60, ONE), (16, 60, b"\x01x"), (46, 60, TWO)))
    assert list(lookup.records.rdata) == [ONE]


def test_rfc_1034_3_6_2_a_set_beside_an_alias_is_not_passed_over() -> None:
    """Whoever follows the alias loses a set that may forbid."""
    alias, target = f"{NAME}. 9 IN CNAME a.example.", 'a.example. 7 IN CAA 0 issue "ca.example"'
    beside = f'{NAME}. 9 IN CAA 0 issue "other.example"'
    for records in ((alias, beside, target), (beside, alias), (beside, alias, target)):
        lookup = read(answer(*records))
        assert lookup.failure.kind == o.FAILURE_KIND_ALIAS
        assert "is an alias and has records too" in lookup.failure.detail


def test_signatures_and_other_types_beside_an_alias_are_no_set() -> None:
    lookup = read(answer(f"{NAME}. 9 IN CNAME a.example.", f'{NAME}. 9 IN TXT "x"'))
    assert lookup.absence == o.ABSENCE_NO_DATA


def test_rfc_2181_10_1_a_name_is_an_alias_of_one() -> None:
    aliases = [(5, 60, b"\x01a\x07example\x00"), (5, 60, b"\x01b\x07example\x00")]
    lookup = read_answer(QUERY, ID, hand_made(*aliases))
    assert lookup.failure.kind == o.FAILURE_KIND_ALIAS
    assert "is an alias twice" in lookup.failure.detail


def test_an_alias_is_one_name_and_nothing_else() -> None:
    target = b"\x01a\x07example\x00"
    good = read_answer(QUERY, ID, hand_made((5, 60, target)))
    assert good.absence == o.ABSENCE_NO_DATA
    for rdata in (target + b"\x00", target[:-1]):
        lookup = read_answer(QUERY, ID, hand_made((5, 60, rdata)))
        assert lookup.failure.kind == o.FAILURE_KIND_MALFORMED


@pytest.mark.parametrize("octets", [b"\x00", b"\xc0\x0c\x00\x01", bytes(11)])
@pytest.mark.parametrize("authority", [(), (SOA,)], ids=["bare", "SOA"])
def test_octets_that_belong_to_no_record_make_no_absence(
    octets: bytes, authority: tuple[str, ...]
) -> None:
    wire = answer(authority=authority).to_wire()
    assert read_answer(QUERY, ID, wire).absence == o.ABSENCE_NO_DATA
    padded = wire[:-11] + octets + wire[-11:]
    assert read_answer(QUERY, ID, padded).failure.kind == o.FAILURE_KIND_MALFORMED


@pytest.mark.parametrize("count", [1, 2, 65535])
def test_records_that_are_promised_and_missing_make_no_absence(count: int) -> None:
    wire = bytearray(answer().to_wire())
    wire[8:10] = count.to_bytes(2, "big")
    assert read_answer(QUERY, ID, bytes(wire)).failure.kind == o.FAILURE_KIND_MALFORMED


def test_a_tag_dnspython_refuses_still_comes_out() -> None:
    wire = answer(f'{NAME}. 7 IN CAA 0 issue "ca.example"').to_wire().replace(b"issue", b"is-ue")
    assert list(read_answer(QUERY, ID, wire).records.rdata) == [b"\x00\x05is-ueca.example"]


def test_aliases_are_followed_and_noted() -> None:
    lookup = read(
        answer(
            f"{NAME}. 9 IN CNAME a.example.",
            "A.example. 8 IN CNAME b.example.",
            'b.example. 7 IN CAA 0 issue "ca.example"',
        )
    )
    assert [(one.owner, one.target, one.ttl) for one in lookup.aliases] == [
        (NAME, "a.example", 9),
        ("a.example", "b.example", 8),
    ]
    assert lookup.records.owner == "b.example"


def test_a_dname_beside_its_cname_is_no_stray() -> None:
    lookup = read(
        answer(
            "parent.example.co.jp. 9 IN DNAME other.test.",
            f"{NAME}. 9 IN CNAME child.other.test.",
            'child.other.test. 7 IN CAA 0 issue "ca.example"',
        )
    )
    assert lookup.records.owner == "child.other.test"


def read_as(rdtype: int, *records: str, rcode: int = 0) -> o.Lookup:
    query = make_query(NAME, rdtype)
    return read_answer(query, ID, answer(*records, rcode=rcode, query=query).to_wire())


DNAME = "parent.example.co.jp. 9 IN DNAME Other.test."


@pytest.mark.parametrize("beside", [(), (DNAME,)], ids=["written", "made from a DNAME"])
def test_rfc_1034_3_6_2_a_query_for_an_alias_is_answered_by_it(beside: tuple[str, ...]) -> None:
    lookup = read_as(CNAME, *beside, f"{NAME}. 7 IN CNAME Child.Other.test.")
    assert list(lookup.records.rdata) == [b"\x05child\x05other\x04test\x00"]
    assert (lookup.records.owner, lookup.records.ttl) == (NAME, 7)
    assert not lookup.aliases


def test_a_name_in_a_set_is_whole_wherever_it_stood_in_the_message() -> None:
    """dnspython compresses it, as resolvers do; alone it would point into nothing."""
    whole = make_query(f"x.{NAME}", A).question[:-4]
    for rdtype, text in ((CNAME, "CNAME"), (PTR, "PTR")):
        lookup = read_as(rdtype, f"{NAME}. 7 IN {text} X.{NAME}.")
        assert list(lookup.records.rdata) == [whole]


def test_a_name_without_an_alias_has_none() -> None:
    assert read_as(CNAME).absence == o.ABSENCE_NO_DATA
    assert read_as(CNAME, rcode=3).absence == o.ABSENCE_NAME_ERROR


@pytest.mark.parametrize(
    ("records", "detail"),
    [
        ((DNAME,), "nothing follows from"),
        ((f"{NAME}. 5 IN CNAME a.test.", "a.test. 5 IN CNAME b.test."), "no alias leads"),
        (("a.test. 5 IN CNAME b.test.",), "no alias leads"),
    ],
)
def test_what_is_no_alias_of_the_name_is_a_failure(records: tuple[str, ...], detail: str) -> None:
    lookup = read_as(CNAME, *records)
    assert lookup.failure.kind == o.FAILURE_KIND_ALIAS
    assert detail in lookup.failure.detail


def test_rfc_2181_10_1_two_aliases_are_no_answer_to_whoever_asks_for_one() -> None:
    query = make_query(NAME, CNAME)
    two = [(CNAME, 60, b"\x01a\x00"), (CNAME, 60, b"\x01b\x00")]
    lookup = read_answer(query, ID, hand_made(*two, query=query))
    assert lookup.failure.kind == o.FAILURE_KIND_ALIAS
    assert "is an alias twice" in lookup.failure.detail


@pytest.mark.parametrize(
    ("rdtype", "rdata", "is_read"),
    [
        (A, bytes(4), True),
        (A, bytes(3), False),
        (A, bytes(5), False),
        (AAAA, bytes(16), True),
        (AAAA, bytes(4), False),
        (AAAA, bytes(17), False),
        (PTR, b"\x01a\x00", True),
        (PTR, b"\x01a\x00\x00", False),
        (CNAME, b"\x01a", False),
        (CNAME, b"", False),
    ],
)
def test_rfc_1035_3_4_1_and_rfc_3596_an_address_has_its_size_and_a_name_its_end(
    rdtype: int, rdata: bytes, is_read: bool
) -> None:
    query = make_query(NAME, rdtype)
    lookup = read_answer(query, ID, hand_made((rdtype, 60, rdata), query=query))
    assert lookup.HasField("records") == is_read
    assert is_read or lookup.failure.kind == o.FAILURE_KIND_MALFORMED


@pytest.mark.parametrize(
    ("records", "detail"),
    [
        ((f"{NAME}. 5 IN CNAME {NAME}.",), "loop"),
        ((f"{NAME}. 5 IN CNAME a.test.", f"a.test. 5 IN CNAME {NAME}."), "loop"),
        (('other.test. 5 IN CAA 0 issue "x"',), "no alias leads"),
        (("parent.example.co.jp. 5 IN DNAME other.test.",), "nothing follows from"),
        ((f"{NAME}. 5 IN DNAME other.test.",), "nothing follows from"),
        (
            (f"{NAME}. 5 IN CNAME a.test.", "b.test. 5 IN DNAME other.test."),
            "nothing follows from",
        ),
        ((f"{NAME}. 5 IN CNAME a.test.", 'b.test. 5 IN CAA 0 issue "x"'), "no alias leads"),
        (
            (
                f"{NAME}. 5 IN CNAME n0.test.",
                *(f"n{i}.test. 5 IN CNAME n{i + 1}.test." for i in range(20)),
            ),
            "more than 16",
        ),
    ],
)
def test_aliases_that_lead_nowhere_are_a_failure(records: tuple[str, ...], detail: str) -> None:
    lookup = read(answer(*records))
    assert lookup.failure.kind == o.FAILURE_KIND_ALIAS
    assert detail in lookup.failure.detail


def edit(offset: int, octets: bytes, message: dns.message.Message | None = None) -> bytes:
    wire = bytearray((message or answer(authority=(SOA,))).to_wire())
    wire[offset : offset + len(octets)] = octets
    return bytes(wire)


@pytest.mark.parametrize(
    ("wire", "detail"),
    [
        (edit(0, b"\x00\x00"), "another id"),
        (edit(2, b"\x01"), "QR=0"),
        (edit(2, b"\x89"), "opcode 1"),
        (edit(4, b"\x00\x00"), "another question"),
        (edit(4, b"\x00\x02"), "another question"),
        (edit(13, b"X"), "another question"),
        (edit(13, b"C"), "another question"),
        (edit(12 + len(QUERY.question) - 3, b"\x02"), "another question"),
        (edit(12 + len(QUERY.question) - 1, b"\x03"), "another question"),
    ],
)
def test_rfc_5452_an_answer_to_something_else_is_a_failure(wire: bytes, detail: str) -> None:
    lookup = read_answer(QUERY, ID, wire)
    assert lookup.failure.kind == o.FAILURE_KIND_MISMATCH
    assert detail in lookup.failure.detail


def test_a_truncated_answer_is_a_failure() -> None:
    message = answer()
    message.flags |= dns.flags.TC
    assert read(message).failure.kind == o.FAILURE_KIND_TRUNCATED


@pytest.mark.parametrize(
    ("rcode", "kind"),
    [
        (dns.rcode.SERVFAIL, o.FAILURE_KIND_SERVFAIL),
        (dns.rcode.REFUSED, o.FAILURE_KIND_REFUSED),
        (dns.rcode.NOTIMP, o.FAILURE_KIND_OTHER_RCODE),
        (dns.rcode.FORMERR, o.FAILURE_KIND_OTHER_RCODE),
        (dns.rcode.YXDOMAIN, o.FAILURE_KIND_OTHER_RCODE),
        (dns.rcode.BADVERS, o.FAILURE_KIND_OTHER_RCODE),
    ],
)
def test_any_other_rcode_is_a_failure(rcode: int, kind: o.FailureKind.ValueType) -> None:
    """BADVERS looks like NOERROR to whoever forgets the upper half of the RCODE (RFC 6891)."""
    lookup = read(answer(rcode=rcode))
    assert lookup.failure.kind == kind
    assert lookup.failure.rcode == rcode
    assert lookup.dnssec == o.DNSSEC_INDETERMINATE


@pytest.mark.parametrize("code", range(6, 13))
def test_rfc_8914_servfail_with_a_dnssec_error_is_bogus(code: int) -> None:
    message = answer(rcode=dns.rcode.SERVFAIL)
    options = [dns.edns.EDEOption(22, "x"), dns.edns.EDEOption(code, "why")]
    message.use_edns(0, options=options)
    lookup = read(message)
    assert lookup.failure.kind == o.FAILURE_KIND_BOGUS
    assert lookup.dnssec == o.DNSSEC_BOGUS
    assert (lookup.failure.extended_error.code, lookup.failure.extended_error.text) == (code, "why")


@pytest.mark.parametrize("code", [3, 5, 13, 22, 23])
def test_rfc_8914_other_errors_do_not_make_it_bogus(code: int) -> None:
    message = answer(rcode=dns.rcode.SERVFAIL)
    message.use_edns(0, options=[dns.edns.EDEOption(code)])
    lookup = read(message)
    assert lookup.failure.kind == o.FAILURE_KIND_SERVFAIL
    assert lookup.failure.extended_error.code == code
    assert lookup.dnssec == o.DNSSEC_INDETERMINATE


def test_nxdomain_with_the_records_it_denies_is_a_failure() -> None:
    message = answer(f'{NAME}. 5 IN CAA 0 issue "x"', rcode=3)
    assert read(message).failure.kind == o.FAILURE_KIND_MALFORMED


def test_another_class_in_the_answer_is_a_failure() -> None:
    message = answer(f'{NAME}. 5 IN CAA 0 issue "x"')
    wire = message.to_wire().replace(struct.pack("!HHI", CAA, 1, 5), struct.pack("!HHI", CAA, 3, 5))
    assert read_answer(QUERY, ID, wire).failure.kind == o.FAILURE_KIND_MALFORMED


@pytest.mark.parametrize("length", range(12))
def test_less_than_a_header_is_a_failure(length: int) -> None:
    assert read_answer(QUERY, ID, QUERY.encode(ID)[:length]).HasField("failure")


def test_an_answer_cut_anywhere_is_never_an_absence() -> None:
    wire = answer(f'{NAME}. 5 IN CAA 0 issue "ca.example"').to_wire()
    for length in range(len(wire)):
        assert read_answer(QUERY, ID, wire[:length]).HasField("failure"), length


@given(st.binary(max_size=200))
def test_garbage_behind_the_question_is_read_without_harm(garbage: bytes) -> None:
    header = struct.pack("!6H", ID, 0x8180, 1, *(len(garbage) % n for n in (2, 3, 5)))
    lookup = read_answer(QUERY, ID, header + QUERY.question + garbage)
    assert lookup.WhichOneof("result")


LABEL = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=12)
HOST = st.lists(LABEL, min_size=1, max_size=6).map(".".join)


@given(HOST, st.lists(st.ip_addresses(v=4).map(str), min_size=1, max_size=8), st.integers(0, 99999))
def test_dnspython_reads_the_same_addresses(name: str, addresses: list[str], ttl: int) -> None:
    query = make_query(name, A)
    message = dns.message.make_response(dns.message.from_wire(query.encode(ID)))
    message.use_edns(0)
    message.answer.append(dns.rrset.from_text(f"{name}.", ttl, "IN", "A", *addresses))
    lookup = read_answer(query, ID, message.to_wire())
    expected = dns.message.from_wire(message.to_wire()).answer[0]
    assert lookup.records.ttl == expected.ttl
    assert set(lookup.records.rdata) == {rdata.to_wire() for rdata in expected}


@given(st.binary(max_size=64), st.integers(0, 20))
def test_names_read_as_dnspython_reads_them(octets: bytes, offset: int) -> None:
    try:
        expected, used = dns.name.from_wire(octets, offset)
    except Exception:  # noqa: BLE001 - whatever dnspython refuses must be refused here
        with pytest.raises(MalformedRecordError):
            read_name(octets, offset)
        return
    name, end = read_name(octets, offset)
    assert name == expected.to_wire().lower()
    assert end == offset + used


@given(st.binary(max_size=80), st.integers(0, 5))
def test_records_end_or_are_refused(octets: bytes, count: int) -> None:
    try:
        records, end = read_records(octets, 0, count)
    except MalformedRecordError:
        return
    assert len(records) == count
    assert end <= len(octets)


def test_odd_octets_of_a_name_are_escaped() -> None:
    assert name_to_text(b"\x05a.b\x07\xff\x02jp\x00") == "a\\046b\\007\\255.jp"


def test_the_longest_aliases_and_the_most_addresses_leave_room_for_a_walk() -> None:
    """Coordinators before domain control take 160 KiB for a walk of 96 KiB and addresses."""
    longest = b"".join(b"\x3f" + b"\xff" * 63 for _ in range(3)) + b"\x3b" + b"\xff" * 59
    names = [longest + bytes((1, number, 0)) for number in range(17)]
    query = Query("x", A, names[0] + b"\x00\x01\x00\x01")

    def record(owner: bytes, rdtype: int, data: bytes) -> bytes:
        return owner + struct.pack("!HHIH", rdtype, 1, 2**31 - 1, len(data)) + data

    # The owner of the addresses is written once, and pointed at by all others.
    section = b"".join(record(names[n], CNAME, names[n + 1]) for n in range(16))
    at = 12 + len(query.question) + len(section)
    assert at < 0x3FFF
    section += record(names[16], A, bytes(4))
    pointer = (0xC000 | at).to_bytes(2)
    count = (65_535 - 12 - len(query.question) - len(section) - 11) // 16
    section += b"".join(record(pointer, A, (n + 1).to_bytes(4)) for n in range(count))
    header = struct.pack("!6H", ID, 0x8180, 1, 17 + count, 0, 1)
    wire = header + query.question + section + b"\x00\x00\x29\x04\xd0" + bytes(6)
    assert 65_500 < len(wire) <= 65_535
    lookup = read_answer(query, ID, wire)
    assert (len(lookup.aliases), len(lookup.records.rdata)) == (16, count + 1)
    assert lookup.ByteSize() < 60 * 1024
