"""Pages from what is explained: templates filled in, by a language. Pure.

Everything that a template puts out is escaped, and shown by `values.show_text`.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, partial
from importlib.resources import files

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from coordinator.api.explain.again import Repetition
from coordinator.api.explain.values import cut_value, show_text
from mpic.explain.explanation import Explanation, NameExplanation
from mpic.words import LANGUAGES, Language
from mpic.words.catalogue import say

NAMES_AT_ONCE = 10
"""Names that one page explains; the others are on pages that follow."""

_PACKAGE = "coordinator.api.explain"
LANGUAGE_NAMES: Mapping[Language, str] = {"en": "English", "ja": "\u65e5\u672c\u8a9e"}


@dataclass(frozen=True, slots=True)
class PageLinks:
    """Where a page leads; relative, so that a proxy may put a path before it."""

    languages: Mapping[Language, str]
    check_again: str
    """Empty: it cannot be checked again."""
    before: str
    """The page without a later check."""
    earlier_names: str = ""
    later_names: str = ""


@dataclass(frozen=True, slots=True)
class PageView:
    """What one page shows."""

    explanation: Explanation
    links: PageLinks
    first: int = 0
    """Which name is explained first, counted from 0."""
    after: Explanation | None = None
    """What a later check came to."""
    repetition: Repetition | None = None
    """What is asked again by the button; None: there is none."""

    @property
    def names(self) -> Sequence[NameExplanation]:
        """The names that are explained."""
        return self.explanation.names[self.first : self.first + NAMES_AT_ONCE]

    @property
    def compared(self) -> Sequence[tuple[NameExplanation, NameExplanation | None]]:
        """Each of these names that was not approved, or is not any more, before and after."""
        later = {one.name: one for one in (self.after.names if self.after else ())}
        pairs = [(one, later.get(one.name)) for one in self.names]
        return [pair for pair in pairs if {one.verdict.code for one in pair if one} != {"approved"}]


def render_page(view: PageView) -> bytes:
    """Return the page of an explanation."""
    language = view.explanation.language
    return _render("explanation.html", language, view=view, title=_make_title(view, language))


def render_message(kind: str, first: Language, **facts: object) -> bytes:
    """Return a page that says one thing, in all languages; `first` is the language that is first.

    `kind` names the sentences: those of the ids `page.KIND.title` and `page.KIND.text`.
    """
    languages = sorted(LANGUAGES, key=lambda one: one != first)
    title = say(f"page.{kind}.title", first)
    return _render(
        "message.html", first, kind=kind, languages=languages, facts=facts, title=title, words=say
    )


@cache
def read_style() -> bytes:
    """Return the style sheet."""
    return (files(_PACKAGE) / "templates" / "style.css").read_bytes()


@cache
def style_version() -> str:
    """Return what changes with the style sheet."""
    return hashlib.sha256(read_style()).hexdigest()[:16]


def _render(template: str, language: Language, **shown: object) -> bytes:
    text = (
        _environment()
        .get_template(template)
        .render(
            lang=language,
            say=partial(_say, language),
            language_names=LANGUAGE_NAMES,
            style=f"style.css?v={style_version()}",
            **shown,
        )
    )
    return text.encode()


@cache
def _environment() -> Environment:
    return make_environment(_PACKAGE)


def make_environment(*packages: str) -> Environment:
    """Return what fills in the templates of packages, of the first that has one of that name."""
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(one) for one in packages]),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=show_text,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(cut=cut_value, moment=_show_moment, seconds=_show_seconds)
    return environment


def _say(language: Language, id: str, /, **facts: object) -> str:
    return say(id, language, **facts)


def _make_title(view: PageView, language: Language) -> str:
    explanation = view.explanation
    names = [one.name for one in explanation.names[:1]]
    parts = [explanation.error_code, explanation.verdict.words, *names, say("page.title", language)]
    return " \u00b7 ".join(filter(None, parts))


def _show_moment(moment: datetime) -> Markup:
    """Return a moment as people read it, and as programs do (HTML, the element `time`)."""
    return Markup('<time datetime="{}">{}</time>').format(
        f"{moment:%Y-%m-%dT%H:%M:%SZ}", f"{moment:%Y-%m-%d %H:%M:%S} UTC"
    )


def _show_seconds(length: timedelta) -> str:
    return f"{length.total_seconds():.2f}"
