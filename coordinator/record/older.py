"""Read records from before names had their checks, as if they had them. Pure.

At that time every name was asked about CAA and addresses. A record said once what both were judged
by. It had a determination for CAA only. Reasons and dissents had separate numbers for each check.
Nothing else has changed. So such a record can be shown, judged again and searched like any other.

The chain proves the record as it was written. It is never written again.
"""

from mpic.name_form import is_wildcard
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import record_pb2 as r

CAA, ADDRESSES = "caa", "addresses"

_PRIMARY_ADDRESSES_FAILED = 7
"""A reason."""
_ADDRESSES_FAILED = 4
"""A dissent."""
_OF_CAA = frozenset({c.DISSENT_FORBIDS, c.DISSENT_FAILED, c.DISSENT_NOT_IN_PUBLIC_DNS})
_REASONS_OF_CAA = frozenset(
    {c.REASON_PRIMARY_FORBIDS, c.REASON_PRIMARY_FAILED, c.REASON_NOT_IN_PUBLIC_DNS}
)


def renew_record(record: r.Record) -> None:
    """Fill in what an older record does not have; other records stay as they are."""
    for name in record.names:
        if name.checks:
            continue
        name.checks.extend([_requested_caa(record, name), _requested_addresses(record)])
        if name.caa_usable_until_us:
            name.usable_until_us[:] = [name.caa_usable_until_us, 0]
        _renew_reason(name)
        for determination in name.determinations:
            determination.check = CAA
        for reply in name.replies:
            renew_reply(reply)


def renew_reply(reply: r.RecordedReply) -> None:
    """Fill in the check by which an older reply dissents; other replies stay as they are."""
    if reply.dissent == _ADDRESSES_FAILED:
        reply.dissent, reply.check = c.DISSENT_FAILED, ADDRESSES
    elif reply.check:
        return
    elif reply.dissent in _OF_CAA:
        reply.check = CAA
    elif reply.dissent == c.DISSENT_DIFFERS:
        reply.check = ADDRESSES


def renew_late(late: r.LateReply) -> None:
    """Do the same for a late reply."""
    renew_reply(late.reply)
    for determination in late.determinations:
        determination.check = determination.check or CAA


def older_reasons(reason: "c.Reason.ValueType") -> list[int]:
    """Return the numbers of a reason in the index of records, with older ones."""
    if reason == c.REASON_PRIMARY_FAILED:
        return [reason, _PRIMARY_ADDRESSES_FAILED]
    return [reason]


def _renew_reason(name: r.RecordedName) -> None:
    if name.reason == _PRIMARY_ADDRESSES_FAILED:
        name.reason, name.check = c.REASON_PRIMARY_FAILED, ADDRESSES
    elif name.reason in _REASONS_OF_CAA:
        name.check = CAA


def _requested_caa(record: r.Record, name: r.RecordedName) -> c.RequestedCheck:
    return c.RequestedCheck(
        caa=c.RequestedCaa(
            wildcard=is_wildcard(name.asked),
            issuer_domains=record.issuer_domains,
            understood_critical_tags=record.understood_critical_tags,
            account_uri=record.account_uri,
            validation_method=record.validation_method,
            permit_failure_in_insecure_zone=record.policy.permit_caa_failure_in_insecure_zone,
        )
    )


def _requested_addresses(record: r.Record) -> c.RequestedCheck:
    agreement = record.policy.address_agreement
    return c.RequestedCheck(addresses=c.RequestedAddresses(agreement=agreement))
