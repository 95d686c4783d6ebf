import re

import dns.rdata
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.checks.caa.value import (
    PRESENTED_OCTETS,
    IssueValue,
    is_issuer_domain,
    present,
    read_issue_value,
    read_property,
)

# The ABNF of RFC 8659 section 4.2 once more, rule by rule as an expression. It nests repetitions
# and so is good for short text only.
WSP = r"[ \t]*"
LABEL = r"[A-Za-z0-9](?:-*[A-Za-z0-9])*"
DOMAIN = rf"{LABEL}(?:\.{LABEL})*"
PARAMETER = rf"{LABEL}{WSP}={WSP}[\x21-\x3A\x3C-\x7E]*"
PARAMETERS = rf"{PARAMETER}(?:{WSP};{WSP}{PARAMETER})*"
ISSUE_VALUE = re.compile(rf"{WSP}(?:{DOMAIN}{WSP})?(?:;{WSP}(?:{PARAMETERS}{WSP})?)?")

space = st.text(" \t", max_size=2)
letdig = st.sampled_from("abzABZ059")
label = st.builds(
    lambda first, rest: first + "".join(rest),
    letdig,
    st.lists(st.builds(str.__add__, st.text("-", max_size=2), letdig), max_size=4),
)
domain = st.lists(label, min_size=1, max_size=4).map(".".join)
visible = st.text([chr(code) for code in range(0x21, 0x7F) if chr(code) != ";"], max_size=6)
parameter = st.tuples(label, visible)


@given(space, domain | st.just(""), st.lists(parameter, max_size=4), st.booleans(), st.data())
def test_what_the_grammar_writes_is_read_again(
    before: str, name: str, parameters: list[tuple[str, str]], bare: bool, data: st.DataObject
) -> None:
    def gap() -> str:
        return data.draw(space)

    listed = ";".join(f"{gap()}{tag}{gap()}={gap()}{text}{gap()}" for tag, text in parameters)
    tail = f";{listed}{gap()}" if parameters or bare else ""
    text = f"{before}{name}{gap() if name else ''}{tail}"

    assert read_issue_value(text.encode()) == IssueValue(
        name.lower(), [(tag.lower(), value) for tag, value in parameters]
    )


@given(st.text("aZ0-.;= \t\n\x0b\xa0_\xe9", max_size=14))
def test_any_text_is_read_exactly_when_the_grammar_admits_it(text: str) -> None:
    admitted = ISSUE_VALUE.fullmatch(text) is not None

    assert (read_issue_value(text.encode("latin-1")) is not None) == admitted


@given(st.text("aZ0-.", max_size=8))
def test_issuer_domain(text: str) -> None:
    assert is_issuer_domain(text) == (re.fullmatch(DOMAIN, text) is not None)


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


def test_a_label_that_is_nearly_one_costs_no_more_than_one() -> None:
    """An expression that tries every way to divide it would run for as long as the universe."""
    label = b"a" * 5_000
    assert read_issue_value(label) is not None
    assert read_issue_value(label + b"!") is None
    assert read_issue_value(label + b"-") is None
