"""The officer's pages: templates filled in. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, partial
from urllib.parse import urlencode

from jinja2 import Environment

from coordinator.api.explain.page import LANGUAGE_NAMES, make_environment, style_version
from coordinator.api.preflight.coming import (
    SCHEDULE,
    ComingChange,
    Validity,
    begin_of,
    dates_to_come,
    has_other_rules,
)
from coordinator.api.preflight.jobs import PreflightJob
from coordinator.rules.policy import Policy
from mpic.ask.lists.journal import JournalLine, LineState
from mpic.words import LANGUAGES, Language
from mpic.words.catalogue import say

ROWS = 250
"""Lines that one page shows; the others are on pages that follow."""
_NAMES = 3
"""Of a line, that are shown."""
_BAD = (LineState.REFUSED, LineState.UNDETERMINED, LineState.MALFORMED)
_COUNTED = (LineState.APPROVED, *_BAD, LineState.OPEN)
_PACKAGES = ("coordinator.api.preflight", "coordinator.api.explain")


@dataclass(frozen=True, slots=True)
class StartView:
    """The page that takes a list."""

    issuers: Sequence[str]
    """None: there is only one."""
    jobs: Sequence[PreflightJob]
    """The caller's, the newest first."""
    wrong: str = ""
    """What is wrong with what was handed in."""
    can_sign_out: bool = False


@dataclass(frozen=True, slots=True)
class JobRow:
    """One line of a list."""

    number: int
    names: Sequence[str]
    more: int
    """Names that are not shown."""
    state: str
    verdict: str
    reason: str
    remedy: str
    record_id: str
    """Empty: there is no record."""


@dataclass(frozen=True, slots=True)
class ComingView:
    """What a date to come brings."""

    since: date
    has_other_rules: bool
    """Than before that date."""
    changes: Sequence[tuple[int, ComingChange]]
    """With the numbers of their lines."""


@dataclass(frozen=True, slots=True)
class JobView:
    """What one page shows of a list."""

    job: PreflightJob
    language: Language
    only_bad: bool
    first: int
    """Which of the lines is the first, counted from 0."""
    policy: Policy
    now: datetime

    @property
    def counts(self) -> Mapping[str, int]:
        """How many lines are in each state, of those there are."""
        found = self.job.show(self.language).count()
        return {one: found[one] for one in _COUNTED if found.get(one)}

    @property
    def done(self) -> int:
        """How many lines have come to their end."""
        return self.job.total - self.counts.get(LineState.OPEN, 0)

    @property
    def _lines(self) -> Sequence[JournalLine]:
        states = _BAD if self.only_bad else _COUNTED
        return list(self.job.show(self.language).lines(*states))

    @property
    def rows(self) -> Sequence[JobRow]:
        """The lines of this page."""
        return [_make_row(one) for one in self._lines[self.first : self.first + ROWS]]

    @property
    def all_rows(self) -> int:
        """How many there are on all pages."""
        return len(self._lines)

    @property
    def coming(self) -> Sequence[ComingView]:
        """What each date to come brings."""
        found = [
            (number, change)
            for number, changes in sorted(dict(self.job.changes).items())
            for change in changes
        ]
        views, before = [], self.now
        for since in dates_to_come(self.now):
            others = has_other_rules(self.policy, since, before)
            turned = [(number, one) for number, one in found if one.since == since]
            views.append(ComingView(since, others, turned))
            before = begin_of(since)
        return views

    @property
    def schedule(self) -> Sequence[Validity]:
        """How long certificates and validations may be used, now and later."""
        return SCHEDULE

    def refer(self, **more: object) -> str:
        """Return the query of the same page with other parameters."""
        show = {"show": "bad"} if self.only_bad else {}
        return "?" + urlencode({"lang": self.language, **show, **more})


def render_sign_in(language: Language, root: str, *, is_wrong: bool = False) -> bytes:
    """Return the page that asks for a token; `root` leads from it to where /preflight is."""
    return _render("sign_in.html", language, root, is_wrong=is_wrong)


def render_start(view: StartView, language: Language) -> bytes:
    """Return the page that takes a list, at /preflight."""
    return _render("start.html", language, "", view=view)


def render_job(view: JobView) -> bytes:
    """Return the page of a list, at /preflight/ID."""
    return _render("job.html", view.language, "../", view=view, rows_at_once=ROWS)


def _make_row(line: JournalLine) -> JobRow:
    result = line.result or {}
    words = result.get("words", {})
    return JobRow(
        number=line.number,
        names=line.names[:_NAMES],
        more=max(len(line.names) - _NAMES, 0),
        state=line.state,
        verdict=words.get("verdict", ""),
        reason=words.get("reason", ""),
        remedy=words.get("remedy", ""),
        record_id=result.get("record_id", ""),
    )


def _render(template: str, language: Language, root: str, **shown: object) -> bytes:
    page = _environment().get_template(template)
    text = page.render(
        lang=language,
        languages=LANGUAGES,
        language_names=LANGUAGE_NAMES,
        title=say("preflight.title", language),
        root=root,
        say=partial(_say, language),
        style=f"{root}explain/style.css?v={style_version()}",
        **shown,
    )
    return text.encode(errors="backslashreplace")


@cache
def _environment() -> Environment:
    return make_environment(*_PACKAGES)


def _say(language: Language, id: str, /, **facts: object) -> str:
    return say(id, language, **facts)
