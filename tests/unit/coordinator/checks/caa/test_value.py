import re

from hypothesis import given
from hypothesis import strategies as st

from coordinator.checks.caa.value import IssueValue, is_issuer_domain, read_issue_value

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


def test_a_label_that_is_nearly_one_costs_no_more_than_one() -> None:
    """An expression that tries every way to divide it would run for as long as the universe."""
    label = b"a" * 5_000
    assert read_issue_value(label) is not None
    assert read_issue_value(label + b"!") is None
    assert read_issue_value(label + b"-") is None
