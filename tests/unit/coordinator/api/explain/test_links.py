"""Signed links: of one record, until one moment, by one key; nothing else opens a page."""

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from coordinator.api.answers import Answers
from coordinator.api.explain.links import (
    ExplanationLinks,
    LinkProof,
    LinkTerms,
    read_key,
    sign,
)
from coordinator.api.response import fill_answer
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import record_pb2 as r
from tests.world.records import sample_record

RECORD = "0193a7d2-0000-7000-8000-000000000001"
OTHER = "0193a7d2-0000-7000-8000-000000000002"
NOW = datetime(2026, 12, 1, tzinfo=UTC)
KEY = bytes(range(32))
TERMS = LinkTerms("https://mpic.example.ac.jp/check", KEY, 3600)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def links(clock: Clock) -> ExplanationLinks:
    return ExplanationLinks(TERMS, clock)


def proof_of(url: str) -> LinkProof:
    query = parse_qs(urlsplit(url).query, strict_parsing=True)
    return LinkProof(query["expires"][0], query["signature"][0])


def test_a_link_names_the_record_and_its_end(links: ExplanationLinks) -> None:
    url = links.make(RECORD)
    end = int((NOW + timedelta(hours=1)).timestamp())
    head = f"https://mpic.example.ac.jp/check/explain/{RECORD}?expires={end}&signature="
    assert url.startswith(head)
    assert re.fullmatch("[A-Za-z0-9_-]{43}", url.removeprefix(head))


def test_a_signature_is_hmac_sha256_over_purpose_record_and_end() -> None:
    # openssl dgst -sha256 -mac HMAC -macopt hexkey:000102...1f -binary | basenc --base64url
    assert sign(KEY, RECORD, "1764547200") == "uDVSB8oJfIwr0XlCXj1VfWIalFsgEmJyJKedu4AGkwY"


def test_it_opens_until_it_expires(links: ExplanationLinks, clock: Clock) -> None:
    proof = proof_of(links.make(RECORD))
    clock.now = NOW + timedelta(seconds=3599)
    assert links.is_valid(RECORD, proof)
    clock.now = NOW + timedelta(seconds=3600)
    assert not links.is_valid(RECORD, proof)


def test_it_opens_no_other_record_and_not_for_longer(links: ExplanationLinks) -> None:
    proof = proof_of(links.make(RECORD))
    assert not links.is_valid(OTHER, proof)
    assert not links.is_valid(RECORD.upper(), proof)
    later = str(int(proof.expires) + 1)
    assert not links.is_valid(RECORD, LinkProof(later, proof.signature))
    for spelled in (f"0{proof.expires}", f"+{proof.expires}", f"{proof.expires} ", "9" * 20, ""):
        assert not links.is_valid(RECORD, LinkProof(spelled, proof.signature))


@pytest.mark.parametrize("expires", ["", "soon", "9" * 12, "1e11", "٣", "-1"])
def test_an_end_that_is_no_moment_opens_nothing_even_if_it_is_signed(
    links: ExplanationLinks, expires: str
) -> None:
    assert not links.is_valid(RECORD, LinkProof(expires, sign(KEY, RECORD, expires)))


def test_a_signature_is_whole_and_as_it_was_made(links: ExplanationLinks) -> None:
    expires, signature = proof_of(links.make(RECORD))
    for wrong in (signature[:-1], signature + "=", signature.swapcase(), "", "署名", "\udce9" * 43):
        assert not links.is_valid(RECORD, LinkProof(expires, wrong))


def test_another_key_revokes_every_link(links: ExplanationLinks) -> None:
    proof = proof_of(links.make(RECORD))
    links.adopt(TERMS._replace(key=KEY[::-1]))
    assert not links.is_valid(RECORD, proof)
    assert links.is_valid(RECORD, proof_of(links.make(RECORD)))
    links.adopt(None)
    assert not links.is_valid(RECORD, proof)
    assert links.make(RECORD) == ""


def test_without_a_record_there_is_no_link(links: ExplanationLinks) -> None:
    assert links.make("") == ""


def test_an_answer_has_a_link_each_time_a_new_one(links: ExplanationLinks, clock: Clock) -> None:
    record, answers = sample_record(), Answers(links.make)
    before = record.SerializeToString()
    first, again, plain = (c.CorroborateResponse() for _ in range(3))
    octets = answers.fill(first, record)
    clock.now += timedelta(minutes=5)
    answers.fill(again, record)
    assert octets == fill_answer(plain, record) + len(first.explanation_url)
    for one in (first, again):
        assert links.is_valid(one.record_id, proof_of(one.explanation_url))
    assert first.explanation_url != again.explanation_url
    assert record.SerializeToString() == before
    first.explanation_url = ""
    assert first == plain


def test_nothing_recorded_has_a_field_for_it() -> None:
    assert "explanation_url" not in {one.name for one in r.Record.DESCRIPTOR.fields}
    unrecorded, response = sample_record(), c.CorroborateResponse()
    unrecorded.id = b""
    Answers(ExplanationLinks(TERMS, lambda: NOW).make).fill(response, unrecorded)
    assert response.explanation_url == ""


@pytest.mark.parametrize(
    "text", [b"", b"AAAA", b"A" * 40, b"x" * 43, "鍵".encode(), b"A" * 43 + b"=!"]
)
def test_a_key_is_256_bits_in_base64(text: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - base64 has its own words
        read_key(text)


def test_a_key_may_stand_on_several_lines() -> None:
    assert read_key(b"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\nAAAAAAAAAAA=\n") == bytes(32)
