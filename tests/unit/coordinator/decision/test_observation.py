"""What an observation may be: all that an honest agent sends, and nothing that does harm."""

from collections.abc import Iterator

import pytest

from coordinator.checks import request_checks
from coordinator.checks.check import MalformedFindingError
from coordinator.decision import observation
from coordinator.decision.observation import read_observation
from mpic.bounds import (
    ALIASES,
    DIALED,
    FINDING_OCTETS,
    HOPS,
    OBSERVATION_OCTETS,
    RECORDS,
    SERVER_REPLIES,
)
from mpic.names import walk_levels
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from tests.world.domain_control import controlled
from tests.world.samples import ADDRESS, JUDGING, NAME, addresses, caa

NESTED = b"\xa3\x06" * 98 + b"\xa4\x06" * 98
LONGEST = ".".join("a" * 127)
"""As many labels as there can be."""


def encode(*findings: o.Finding) -> bytes:
    return o.Observation(name=NAME, findings=findings).SerializeToString()


def refusal(octets: bytes) -> str:
    with pytest.raises(MalformedFindingError) as raised:
        read_observation(octets)
    return str(raised.value)


GOOD = encode(caa(), addresses(ADDRESS))


def in_level(octets: bytes) -> bytes:
    """An observation with these octets in the deepest message that there is."""
    failure = o.Failure(kind=o.FAILURE_KIND_SERVFAIL)
    failure.extended_error.MergeFromString(octets)
    level = o.Lookup(name=NAME, failure=failure)
    return encode(o.Finding(caa_walk=o.CaaFinding(levels=[level])))


@pytest.mark.parametrize(
    "octets",
    [
        GOOD + b"\xa0\x06\x01",
        GOOD + NESTED,
        GOOD + b"\xa2\x06\x02ab",
        in_level(b"\xa0\x06\x01"),
        in_level(NESTED[:180] + NESTED[-180:]),
        GOOD + b"\x10\x01",  # a name that is a number
    ],
    ids=["number", "nested", "octets", "deep", "deep and nested", "another type"],
)
def test_what_the_agreement_does_not_have_is_in_none(octets: bytes) -> None:
    assert "not in the agreement" in refusal(octets)


def test_what_does_not_parse_is_none() -> None:
    assert "do not parse" in refusal(GOOD[:-1])


def test_the_bound_of_octets() -> None:
    spare = OBSERVATION_OCTETS - len(encode(caa(b"\x00\x05issue" + b"x" * 70_000)))
    read_observation(encode(caa(b"\x00\x05issue" + b"x" * (70_000 + spare - 9))))
    assert "octets" in refusal(encode(caa(b"\x00\x05issue" + b"x" * OBSERVATION_OCTETS)))


def test_the_bounds_of_entries() -> None:
    read_observation(encode(caa(*[b"x"] * RECORDS)))
    assert "records" in refusal(encode(caa(*[b"x"] * (RECORDS + 1))))
    assert "records" in refusal(encode(caa(), addresses(*[b"x"] * (RECORDS + 1))))
    assert "findings" in refusal(encode(*[o.Finding()] * 17))
    finding = caa()
    finding.caa_walk.levels[2].aliases.extend([o.Alias()] * ALIASES)
    read_observation(encode(finding))
    finding.caa_walk.levels[2].aliases.add()
    assert "aliases" in refusal(encode(finding))


def test_all_that_can_be_asked_about_the_longest_name_may_be_answered() -> None:
    contact = c.DomainControl(contact_email_caa=c.SelectedContact(contact="admin@example.org"))
    asked = request_checks(controlled(contact, name=LONGEST), JUDGING)
    questions = [one for check in asked for one in check.questions]
    read_observation(encode(*[o.Finding()] * len(questions)))


def test_a_walk_has_no_more_levels_than_a_name_has_labels() -> None:
    """Each takes two octets, and fifty times that once it is read."""
    finding = o.Finding(caa_walk=o.CaaFinding(levels=[o.Lookup()] * 127))
    read_observation(encode(finding))
    finding.caa_walk.levels.extend([o.Lookup()] * 10_000)
    assert "more than 128 lookups" in refusal(encode(finding))


