"""What keeps the agent's Unbound honest: its configuration, its rules, the probe, its anchor."""

import ipaddress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mpic.v1 import observation_pb2 as o
from perspective_agent.dns.wire import failed
from perspective_agent.egress import SPECIAL_PURPOSE
from perspective_agent.unbound.configuration import UnboundOptions, unbound_config
from perspective_agent.unbound.control import read_given_up
from perspective_agent.unbound.rules import RULES, judge_replies
from perspective_agent.unbound.validation_probe import (
    ProbeResult,
    judge_answers,
    judge_probe,
    succeed,
)

OPTIONS = UnboundOptions(Path("/a/root.key"))
DIRECTORY = Path("/run/x")
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def lines(options: UnboundOptions = OPTIONS) -> list[str]:
    return [line.strip() for line in unbound_config(options, 5300, DIRECTORY).splitlines()]


@pytest.mark.parametrize(
    "line",
    [
        'module-config: "validator iterator"',
        "val-permissive-mode: no",
        "harden-dnssec-stripped: yes",
        "serve-expired: no",
        "prefetch: no",
        "interface: 127.0.0.1",
        "edns-buffer-size: 1232",
        "use-caps-for-id: no",
        "infra-host-ttl: 60",
        'local-zone: "localhost." nodefault',
        "qname-minimisation: no",
        "harden-below-nxdomain: no",
        "aggressive-nsec: no",
        "val-sig-skew-min: 0",
        "cache-max-ttl: 60",
        "cache-max-negative-ttl: 10",
        'trust-anchor-file: "/a/root.key"',
        'control-interface: "/run/x/control"',
    ],
)
def test_the_configuration_is_hardened(line: str) -> None:
    assert line in lines()


def test_nothing_in_the_configuration_leads_around_validation() -> None:
    text = unbound_config(OPTIONS, 5300, DIRECTORY)
    for option in ("domain-insecure", "forward-zone", "stub-zone", "local-data", "ignore-cd-flag"):
        assert option not in text


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "169.254.169.254", "172.31.0.1", "192.168.1.1", "100.64.0.1",
     "192.0.2.1", "198.51.100.1", "203.0.113.1", "198.18.0.1", "224.0.0.1", "255.255.255.255",
     "::1", "fe80::1", "fd00::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::",
     "2001:db8::1", "3fff::1"],
)  # fmt: skip
def test_rfc_8659_6_3_special_purpose_name_servers_are_not_asked(address: str) -> None:
    one = ipaddress.ip_address(address)
    blocks = [ipaddress.ip_network(block) for block in SPECIAL_PURPOSE]
    assert any(one in block for block in blocks if block.version == one.version)
    for block in SPECIAL_PURPOSE:
        assert f"do-not-query-address: {block}" in lines()
    assert "do-not-query-localhost: no" not in lines()


@pytest.mark.parametrize("address", ["8.8.8.8", "192.0.1.1", "198.17.255.255", "2600::1"])
def test_other_name_servers_are(address: str) -> None:
    one = ipaddress.ip_address(address)
    blocks = [ipaddress.ip_network(block) for block in SPECIAL_PURPOSE]
    assert not any(one in block for block in blocks if block.version == one.version)


def test_only_a_lab_asks_special_purpose_name_servers() -> None:
    lab = lines(replace(OPTIONS, allow_special_purpose_servers=True))
    assert "do-not-query-localhost: no" in lab
    assert not [line for line in lab if line.startswith("do-not-query-address")]


GOOD_REPLIES = {
    "list_insecure": "",
    "get_option val-permissive-mode": "no",
    "get_option harden-dnssec-stripped": "yes",
    "get_option module-config": "subnetcache validator iterator",
    "list_forwards": "",
    "list_stubs": ". IN stub prime a.root. 198.51.100.4",
    "list_auth_zones": ".\t2026112500",
    "list_local_zones": "home.arpa. static\nlocalhost. redirect\ntest. static\n",
    "get_option val-override-date": "0",
    "get_option ede": "yes",
    "get_option use-caps-for-id": "no",
    "get_option qname-minimisation": "no",
    "get_option harden-below-nxdomain": "no",
    "get_option aggressive-nsec": "no",
    "get_option serve-expired": "no",
    "get_option cache-max-ttl": "60",
    "get_option cache-max-negative-ttl": "3600",
}


def test_an_unbound_in_order() -> None:
    assert set(GOOD_REPLIES) == {rule.command for rule in RULES}
    assert not judge_replies(GOOD_REPLIES)


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        ("list_insecure", "jp."),
        ("get_option val-permissive-mode", "yes"),
        ("get_option harden-dnssec-stripped", "no"),
        ("get_option module-config", "iterator"),
        ("get_option module-config", "novalidator iterator"),
        ("list_forwards", ". IN forward 192.0.2.1"),
        ("list_stubs", ". IN stub prime a.root.\njp. IN stub noprime 192.0.2.1"),
        ("get_option module-config", "cachedb validator iterator"),
        ("get_option module-config", "respip validator iterator"),
        ("get_option module-config", "python validator iterator"),
        ("get_option val-override-date", "-1"),
        ("get_option val-override-date", "20200101000000"),
        ("list_auth_zones", ".\t1\nexample.org.\tno serial"),
        ("list_local_zones", "home.arpa. static\nexample.org. transparent"),
        ("list_local_zones", "notarpa. static"),
        ("list_local_zones", ". static"),
        ("get_option ede", "no"),
        ("get_option use-caps-for-id", "yes"),
        ("get_option qname-minimisation", "yes"),
        ("get_option harden-below-nxdomain", "yes"),
        ("get_option aggressive-nsec", "yes"),
        ("get_option serve-expired", "yes"),
        ("get_option cache-max-ttl", "3601"),
        ("get_option cache-max-ttl", ""),
        ("get_option cache-max-negative-ttl", "86400"),
    ],
)
def test_br_4_2_2_2_4_an_unbound_that_is_not(command: str, reply: str) -> None:
    violation = judge_replies(GOOD_REPLIES | {command: reply})
    assert violation.startswith(f"`unbound-control {command}` says ")


