import dns.rdata
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpic.caa_record import PRESENTED_OCTETS, present, read_property


@given(st.binary(max_size=12))
def test_property_keeps_every_octet(rdata: bytes) -> None:
    found = read_property(rdata)
    if found is not None:
        assert found.rdata == rdata
        tag = rdata[2 : len(rdata) - len(found.value)]
        assert (len(tag), tag.lower()) == (rdata[1], found.tag.encode())
        assert found.critical == (rdata[0] > 127)


PRESENTED = {
    '0 issue "ca.example"': b"\x00\x05issueca.example",
    '128 IssueWild ";"': b"\x80\x09IssueWild;",
    '255 my-tag ""': b"\xff\x06my-tag",
    r'0 issue "a\"b\\c\000\009\010\127\128\255"': b'\x00\x05issuea"b\\c\x00\t\n\x7f\x80\xff',
    '0 issue " ~"': b"\x00\x05issue ~",
    r"\# 3 000561": b"\x00\x05a",
    r"\# 0": b"",
    r"\# 7 0005697373753f": b"\x00\x05issu?",
    f'0 t "{"a" * 255}"': b"\x00\x01t" + b"a" * 255,
    f'0 t "{"a" * 255}" ... (256 octets)': b"\x00\x01t" + b"a" * 256,
    rf"\# 60000 {'00' * 255} ... (60000 octets)": bytes(60000),
}


@pytest.mark.parametrize(("text", "rdata"), PRESENTED.items())
def test_presentation(text: str, rdata: bytes) -> None:
    assert present(rdata) == text


@given(st.integers(0, 255), st.text("abcXYZ019", min_size=1), st.binary(max_size=PRESENTED_OCTETS))
def test_presentation_can_be_read_again_by_dnspython(flags: int, tag: str, value: bytes) -> None:
    rdata = bytes((flags, len(tag))) + tag.encode() + value

    assert dns.rdata.from_text("IN", "CAA", present(rdata)).to_wire() == rdata
