"""Why Unbound answered SERVFAIL, from the lines of its log (`log-servfail: yes`). Pure.

    error: SERVFAIL <www.example. CAA IN>: all servers for this domain failed, at zone example.
    from 192.0.2.53 got REFUSED

That is one line. Unbound writes it before it answers. Its Extended DNS Errors say this only in
newer releases. The texts are Unbound's own (`errinf` in iterator/iterator.c). One that is not known
here is told as it is, without a cause.
"""

import re
import time
from typing import NamedTuple

import dns.rdatatype

from mpic.text import shorten
from mpic.v1 import observation_pb2 as o

_LINE = re.compile(r" error: SERVFAIL <(?P<name>\S+) (?P<type>\S+) IN>: (?P<why>.+)")
_ZONE = re.compile(r", at zone (?P<zone>\S+?)\.(?: |$)")
_NO_ADDRESS = "from (inet_ntop_error) "
_TEXT_OCTETS = 400
_KEPT = 1024
"""Names and types; the oldest is forgotten first."""
_REMEMBERED = 6.0
"""Seconds for which Unbound may answer a failure from its cache: then it writes no line."""

# What stands in a text, and what it means; the first that does counts.
_CAUSES = (
    (" got REFUSED", o.FAILURE_CAUSE_REFUSED),
    (" got ", o.FAILURE_CAUSE_SERVER_FAILED),
    ("no addresses for nameservers", o.FAILURE_CAUSE_NO_ADDRESS),
    ("have no nameserver names", o.FAILURE_CAUSE_NO_ADDRESS),
    ("nameserver addresses not usable", o.FAILURE_CAUSE_ADDRESS_NOT_USABLE),
    ("nodata answer", o.FAILURE_CAUSE_LAME),
    ("upstream response failed scrub", o.FAILURE_CAUSE_UNREADABLE),
    ("could not parse upstream response", o.FAILURE_CAUSE_UNREADABLE),
    ("upstream server timeout", o.FAILURE_CAUSE_SILENT),
    ("exceeded the maximum number restarts", o.FAILURE_CAUSE_ALIAS_LOOP),
)


class ServfailReason(NamedTuple):
    """Why a lookup ended in SERVFAIL."""

    text: str
    """As Unbound says it; escaped and cut."""
    zone: str
    """Whose servers failed; "": the root's, or it is not told."""
    cause: o.FailureCause.ValueType


class ServfailLog:
    """The latest reasons, by name and type."""

    def __init__(self) -> None:
        """Know none."""
        self._reasons: dict[tuple[str, str], tuple[float, ServfailReason]] = {}

    def note(self, line: str) -> bool:
        """Note a line of Unbound's log; return whether it tells of a SERVFAIL."""
        found = _LINE.search(line)
        if found is None:
            return False
        key = found["name"].lower().removesuffix("."), found["type"]
        self._reasons.pop(key, None)
        self._reasons[key] = time.perf_counter(), read_reason(found["why"])
        if len(self._reasons) > _KEPT:
            del self._reasons[next(iter(self._reasons))]
        return True

    def find(self, name: str, rdtype: int, since: float) -> ServfailReason | None:
        """Return why a lookup failed that began at `since`; None: no line tells it."""
        key = name, dns.rdatatype.to_text(dns.rdatatype.RdataType.make(rdtype))
        noted, reason = self._reasons.get(key, (0.0, None))
        return reason if noted >= since - _REMEMBERED else None


def read_reason(why: str) -> ServfailReason:
    """Read what Unbound says."""
    zone = _ZONE.search(why)
    causes = (cause for text, cause in _CAUSES if text in why)
    return ServfailReason(
        shorten(why.replace(_NO_ADDRESS, "").strip(), _TEXT_OCTETS),
        zone["zone"].lower() if zone else "",
        next(causes, o.FAILURE_CAUSE_UNSPECIFIED),
    )
