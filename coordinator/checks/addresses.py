"""Address agreement: does a remote see the name where the primary sees it? Pure.

This is the service's own rule (UPKI: the name resolution result agrees at four or more of five
remote networks). It is a control on top of CAA and domain validation. It is not a validation method
(BR 3.2.2.4.8 forbids that).

A name without an A record passes. The remote must then see none either. NODATA and NXDOMAIN count
as the same absence (RFC 9824 turns one into the other).
"""

import ipaddress
from collections.abc import Callable, Mapping

from coordinator.checks.check import (
    CheckSubject,
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

_IPV4 = 4
_SHOWN = 8
"""The number of addresses that a detail shows; the observation has all of them."""

# Each includes the next. A caller may not ask for a looser one than the policy's.
STRICTEST_FIRST = (
    c.ADDRESS_AGREEMENT_EXACT,
    c.ADDRESS_AGREEMENT_OVERLAP,
    c.ADDRESS_AGREEMENT_RESOLVES,
)

Addresses = frozenset[bytes]

_QUESTION = p.Check(addresses=p.AddressLookup())
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


class AddressJudge:
    """The check `addresses`."""

    def request(self, subject: CheckSubject) -> c.RequestedCheck:  # noqa: ARG002 - of every name
        """Return the check."""
        return c.RequestedCheck(addresses=c.RequestedAddresses())

    def apply_rules(self, asked: c.RequestedCheck, rules: JudgingRules) -> None:
        """Fill in how closely the addresses must agree."""
        asked.addresses.agreement = rules.attempt.address_agreement

    def question(self, asked: c.RequestedCheck, name: str) -> p.Check:  # noqa: ARG002 - it is always the same
        """Return what the perspectives are asked."""
        return _QUESTION

    def judge(
        self,
        finding: o.Finding,
        name: str,
        asked: c.RequestedCheck,  # noqa: ARG002 - any answer will do
        believed: Statuses,
    ) -> Judgement:
        """Judge one perspective's answer alone: any answer passes, a failure does not."""
        lookup = _well_formed(finding, name, believed)
        if lookup.HasField("failure"):
            detail = f"A lookup failed: {describe_failure(lookup.failure)}"
            return Judgement(c.OUTCOME_FAILED, choose_dissent(lookup.failure), detail)
        return _PASSED

    def compare(
        self, remote: o.Finding, primary: o.Finding, asked: c.RequestedCheck
    ) -> Judgement | None:
        """Judge a remote's answer against the primary's; neither is a failure."""
        seen, expected = read_addresses(remote), read_addresses(primary)
        if agree(seen, expected, asked.addresses.agreement):
            return None
        detail = f"sees {_say(seen)} where the primary sees {_say(expected)}"
        return Judgement(c.OUTCOME_DIFFERS, c.DISSENT_DIFFERS, detail)


def read_addresses(finding: o.Finding) -> Addresses:
    """Return the addresses of a finding in wire form; none for an absence."""
    return frozenset(finding.addresses.lookup.records.rdata)


def _well_formed(finding: o.Finding, name: str, believed: Statuses) -> o.Lookup:
    """Return the lookup, if it is of this name's addresses; raises as `read_lookup`."""
    lookup = read_lookup(finding.addresses.lookup, name, believed)
    if any(len(address) != _IPV4 for address in lookup.records.rdata):
        raise MalformedFindingError("address records that are no IPv4 addresses")
    return lookup


def _say(addresses: Addresses) -> str:
    shown = ", ".join(str(ipaddress.IPv4Address(one)) for one in sorted(addresses)[:_SHOWN])
    if len(addresses) > _SHOWN:
        return f"{shown} and {len(addresses) - _SHOWN} more"
    return shown or "no address"
