"""One record set at one owner, as a real Unbound finds it at a real server."""

import asyncio
from collections.abc import Iterator

import pytest

from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p
from perspective_agent.dns.lookup import LookupTarget
from perspective_agent.dns.resolver import ResolverLink
from perspective_agent.dns.shared_lookups import SharedLookups
from perspective_agent.examine import Examination
from perspective_agent.unbound.configuration import UnboundOptions, unbound_config
from tests.world import network, zones
from tests.world.internet import Internet
from tests.world.process import Child

PORT = 5396
ZONE = zones.RECORDS.name
TXT, CNAME, CAA = o.RECORD_TYPE_TXT, o.RECORD_TYPE_CNAME, o.RECORD_TYPE_CAA


@pytest.fixture(scope="module", autouse=True)
def _resolver(internet: Internet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """An agent's own Unbound."""
    directory = tmp_path_factory.mktemp("unbound")
    options = UnboundOptions(
        internet.trust_anchor_file,
        internet.root_hints_file,
        outgoing_address=network.perspective_address(9),
        ipv6=False,
        allow_special_purpose_servers=True,
    )
    file = directory / "unbound.conf"
    file.write_text(unbound_config(options, PORT, directory))
    child = Child(("unbound", "-d", "-p", "-c", str(file)), directory / "log")
    child.wait_ready(lambda: look_up((f"child.{ZONE}", CAA))[0].HasField("records"))
    yield
    child.stop()


def look_up(*asked: tuple[str, o.RecordType.ValueType]) -> list[o.Lookup]:
    """Ask one question with a check for each owner and type."""
    question = p.Question(id=1, name=ZONE, timeout_ms=20_000)
    for owner, rdtype in asked:
        question.checks.add().records.MergeFrom(p.RecordLookup(owner=owner, type=rdtype))

    async def ask() -> p.EncodedObservation:
        link = ResolverLink(("127.0.0.1", PORT))
        reported: asyncio.Future[p.EncodedObservation] = asyncio.get_running_loop().create_future()
        ways = {LookupTarget: SharedLookups(link, lambda: True).start}
        Examination(question, ways, 20, reported.set_result).start()
        try:
            return await reported
        finally:
            link.close()

    observation = o.Observation.FromString(asyncio.run(ask()).observation)
    assert [one.records.type for one in observation.findings] == [one for _, one in asked]
    return [finding.records.lookup for finding in observation.findings]


def test_every_string_of_every_record_comes_octet_for_octet() -> None:
    (lookup,) = look_up((f"_acme-challenge.{ZONE}", TXT))
    assert set(lookup.records.rdata) == {
        b"\x2bLPsIwTo7o8BoG0-vjCyGQGBWSVIPxI-i_X336eUOQZo",
        b"\x04some\x05thing\x00\x05 else",
        b'\x04\x00\xff"\\',
    }
    assert lookup.dnssec == o.DNSSEC_SECURE


def test_an_alias_is_followed_to_its_records_and_not_where_it_is_asked_for_itself() -> None:
    alias, end = f"_acme-challenge.alias.{ZONE}", f"value._acme-challenge.{ZONE}"
    followed, itself = look_up((alias, TXT), (alias, CNAME))
    assert [(one.owner, one.target) for one in followed.aliases] == [(alias, end)]
    assert (followed.records.owner, list(followed.records.rdata)) == (end, [b"\x09elsewhere"])
    labels = [bytes([len(label)]) + label.encode() for label in end.split(".")]
    assert list(itself.records.rdata) == [b"".join(labels) + b"\x00"]
    assert (itself.records.owner, len(itself.aliases)) == (alias, 0)
    assert itself.dnssec == o.DNSSEC_SECURE


def test_an_alias_that_leads_nowhere_is_one_and_its_records_are_an_absence() -> None:
    owner = f"_acme-challenge.dangling.{ZONE}"
    followed, itself = look_up((owner, TXT), (owner, CNAME))
    assert followed.absence == o.ABSENCE_NAME_ERROR
    assert list(itself.records.rdata) == [b"\x07nothing\x07example\x04test\x00"]


def test_an_alias_made_from_a_dname_is_one() -> None:
    (lookup,) = look_up((f"child.dname.{zones.PLAIN.name}", CNAME))
    assert list(lookup.records.rdata) == [b"\x05child\x07example\x04test\x00"]
    assert lookup.dnssec == o.DNSSEC_INSECURE


def test_addresses_of_both_families_and_caa_at_that_very_owner() -> None:
    owner = f"child.{ZONE}"
    types = (o.RECORD_TYPE_A, o.RECORD_TYPE_AAAA, CAA)
    ipv4, ipv6, caa = look_up(*((owner, one) for one in types))
    assert list(ipv4.records.rdata) == [bytes((203, 0, 113, 100))]
    assert list(ipv6.records.rdata) == [bytes.fromhex("20010db8" + "0" * 21 + "100")]
    assert set(caa.records.rdata) == {
        b"\x00\x09dnschangevalue",
        b"\x80\x0ccontactemailra@example.test",
    }
    assert look_up((f"below.{owner}", CAA))[0].absence == o.ABSENCE_NAME_ERROR


def test_a_set_that_fills_a_message_comes_whole() -> None:
    (lookup,) = look_up((f"full.{ZONE}", TXT))
    assert len(lookup.records.rdata) == 8
    assert sum(map(len, lookup.records.rdata)) > 63_000


def test_what_is_not_there_and_what_is_bogus() -> None:
    missing, bogus = look_up(
        (f"_validation-persist.{ZONE}", TXT), (f"child.{zones.BOGUS.name}", o.RECORD_TYPE_A)
    )
    assert missing.absence in (o.ABSENCE_NAME_ERROR, o.ABSENCE_NXNAME)
    assert missing.dnssec == o.DNSSEC_SECURE
    assert bogus.failure.kind == o.FAILURE_KIND_BOGUS
