"""RFC 1035 section 4.1: records and compressed names, read strictly."""

import struct

import pytest

from perspective_agent.dns.records import (
    MalformedRecordError,
    is_below,
    name_to_text,
    read_name,
    read_records,
    skip_records,
)

HEADER = bytes(12)
MAX = b"\x3f" + b"a" * 63


def record(ttl: int = 60, length: int = 4, data: bytes = b"\xcb\x00\x71\x01") -> bytes:
    """A record of the name at offset 12."""
    return b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, ttl, length) + data


def test_a_name_is_lower_case_and_ends_where_it_ends() -> None:
    wire = HEADER + b"\x03WwW\x07ExAmPlE\x00rest"
    assert read_name(wire, 12) == (b"\x03www\x07example\x00", 25)


def test_a_compressed_name_ends_behind_its_first_pointer() -> None:
    wire = HEADER + b"\x04test\x00" + b"\x01b\xc0\x0c" + b"\x01a\xc0\x12rest"
    assert read_name(wire, 22) == (b"\x01a\x01b\x04test\x00", 26)


def test_a_pointer_has_fourteen_bits() -> None:
    wire = HEADER + bytes(0x2000 - 12) + b"\x04test\x00" + b"\xe0\x00"
    assert read_name(wire, 0x2006) == (b"\x04test\x00", 0x2008)


@pytest.mark.parametrize(
    ("wire", "says"),
    [
        (b"\xc0\x0c", "points forward"),  # to itself
        (b"\x01a\xc0\x0c", "points forward"),  # to its own beginning
        (b"\xc0\x0e\x00", "points forward"),
        (b"\x40abc\x00", "unknown kind"),
        (b"\x80\x0c", "unknown kind"),
        (b"\x04ab", "ends in the middle"),
        (b"\xc0", "ends in the middle"),
        (b"", "ends in the middle"),
    ],
)
def test_names_that_are_none(wire: bytes, says: str) -> None:
    with pytest.raises(MalformedRecordError, match=says):
        read_name(HEADER + wire, 12)


@pytest.mark.parametrize(("pointers", "fits"), [(127, True), (128, False)])
def test_a_name_of_many_pointers_costs_little(pointers: int, fits: bool) -> None:
    """Of a message of 64 kB half could be one chain, followed anew for each of 2,000 names."""
    chain = b"".join(struct.pack("!H", 0xC000 | 12 + 2 * n) for n in range(pointers - 1))
    wire = HEADER + b"a\x00"[1:] + b"\x00" + chain + b"rest"
    last = struct.pack("!H", 0xC000 | 12 + 2 * (pointers - 1))
    at = len(wire)
    if fits:
        assert read_name(wire + last, at) == (b"\x00", at + 2)
    else:
        with pytest.raises(MalformedRecordError, match="too often"):
            read_name(wire + last, at)


def test_records_are_skipped_as_they_are_read() -> None:
    wire = HEADER + b"\x04test\x00" + record() + b"\x01a" + record(7, 2, b"xy") + b"rest"
    for count in range(3):
        assert skip_records(wire, 18, count) == read_records(wire, 18, count)[1]
    with pytest.raises(MalformedRecordError, match="in its name"):
        skip_records(wire[:18] + b"\x3f", 18, 1)


@pytest.mark.parametrize("length", range(12))
def test_a_record_that_is_cut_is_not_skipped_within_the_message(length: int) -> None:
    wire = HEADER + b"\x04test\x00" + record(data=b"\x00" * 4)
    try:
        end = skip_records(wire[: 18 + length], 18, 1)
    except MalformedRecordError:
        return
    assert end > 18 + length


@pytest.mark.parametrize(
    ("name", "ancestor", "below"),
    [
        (b"\x01a\x02jp\x00", b"\x02jp\x00", True),
        (b"\x01a\x02jp\x00", b"\x00", True),
        (b"\x02jp\x00", b"\x02jp\x00", False),
        (b"\x02jp\x00", b"\x01a\x02jp\x00", False),
        # The same octets, but within a label.
        (b"\x04a\x02jp\x00", b"\x02jp\x00", False),
        (b"\x01x\x04a\x02jp\x00", b"\x02jp\x00", False),
    ],
)
def test_which_name_is_below_another(name: bytes, ancestor: bytes, below: bool) -> None:
    assert is_below(name, ancestor) == below


@pytest.mark.parametrize(("last", "fits"), [(61, True), (62, False)])
def test_rfc_1035_2_3_4_a_name_has_255_octets_at_most(last: int, fits: bool) -> None:
    wire = HEADER + MAX * 3 + bytes((last,)) + b"a" * last + b"\x00"
    if fits:
        assert len(read_name(wire, 12)[0]) == 255
    else:
        with pytest.raises(MalformedRecordError, match="255"):
            read_name(wire, 12)


def test_records_are_read_one_after_the_other() -> None:
    wire = HEADER + b"\x04test\x00" + record() + record(7, 2, b"xy")
    (one, two), end = read_records(wire, 18, 2)
    assert (one.owner, one.rdtype, one.rdclass, one.ttl) == (b"\x04test\x00", 1, 1, 60)
    assert (one.rdata, two.rdata, two.ttl) == (b"\xcb\x00\x71\x01", b"xy", 7)
    assert end == len(wire)


@pytest.mark.parametrize(
    ("ttl", "read"), [(0x7FFFFFFF, 0x7FFFFFFF), (0x80000000, 0), (0xFFFFFFFF, 0)]
)
def test_rfc_2181_8_a_ttl_with_the_top_bit_is_zero(ttl: int, read: int) -> None:
    (one,), _ = read_records(HEADER + b"\x04test\x00" + record(ttl), 18, 1)
    assert one.ttl == read


@pytest.mark.parametrize(
    ("wire", "says"),
    [
        (record(length=5), "ends in its data"),
        (record()[:10], "ends in its header"),
        (b"", "ends in the middle"),
    ],
)
def test_records_that_are_cut_short(wire: bytes, says: str) -> None:
    with pytest.raises(MalformedRecordError, match=says):
        read_records(HEADER + b"\x04test\x00" + wire, 18, 1)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (b"\x00", ""),
        (b"\x03www\x02jp\x00", "www.jp"),
        (b"\x05a.b c\x02\x00\xff\x00", r"a\046b\032c.\000\255"),
        (b"\x04_x-*\x00", "_x-*"),
        (b"\x02\x1b[\x00", r"\027\091"),
    ],
)
def test_odd_octets_of_a_name_are_escaped(name: bytes, text: str) -> None:
    assert name_to_text(name) == text