def test_what_is_beyond_the_bound_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eighty thousand lookups fit into an observation, and each takes time to be looked at."""

    def find_many(_: o.Finding, kind: type[o.Lookup]) -> Iterator[o.Lookup]:
        yield from [kind()] * 129
        pytest.fail("one more is looked at")

    monkeypatch.setattr(observation, "_find", find_many)
    assert "more than 128 lookups" in refusal(encode(addresses(b"x" * 200)))


def test_only_short_ones_are_kept_once_they_are_read() -> None:
    """One may have 160 KiB, and takes more once it is read."""
    long = encode(caa(b"\x00\x05issue" + b"x" * 4000))
    assert read_observation(GOOD) is read_observation(GOOD)
    assert read_observation(long) is not read_observation(long)
    assert read_observation(long) == o.Observation.FromString(long)


@pytest.mark.parametrize("whose", ["servers", "known"])
def test_the_bound_of_servers_that_were_asked(whose: str) -> None:
    finding = caa()
    replies = getattr(finding.caa_walk.levels[2].diagnosis, whose)
    replies.extend([o.ServerReply()] * SERVER_REPLIES)
    read_observation(encode(finding))
    replies.add()
    assert "replies of servers" in refusal(encode(finding))


def test_a_get_has_no_more_hops_than_may_be_followed_and_dials_few_addresses() -> None:
    hops = [o.HttpHop()] * HOPS
    read_observation(encode(o.Finding(http_get=o.HttpFinding(hops=hops))))
    more = o.Finding(http_get=o.HttpFinding(hops=[*hops, hops[0]]))
    assert "requests of one HTTP GET" in refusal(encode(more))
    for finding in (
        o.Finding(http_get=o.HttpFinding(hops=hops)),
        o.Finding(tls_handshake=o.TlsFinding()),
    ):
        is_get = finding.HasField("http_get")
        one = finding.http_get.hops[3] if is_get else finding.tls_handshake
        one.connection.dialed.extend([o.DialedAddress()] * DIALED)
        read_observation(encode(finding))
        one.connection.dialed.add()
        assert "addresses dialled" in refusal(encode(finding))


def largest_walk() -> o.Finding:
    """The longest name, with aliases where it ends, and a set that fills a message of the DNS."""
    levels = [
        o.Lookup(name=level, absence=o.ABSENCE_NAME_ERROR, dnssec=o.DNSSEC_INSECURE)
        for level in walk_levels(LONGEST)
    ]
    levels[-1].ClearField("absence")
    levels[-1].records.owner = "x" * 253
    levels[-1].records.ttl = 2**31 - 1
    levels[-1].aliases.extend([o.Alias(owner="x" * 253, target="y" * 253, ttl=2**31 - 1)] * 17)
    octets = 65535 - 12 - 259
    levels[-1].records.rdata.extend([b"\x00\x01a%4d" % n for n in range(octets // (12 + 7))])
    one = o.Lookup()
    one.CopyFrom(levels[-1])
    one.records.rdata[:] = [b"x" * (octets - 12)]
    return max(
        (
            o.Finding(caa_walk=o.CaaFinding(levels=[*levels[:-1], last]))
            for last in (levels[-1], one)
        ),
        key=o.Finding.ByteSize,
    )


def test_the_largest_that_is_honest_is_read() -> None:
    """The longest walk, to the largest set, and the largest set of addresses."""
    walk = largest_walk()
    assert walk.ByteSize() <= FINDING_OCTETS
    found = addresses(*[n.to_bytes(4) for n in range((65535 - 12 - 259) // 16)])
    octets = o.Observation(name=LONGEST, findings=[walk, found]).SerializeToString()
    assert len(octets) <= OBSERVATION_OCTETS
    read_observation(octets)
