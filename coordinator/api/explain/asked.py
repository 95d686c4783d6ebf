"""What a page is asked for, in its query, and the page that is made of it. Pure."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from aiohttp import hdrs, web

from coordinator.api.explain.again import Repetition
from coordinator.api.explain.languages import choose_page_language
from coordinator.api.explain.links import EXPIRES, SIGNATURE
from coordinator.api.explain.page import NAMES_AT_ONCE, PageLinks, PageView, render_page
from coordinator.api.response import fill_answer
from mpic.explain import explain
from mpic.explain.explanation import Explanation
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import record_pb2 as r
from mpic.words import LANGUAGES, Language

_LANG, _AFTER, _FROM = "lang", "after", "from"
_NUMBER = re.compile("[0-9]{1,3}")


@dataclass(frozen=True, slots=True)
class AskedPage:
    """What a page is asked for, as its query says."""

    language: Language
    proof: Mapping[str, str]
    """What opens it; none: the caller's own credentials do."""
    after: str
    """The id of a later check; empty: none is shown."""
    first: int

    def refer(self, **more: object) -> str:
        """Return the relative URL of the same page with other parameters."""
        return "?" + urlencode({**self.proof, _LANG: self.language, **more})


def make_page(
    asked: AskedPage, record: r.Record, later: r.Record | None, repetition: Repetition | None
) -> bytes:
    """Return the page of a record, with a later check of it if there is one. Pure."""
    answer = read_answer(record)
    first = min(asked.first, max(len(answer.names) - 1, 0)) // NAMES_AT_ONCE * NAMES_AT_ONCE
    # Those that are not approved come first, as in an explanation.
    ordered = sorted(answer.names, key=lambda one: one.reason == c.REASON_CORROBORATED)
    names = {one.name for one in ordered[first : first + NAMES_AT_ONCE]}
    explanation = explain_shortly(answer, names, asked.language)
    after = None if later is None else explain_shortly(read_answer(later), names, asked.language)
    follows = first + NAMES_AT_ONCE
    shown = {_AFTER: asked.after} if asked.after else {}
    links = PageLinks(
        languages={one: asked.refer(**{**shown, _LANG: one}) for one in LANGUAGES},
        check_again=asked.refer() if repetition else "",
        before=asked.refer(),
        earlier_names=asked.refer(**{_FROM: first - NAMES_AT_ONCE}) if first else "",
        later_names=asked.refer(**{_FROM: follows}) if follows < len(explanation.names) else "",
    )
    return render_page(PageView(explanation, links, first, after, repetition))


def read_answer(record: r.Record) -> c.CorroborateResponse:
    """Return the answer that a record is of. Pure."""
    answer = c.CorroborateResponse()
    fill_answer(answer, record)
    return answer


def explain_shortly(
    answer: c.CorroborateResponse, names: Collection[str], language: Language
) -> Explanation:
    """Return the explanation of an answer; of other names than `names` it has little. Pure.

    To explain a name costs some milliseconds, and whoever has a link may ask again and again.
    """
    for one in answer.names:
        if one.name not in names:
            one.ClearField("perspectives")
    return explain(answer, language)


def read_page_query(request: web.Request) -> AskedPage:
    """Return what a page is asked for; what is not known in the query is passed over."""
    query = request.query
    accepted = ",".join(request.headers.getall(hdrs.ACCEPT_LANGUAGE, []))
    first = query.get(_FROM, "")
    return AskedPage(
        language=choose_page_language(query.get(_LANG, ""), accepted),
        proof={name: query[name] for name in (EXPIRES, SIGNATURE) if name in query},
        after=query.get(_AFTER, ""),
        first=int(first) if _NUMBER.fullmatch(first) else 0,
    )
