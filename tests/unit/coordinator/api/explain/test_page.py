"""Pages as they are made: whole in both languages, escaped, bounded; nothing of other people."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest

from coordinator.api.explain import asked as asked_module
from coordinator.api.explain import page as page_module
from coordinator.api.explain.again import make_repetition
from coordinator.api.explain.asked import AskedPage, make_page, read_answer
from coordinator.api.explain.page import (
    NAMES_AT_ONCE,
    PageLinks,
    PageView,
    read_style,
    render_message,
    render_page,
)
from mpic.explain import Coded, Difference, Explanation, PasteLine, ProblemView, ValueGroup, explain
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import record_pb2 as r
from mpic.words import LANGUAGES, Language
from mpic.words.catalogue import is_known
from tests.world.records import CALLER, sample_record

TEMPLATES = Path(page_module.__file__).parent / "templates"
HTTP_01 = c.DomainControl(acme_http_01=c.AcmeHttp01(key_authorization_sha256=b"h" * 32))
SECRET = c.DomainControl(website_change=c.WebsiteChange(value_sha256=b"v" * 32))
LINKS = PageLinks({"en": "?lang=en", "ja": "?lang=ja"}, "?again", "?before")
SCRIPT = "<script>alert(1)</script>"
NOW = datetime(2026, 12, 1, tzinfo=UTC)


class Elements(HTMLParser):
    """The elements of a page, and whether each is closed."""

    VOID = ("meta", "link", "br", "img", "path", "circle", "rect")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    @property
    def shown(self) -> str:
        return " ".join(" ".join(self.text).split())


def asked(language: Language = "en", **more: object) -> AskedPage:
    usual: dict[str, object] = {"proof": {"expires": "1"}, "after": "", "first": 0}
    return AskedPage(language=language, **{**usual, **more})


def read(octets: bytes) -> Elements:
    elements = Elements(octets.decode())
    assert not elements.open
    return elements


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_says_what_was_decided_in_its_language(language: Language) -> None:
    record = sample_record()
    explanation = explain(read_answer(record), language)
    found = read(make_page(asked(language), record, None, make_repetition(record, NOW)))
    assert found.found[0] == ("html", {"lang": language})
    for text in (explanation.sentence, explanation.record_id, explanation.names[0].name):
        assert text in found.shown
    for place in explanation.names[0].perspectives:
        assert place.id in found.shown
    assert not re.search(r"\bpage\.[a-z]", found.shown)
    assert "expires=1" in str([attributes for tag, attributes in found.found if tag == "form"])
    other = next(one for one in LANGUAGES if one != language)
    (link,) = [attributes for tag, attributes in found.found if tag == "a"]
    assert (link["href"], link["hreflang"]) == (f"?expires=1&lang={other}", other)


def test_nothing_runs_in_a_page_and_nothing_comes_from_elsewhere() -> None:
    record = sample_record()
    found = read(make_page(asked(), record, record, make_repetition(record, NOW)))
    assert not {tag for tag, _ in found.found} & {"script", "img", "iframe", "style", "object"}
    for _, attributes in found.found:
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        for name in ("href", "src", "action"):
            assert re.match(r"\?|style\.css\?v=[0-9a-f]{16}$", attributes.get(name) or "?")


def test_a_page_says_nothing_of_the_caller_and_what_was_expected() -> None:
    record = sample_record()
    text = make_page(asked(), record, None, None).decode()
    assert CALLER not in text
    assert record.request_id not in text
    assert "policy_version" not in text


def hostile(text: str) -> PageView:
    """Return a page on which strangers wrote everything."""
    explanation = explain(read_answer(sample_record()), "en")
    name = explanation.names[0]
    coded = Coded("unknown", text)
    groups = (
        ValueGroup((text,), (text,), has_primary=True),
        ValueGroup(("b",), ("c",), has_primary=False),
    )
    problem = ProblemView(
        text, coded, text, text, text, coded, coded, text, (text,), (PasteLine("zone", text, text),)
    )
    places = [replace(one, id=text, message=text, observed=(coded,)) for one in name.perspectives]
    changed = replace(
        name, name=text, looked_up=text, reason=coded, cause=text, remedy=text, whose=coded,
        again=coded, clause=text, problems=(problem,), perspectives=places,
        differences=(Difference(coded, groups),), quorum=text,
    )  # fmt: skip
    return PageView(replace(explanation, sentence=text, names=(changed,)), LINKS)


@pytest.mark.parametrize(
    "text",
    [
        SCRIPT,
        f'" autofocus onfocus="{SCRIPT}',
        "{{ 7 * 7 }}{% for x in () %}",
        "\r\nSet-Cookie: a=b\r\n\x1b[2J\x00",
        "\u202e\u2066\u200b\ufeff\u3164",
        "\ud800",
        "]]><!--",
    ],
)
def test_whatever_strangers_write_is_text(text: str) -> None:
    usual, found = read(render_page(hostile("w"))), read(render_page(hostile(text)))
    extra = [("span", {"class": "mark"})]
    assert [one for one in found.found if one not in extra] == usual.found
    shown = "".join(found.text)
    assert not re.search("[\x00-\x08\x0b-\x1f\u202e\u2066\u200b\ufeff\u3164]", shown)
    if text.isprintable() and text.isascii():
        assert text in shown


def test_a_value_of_60_kb_is_shown_whole_where_it_is_asked_for() -> None:
    found = read(render_page(hostile("y" * 60_000)))
    assert ("details", {"class": "long"}) in found.found
    assert "y" * 60_000 in found.text
    assert "show all of it (60000 characters)" in found.shown


def many_names(count: int) -> r.Record:
    record = sample_record()
    first = record.names[0]
    del record.names[:]
    for number in range(count):
        record.names.add().CopyFrom(first)
        record.names[-1].asked = f"n{number}.example.jp"
    return record


def test_a_page_has_few_names_and_the_others_follow() -> None:
    record = many_names(2 * NAMES_AT_ONCE + 1)
    for first, names, links in (
        (0, range(10), {"next"}),
        (13, range(10, 20), {"prev", "next"}),
        (999, range(20, 21), {"prev"}),
    ):
        found = read(make_page(asked(first=first), record, None, None))
        headings = re.findall(r"n(\d+)\.example\.jp", found.shown)
        assert {int(one) for one in headings} >= set(names)
        shown = [tag for tag, attributes in found.found if tag == "article"]
        assert len(shown) == len(names)
        votes = [tag for tag, attributes in found.found if attributes.get("class") == "vote"]
        assert len(votes) == 6 * len(names)
        rels = {attributes.get("rel") for tag, attributes in found.found if tag == "a"}
        assert rels - {None} == links
    assert len(read(make_page(asked(), many_names(1), None, None)).found) < 400


def test_names_of_other_pages_are_not_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def explain_few(answer: c.CorroborateResponse, language: Language) -> Explanation:
        seen.append(sum(bool(one.perspectives) for one in answer.names))
        return explain(answer, language)

    monkeypatch.setattr(asked_module, "explain", explain_few)
    record = many_names(3 * NAMES_AT_ONCE)
    make_page(asked(first=NAMES_AT_ONCE), record, record, None)
    assert seen == [NAMES_AT_ONCE] * 2


def test_before_and_after_stand_side_by_side() -> None:
    record = sample_record()
    later = explain(read_answer(record), "en")
    approved = replace(later.names[0], verdict=Coded("approved", "approved indeed"))
    view = PageView(
        replace(later, names=(replace(later.names[0], verdict=Coded("refused", "refused then")),)),
        LINKS,
        after=replace(later, names=(approved,)),
    )
    same = replace(approved, name="same.example.jp")
    first = replace(view.explanation, names=(*view.explanation.names, same))
    later = replace(later, names=(approved, same))
    found = read(render_page(replace(view, explanation=first, after=later)))
    rows = [attributes for tag, attributes in found.found if attributes.get("scope") == "row"]
    assert len(rows) == 1
    assert "refused then" in found.shown
    assert "approved indeed" in found.shown
    assert "#after" not in found.shown
    assert [attributes for tag, attributes in found.found if attributes.get("id") == "after"]


@pytest.mark.parametrize(
    ("method", "says", "not_says"),
    [
        (HTTP_01, "The proof of control must be in place", "Only the DNS checks are repeated"),
        (SECRET, "Only the DNS checks are repeated", "The proof of control must be in place"),
    ],
)
def test_the_button_says_what_is_repeated(
    method: c.DomainControl, says: str, not_says: str
) -> None:
    record = sample_record()
    asked_control = c.RequestedDomainControl(control=method)
    record.names[0].checks.add(domain_control=asked_control)
    found = read(make_page(asked(), record, None, make_repetition(record, NOW)))
    assert says in found.shown
    assert not_says not in found.shown


def test_what_cannot_be_asked_again_has_no_button() -> None:
    record = sample_record()
    found = read(make_page(asked(), record, None, None))
    assert not [tag for tag, _ in found.found if tag in ("form", "button")]
    assert "This cannot be checked again from here" in found.shown


@pytest.mark.parametrize("kind", ["closed", "often", "failed", "foreign"])
@pytest.mark.parametrize("first", LANGUAGES)
def test_an_error_is_told_in_both_languages(kind: str, first: Language) -> None:
    found = read(render_message(kind, first, seconds=7))
    sections = [attributes["lang"] for tag, attributes in found.found if tag == "section"]
    assert sections == sorted(LANGUAGES, key=lambda one: one != first)
    assert not re.search(r"\bpage\.[a-z]", found.shown)
    assert "{" not in found.shown


def test_every_sentence_of_the_templates_is_in_the_catalogue() -> None:
    text = "".join(one.read_text() for one in TEMPLATES.glob("*.html"))
    found = set(re.findall(r'"(page\.[\w.]+[\w])"', text))
    assert len(found) > 40
    kinds = {f"page.paste.{one}" for one in ("command", "zone", "server")}
    for one in found | kinds:
        for language in LANGUAGES:
            assert is_known(one, language), one


def test_the_style_sheet_reaches_nothing_else() -> None:
    style = read_style().decode()
    assert not re.search(r"url\(|@import|expression", style)
    for wanted in ("prefers-color-scheme: dark", "@media print", "user-select: all"):
        assert wanted in style
