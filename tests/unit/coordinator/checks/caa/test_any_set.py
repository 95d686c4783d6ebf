"""What holds of any record set at all, well-formed or not."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.checks.caa.relevant_set import Applicant, CaaJudgement, judge_set
from mpic.v1 import corroboration_pb2 as c

PERMITTED, FORBIDDEN = c.OUTCOME_PASSED, c.OUTCOME_FORBIDDEN
APPLICANT = Applicant(frozenset({"ca.example", "ca.test"}), "https://ca.example/1", "dns-01")


def record(tag: str, value: str | bytes, flags: int = 0) -> bytes:
    octets = value if isinstance(value, bytes) else value.encode("latin-1")
    return bytes((flags, len(tag))) + tag.encode() + octets


OURS, OTHER = record("issue", "ca.example"), record("issue", "other.example")


def judge(*rdata: bytes, wildcard: bool = False) -> CaaJudgement:
    return judge_set(rdata, wildcard, APPLICANT)


TAGS = ["issue", "ISSUE", "issuewild", "IssueWild", "iodef", "issuemail", "future", "contactphone"]
VALUES = ["ca.example", "CA.test", "other.example", "ca.example.evil", ";", "", "%", "x; a=b"]
VALUES += [
    "ca.example; accounturi=https://ca.example/1",
    "ca.example; accounturi=x",
    "ca.test; ValidationMethods=dns-01",
]
likely_record = st.builds(
    record, st.sampled_from(TAGS), st.sampled_from(VALUES), st.sampled_from([0, 1, 127, 128, 130])
)
any_record = likely_record | st.binary(max_size=40)
any_set = st.lists(any_record, min_size=1, max_size=6)


@given(any_set, st.booleans())
def test_any_set_is_permitted_or_forbidden_in_printable_ascii(
    rdata: list[bytes], wildcard: bool
) -> None:
    decided = judge(*rdata, wildcard=wildcard)

    assert decided.outcome in (PERMITTED, FORBIDDEN)
    assert decided.clause
    assert re.fullmatch("[ -~]+", decided.detail)


@given(any_set.flatmap(lambda a: st.tuples(st.just(a), st.permutations(a))), st.booleans())
def test_order_never_matters(sets: tuple[list[bytes], list[bytes]], wildcard: bool) -> None:
    one, other = (judge(*rdata, wildcard=wildcard) for rdata in sets)

    assert one.outcome == other.outcome


@given(st.lists(likely_record, min_size=1), st.booleans())
def test_case_of_tags_and_reserved_flags_never_matter(rdata: list[bytes], wildcard: bool) -> None:
    same = [bytes((r[0] ^ 0x7F, r[1])) + r[2 : 2 + r[1]].swapcase() + r[2 + r[1] :] for r in rdata]

    assert judge(*rdata, wildcard=wildcard).outcome == judge(*same, wildcard=wildcard).outcome


@given(any_set, st.binary(), st.integers(0, 6), st.booleans())
def test_critical_unknown_property_is_never_permitted(
    rdata: list[bytes], value: bytes, place: int, wildcard: bool
) -> None:
    rdata.insert(place, record("new", value, 128))

    assert judge(*rdata, wildcard=wildcard).outcome == FORBIDDEN


@given(st.lists(likely_record), st.lists(st.binary(), min_size=1), st.booleans())
def test_not_named_is_never_permitted(
    rdata: list[bytes], values: list[bytes], wildcard: bool
) -> None:
    others = [r for r in rdata if b"ca." not in r.lower()]
    named = [record("issue", value) for value in values if b"ca." not in value.lower()] or [OTHER]

    assert judge(*others, *named, wildcard=wildcard).outcome == FORBIDDEN


@given(any_set)
def test_property_that_permits_never_forbids(rdata: list[bytes]) -> None:
    if judge(*rdata).outcome == PERMITTED:
        assert judge(*rdata, OURS).outcome == PERMITTED


@given(any_set, any_set)
def test_more_records_never_loosen_but_by_naming_the_issuer(
    rdata: list[bytes], more: list[bytes]
) -> None:
    more = [r for r in more if b"ca." not in r.lower()]
    if judge(*rdata).outcome == FORBIDDEN:
        assert judge(*rdata, *more).outcome == FORBIDDEN


HARD = ["a-" * 32000, "-" * 64000, ";" * 64000, " " * 64000 + "x", "a=b;" * 16000, "a." * 32000]
HARD += ["a" * 64000 + "!", "a" + "-" * 64000, "ca.example;" + "a=b;" * 15000 + "a=b"]
HARD += ["ca.example;a" + "=" * 60000, "ca.example;a=" + " " * 60000 + "x y", "\xff" * 64000]
HARD += ["ca.example;validationmethods=" + "a," * 30000, "ca.example" + ";accounturi=x" * 4900]


@pytest.mark.parametrize("value", HARD, ids=lambda value: f"{value[:14]}... {value[-5:]}")
def test_text_made_to_hurt_takes_linear_time(value: str) -> None:
    began = time.process_time()
    decided = judge(record("issue", value))

    # Some milliseconds of CPU; quadratic would be minutes.
    assert time.process_time() - began < 10
    assert len(decided.detail) < 3000