SECURE_SOA = o.Lookup(records=o.RecordSet(rdata=[b"x"]), dnssec=o.DNSSEC_SECURE)
BOGUS = failed("arpa", o.FAILURE_KIND_BOGUS, "the resolver answered SERVFAIL", o.DNSSEC_BOGUS)
INSECURE_SOA = o.Lookup(records=o.RecordSet(rdata=[b"x"]), dnssec=o.DNSSEC_INSECURE)
LATE = failed("arpa", o.FAILURE_KIND_TIMEOUT, "no answer within 5 s")
SERVFAIL = failed("", o.FAILURE_KIND_SERVFAIL, "the resolver answered SERVFAIL")


def test_a_resolver_that_validates() -> None:
    assert not judge_probe(SECURE_SOA, BOGUS)


@pytest.mark.parametrize(
    ("root", "canary", "says"),
    [
        (INSECURE_SOA, BOGUS, "without AD"),
        (SERVFAIL, BOGUS, "cannot be looked up"),
        (o.Lookup(absence=o.ABSENCE_NO_DATA, dnssec=o.DNSSEC_SECURE), BOGUS, "without AD"),
        (SECURE_SOA, SECURE_SOA, "must be bogus but gave an answer"),
        (SECURE_SOA, SERVFAIL, "nothing tells yet: the resolver answered SERVFAIL"),
        (SECURE_SOA, LATE, "nothing tells yet: no answer within 5 s"),
        (LATE, LATE, "the root's SOA cannot be looked up: no answer within 5 s"),
        (SECURE_SOA, INSECURE_SOA, "must be bogus"),
    ],
)
def test_a_resolver_that_does_not(root: o.Lookup, canary: o.Lookup, says: str) -> None:
    assert says in judge_probe(root, canary)


def test_silence_is_not_said_to_show_that_validation_is_off() -> None:
    for canary in (SERVFAIL, LATE):
        assert "validation" not in judge_probe(SECURE_SOA, canary)


PROVEN = ProbeResult(validates=True, evidence="shown", ended_at=NOON, proven_at=NOON)


@pytest.mark.parametrize(
    ("minutes", "is_conclusive", "validates"),
    [(1, False, True), (5, False, True), (5.1, False, False), (0, True, False)],
)
def test_silence_leaves_the_last_proof_in_force_for_a_while(
    minutes: float, is_conclusive: bool, validates: bool
) -> None:
    later = NOON + timedelta(minutes=minutes)
    failed_probe = ProbeResult(
        validates=False, evidence="no answer", ended_at=later, is_conclusive=is_conclusive
    )
    holding = succeed(PROVEN, failed_probe)
    assert holding.validates == validates
    assert "no answer" in holding.evidence
    assert not succeed(failed_probe, failed_probe).validates


def test_the_time_of_the_proof_is_not_renewed_by_silence() -> None:
    def silent(minutes: int) -> ProbeResult:
        later = NOON + timedelta(minutes=minutes)
        return ProbeResult(
            validates=False, evidence="no answer", ended_at=later, is_conclusive=False
        )

    assert not succeed(succeed(PROVEN, silent(3)), silent(6)).validates


@pytest.mark.parametrize(
    ("root", "canary", "is_conclusive"),
    [
        (SERVFAIL, BOGUS, False),
        (SECURE_SOA, SERVFAIL, False),
        (INSECURE_SOA, BOGUS, True),
        (INSECURE_SOA, SERVFAIL, True),
        (SERVFAIL, INSECURE_SOA, True),
        (SECURE_SOA, INSECURE_SOA, True),
    ],
)
def test_what_refutes_and_what_is_silence(
    root: o.Lookup, canary: o.Lookup, is_conclusive: bool
) -> None:
    probe = judge_answers(root, canary, NOON)
    assert not probe.validates
    assert probe.is_conclusive == is_conclusive


INFRA = """\
192.0.2.53 jp. ttl 873 ping 0 var 94 rtt 376 rto 376 tA 0 tAAAA 0 tother 0 ednsknown 0
192.0.2.54 jp. ttl 873 ping 0 var 94 rtt 376 rto 3000 tA 2 tAAAA 0 tother 1 ednsknown 0
192.0.2.54 co.jp. ttl 873 ping 0 var 94 rtt 376 rto 6000 tA 2 tAAAA 0 tother 1 ednsknown 0
192.0.2.55 jp. expired rto 120000
192.0.2.56 jp. ttl 1 rto
"""


def test_servers_given_up_are_those_whose_time_out_has_grown() -> None:
    assert read_given_up(INFRA) == ["192.0.2.54", "192.0.2.55"]
