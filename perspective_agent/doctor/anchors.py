"""Compares the trust anchor with the keys that the IANA root signs with."""

from collections.abc import Collection, Sequence
from datetime import datetime

from mpic.runtime.doctor import Facts, Finding
from perspective_agent.unbound.trust_anchor import Anchor, find_known, find_missing


def judge_anchors(anchors: Collection[Anchor], now: datetime) -> Sequence[Finding]:
    """Say whether the keys believed are those of today and of the time to come. Pure."""
    facts: Facts = {"key_tags": [str(anchor.tag) for anchor in sorted(anchors)]}
    if missing := find_missing(anchors, now):
        mend = "Update the package dns-root-data, and restart the agent"
        return [Finding("warning", one, mend, facts) for one in missing]
    if not find_known(anchors):
        what = "no key of the IANA root is believed: the root is one of your own"
        return [Finding("ok", what, facts=facts)]
    return [Finding("ok", "the keys of the IANA root are there", facts=facts)]
