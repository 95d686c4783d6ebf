"""Address agreement: does a remote see the name where the primary sees it? Pure.

This is the service's own rule (UPKI: the name resolution result agrees at four or more of five
remote networks). It is a control on top of CAA and domain validation. It is not a validation method
(BR 3.2.2.4.8 forbids that). It refuses owners whose servers answer by place (GeoDNS). A CA that has
domain control corroborated may leave it out (`PolicyRow.checks`), or ask only for `overlap`.

A policy may cover AAAA too. Then the IPv6 addresses must agree by the same rule, by themselves.

A name without an A record passes. The remote must then see none either. NODATA and NXDOMAIN count
as the same absence (RFC 9824 turns one into the other).
"""

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from coordinator.checks.check import (
    CheckSubject,
    Findings,
    Judgement,
    JudgingRules,
    MalformedFindingError,
    Statuses,
    choose_dissent,
    describe_failure,
    read_lookup,
)
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p

_SHOWN = 8
"""The number of addresses that a detail shows; the observation has all of them."""

# Each includes the next. A caller may not ask for a looser one than the policy's.
STRICTEST_FIRST = (
    c.ADDRESS_AGREEMENT_EXACT,
    c.ADDRESS_AGREEMENT_OVERLAP,
    c.ADDRESS_AGREEMENT_RESOLVES,
)

Addresses = frozenset[bytes]

_A_ALONE = (p.Check(addresses=p.AddressLookup()),)
_PASSED = Judgement()

_AGREE: Mapping[c.AddressAgreement.ValueType, Callable[[Addresses, Addresses], bool]] = {
    c.ADDRESS_AGREEMENT_EXACT: lambda one, other: one == other,
    c.ADDRESS_AGREEMENT_OVERLAP: lambda one, other: bool(one & other) or not (one or other),
    c.ADDRESS_AGREEMENT_RESOLVES: lambda one, other: bool(one) == bool(other),
}


def agree(remote: Addresses, primary: Addresses, how: c.AddressAgreement.ValueType) -> bool:
    """Whether two address sets agree; an empty set is an absence. Order and TTL do not count."""
    return _AGREE[how](remote, primary)


def is_looser(one: c.AddressAgreement.ValueType, other: c.AddressAgreement.ValueType) -> bool:
    """Whether `one` lets more pass than `other`."""
    return STRICTEST_FIRST.index(one) > STRICTEST_FIRST.index(other)


class Family(NamedTuple):
    """The addresses of one family."""

    octets: int
    """Of one address."""
    name: str
    """Such as "IPv6"."""
    none: str
    """What an empty set is called."""


_IPV4 = Family(4, "IPv4", "no address")
_IPV6 = Family(16, "IPv6", "no IPv6 address")


class AddressJudge:
    """The check `addresses`."""

    def is_given(self, requested: c.RequestedName) -> bool:  # noqa: ARG002 - it needs nothing
        """Return that the caller says nothing for this check alone."""
        return False

    def request(self, subject: CheckSubject, rules: JudgingRules) -> c.RequestedCheck:  # noqa: ARG002 - of every name
        """Return the check, with the families of addresses that are asked for."""
        aaaa_too = rules.attempt.row.addresses_cover_aaaa
        return c.RequestedCheck(addresses=c.RequestedAddresses(aaaa_too=aaaa_too))

    def apply_rules(self, asked: c.RequestedCheck, rules: JudgingRules) -> None:
        """Fill in how closely the addresses must agree."""
        asked.addresses.agreement = rules.attempt.address_agreement

    def questions(self, asked: c.RequestedCheck, name: str) -> Sequence[p.Check]:
        """Return what the perspectives are asked."""
        if not asked.addresses.aaaa_too:
            return _A_ALONE
        aaaa = p.RecordLookup(owner=name, type=o.RECORD_TYPE_AAAA)
        return (*_A_ALONE, p.Check(records=aaaa))

    def judge(
        self,
        findings: Findings,
        name: str,
        asked: c.RequestedCheck,  # noqa: ARG002 - any answer will do
        believed: Statuses,
    ) -> Judgement:
        """Judge one perspective's answers alone: any answer passes, a failure does not."""
        for finding, family in _by_family(findings):
            lookup = _well_formed(finding, family, name, believed)
            if lookup.HasField("failure"):
                detail = f"A lookup failed: {describe_failure(lookup.failure)}"
                return Judgement(c.OUTCOME_FAILED, choose_dissent(lookup.failure), detail)
        return _PASSED

    def compare(
        self,
        remote: Findings,
        primary: Findings,
        name: str,  # noqa: ARG002 - its lookups bear it
        asked: c.RequestedCheck,
    ) -> Judgement | None:
        """Judge a remote's answers against the primary's; none is a failure."""
        pairs = zip(_by_family(remote), _by_family(primary), strict=True)
        for (ours, family), (theirs, _) in pairs:
            seen, expected = read_addresses(ours), read_addresses(theirs)
            if not agree(seen, expected, asked.addresses.agreement):
                detail = (
                    f"sees {_say(seen, family)} where the primary sees {_say(expected, family)}"
                )
                return Judgement(c.OUTCOME_DIFFERS, c.DISSENT_DIFFERS, detail)
        return None


def read_addresses(finding: o.Finding) -> Addresses:
    """Return the addresses of a finding in wire form; none for an absence."""
    return frozenset(_lookup_of(finding).records.rdata)


def _by_family(findings: Findings) -> Sequence[tuple[o.Finding, Family]]:
    return tuple(zip(findings, (_IPV4, _IPV6)))  # noqa: B905 - the second may not be asked


def _lookup_of(finding: o.Finding) -> o.Lookup:
    is_a = finding.HasField("addresses")
    return finding.addresses.lookup if is_a else finding.records.lookup


def _well_formed(finding: o.Finding, family: Family, name: str, believed: Statuses) -> o.Lookup:
    """Return the lookup, if it is of this name's addresses; raises as `read_lookup`."""
    if family is _IPV6 and finding.records.type != o.RECORD_TYPE_AAAA:
        raise MalformedFindingError("other records instead of AAAA records")
    lookup = read_lookup(_lookup_of(finding), name, believed)
    if any(len(address) != family.octets for address in lookup.records.rdata):
        raise MalformedFindingError(f"address records that are no {family.name} addresses")
    return lookup


def _say(addresses: Addresses, family: Family) -> str:
    shown = ", ".join(str(ipaddress.ip_address(one)) for one in sorted(addresses)[:_SHOWN])
    if len(addresses) > _SHOWN:
        return f"{shown} and {len(addresses) - _SHOWN} more"
    return shown or family.none
