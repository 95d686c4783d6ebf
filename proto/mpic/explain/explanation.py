"""What a person is told of an answer: every fact and sentence that a face shows. Pure.

A face (a page, a terminal) only lays this out. Texts are plain: they may quote what came from the
network, bounded in length. Each face escapes them in its own way.

Codes are stable, and are for programs and style sheets. Words are in the language of the
explanation, and are for people.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from mpic.words import Language

VerdictCode = Literal["approved", "validated", "refused", "undetermined"]
WhoseCode = Literal["nobody", "you", "dns_operator", "registry", "ca", "service"]
AgainCode = Literal["no", "now", "later", "after_change"]
PasteKind = Literal["command", "zone", "server"]
LevelState = Literal["records", "none", "failed", "not_asked"]


@dataclass(frozen=True, slots=True)
class Coded:
    """A code, and its words."""

    code: str
    words: str


@dataclass(frozen=True, slots=True)
class PasteLine:
    """One or more lines to copy: safe for a shell, a zone file or a configuration."""

    kind: PasteKind
    """For a shell, for a zone file, or for the configuration of a server."""
    intro: str
    """What it is for, in a sentence."""
    text: str
    """Without a line end behind the last line."""


@dataclass(frozen=True, slots=True)
class ProblemView:
    """One thing that went wrong, at one perspective or at several.

    The four columns are those in which UPKI publishes errors: code, message, main cause, remedy.
    """

    code: str
    """Of the catalogue, such as "caa.issuer", "cause.SILENT" or "fault.NO_RECORD"."""
    check: Coded
    """The check that it comes from; its code is "" if it comes from none."""
    message: str
    cause: str
    remedy: str
    whose: Coded
    """Whose task the remedy is: a `WhoseCode`."""
    again: Coded
    """Whether asking again helps, and when: an `AgainCode`."""
    clause: str
    """What demands it, such as "RFC 8659 section 4.2"; "" if there is none."""
    perspectives: Sequence[str]
    """The ids of those that met it."""
    paste: Sequence[PasteLine]


@dataclass(frozen=True, slots=True)
class PerspectiveView:
    """What one perspective saw, and what it counts for."""

    id: str
    is_primary: bool
    region: Coded
    """The service region, such as "APNIC"."""
    corroborates: bool
    outcome: Coded
    """Why it does not corroborate, such as "DIFFERS"; "UNSPECIFIED": it does."""
    message: str
    """The same in a sentence; "" if it corroborates."""
    was_counted: bool
    """Nobody waited for it otherwise."""
    elapsed: timedelta | None
    """From asking until its answer was read; None: it did not answer."""
    observed: Sequence[Coded]
    """What it saw, for each thing that was looked at, such as "caa" or "a"."""


@dataclass(frozen=True, slots=True)
class ValueGroup:
    """Perspectives that saw the same."""

    perspectives: Sequence[str]
    values: Sequence[str]
    """At least one line."""
    has_primary: bool


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that not all perspectives saw alike."""

    what: Coded
    """What was looked at, such as "a"."""
    groups: Sequence[ValueGroup]
    """At least two: that of the primary first, then the largest."""


@dataclass(frozen=True, slots=True)
class CaaLevel:
    """One level of the search for CAA records."""

    name: str
    state: LevelState
    words: str
    records: Sequence[str]
    """In presentation form."""
    dnssec: Coded
    stopped_here: bool
    """The search ended here."""


@dataclass(frozen=True, slots=True)
class CaaWalk:
    """The search for CAA records, from the name up to its top-level domain (RFC 8659 section 3)."""

    perspectives: Sequence[str]
    """Those that saw just this."""
    levels: Sequence[CaaLevel]


@dataclass(frozen=True, slots=True)
class CheckView:
    """One check that was asked."""

    check: Coded
    outcome: Coded
    """At the primary; "FALLS_SHORT": it passed there, and too few remotes corroborate that."""
    quorum: str
    """The remotes that corroborate it, such as "4/5"; "" if it is not told."""
    usable_until: datetime | None


@dataclass(frozen=True, slots=True)
class NameExplanation:
    """One name of the certificate."""

    name: str
    """As the caller wrote it."""
    looked_up: str
    verdict: Coded
    """A `VerdictCode`."""
    error_code: str
    """ "338" or ""."""
    quorum: str
    """Such as "3/5"; for a quorum that cannot be met any more, such as "at most 3/5"."""
    required: int
    reason: Coded
    """Such as "QUORUM_NOT_MET", with the sentence of the verdict."""
    cause: str
    remedy: str
    whose: Coded
    again: Coded
    clause: str
    problems: Sequence[ProblemView]
    """What stands behind the reason, the most frequent first; none if it is approved."""
    perspectives: Sequence[PerspectiveView]
    """The primary first."""
    differences: Sequence[Difference]
    caa_walks: Sequence[CaaWalk]
    """That of the primary first; none if CAA was not asked or no report has it."""
    dnssec: Sequence[Coded]
    """The statuses of all lookups of the primary, without repetition."""
    checks: Sequence[CheckView]


@dataclass(frozen=True, slots=True)
class Explanation:
    """An answer, explained."""

    language: Language
    record_id: str
    request_id: str
    url: str
    """Of the page that shows this; "" if the answer has none."""
    verdict: Coded
    """A `VerdictCode`, on all names together."""
    error_code: str
    """ "338" or ""."""
    sentence: str
    is_dry_run: bool
    asked_at: datetime | None
    decided_at: datetime | None
    usable_until: datetime | None
    """Until when it may be used to issue; None: not, or without a limit."""
    policy_from: datetime | None
    """From when the rules apply that it was judged by."""
    names: Sequence[NameExplanation]
    """Those that are not approved first."""
