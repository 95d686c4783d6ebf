"""The catalogue: every code that can be told has its words, in both languages."""

import string
from importlib.resources import files
from pathlib import Path
from typing import get_args

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from coordinator.checks import CHECKS
from mpic.runtime.grpc.reasons import ErrorReason
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.words.catalogue import LANGUAGES, Language, choose_language, say, say_first

LOCALE = Path(str(files("mpic.words") / "locale"))


def names(enum: type, prefix: str) -> list[str]:
    return [name.removeprefix(prefix) for name in enum.keys()]  # type: ignore[attr-defined] # noqa: SIM118 - an enum type, not a dict


CAA_CODES = ("unusable", "issuer", "wildcard", "account", "method")
METHODS = c.DomainControl.DESCRIPTOR.oneofs_by_name["method"].fields
SAID = [
    *(
        f"reason.{one}.{what}"
        for one in names(c.Reason, "REASON_")
        for what in ("message", "remedy")
    ),
    *(
        f"dissent.{one}.{what}"
        for one in names(c.Dissent, "DISSENT_")
        for what in ("message", "label")
    ),
    *(
        f"failure.{one}.{what}"
        for one in names(o.FailureKind, "FAILURE_KIND_")
        for what in ("message", "remedy")
    ),
    *(
        f"cause.{one}.{what}"
        for one in names(o.FailureCause, "FAILURE_CAUSE_")
        for what in ("message", "remedy")
    ),
    *(f"responsible.{one}" for one in names(c.Responsible, "RESPONSIBLE_")),
    *(f"retry.{one}" for one in names(c.Retry, "RETRY_")),
    *(f"retry.short.{one}" for one in names(c.Retry, "RETRY_")),
    *(f"responsible.short.{one}" for one in names(c.Responsible, "RESPONSIBLE_")),
    *(f"check.{one}" for one in CHECKS),
    *(f"outcome.{one}" for one in names(c.Outcome, "OUTCOME_")),
    *(f"dnssec.{one}" for one in names(o.Dnssec, "DNSSEC_")),
    *(f"seen.{one}" for one in names(o.Absence, "ABSENCE_")),
    *(f"error.{one}.{what}" for one in get_args(ErrorReason) for what in ("message", "remedy")),
    *(f"proof.{one.name}.remedy" for one in METHODS),
    *(f"caa.{one}.{what}" for one in CAA_CODES for what in ("message", "remedy")),
]


def read(language: Language) -> Catalog:
    with (LOCALE / language / "LC_MESSAGES" / "mpic.po").open("rb") as file:
        return read_po(file, locale=language)


def texts(language: Language) -> dict[str, str]:
    return {str(one.id): str(one.string) for one in read(language) if one.id}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_that_can_be_told_has_its_words(language: Language) -> None:
    known = texts(language)
    assert not [one for one in SAID if not known.get(one)]


def test_both_languages_say_the_same_of_the_same_facts() -> None:
    english, japanese = texts("en"), texts("ja")
    assert english.keys() == japanese.keys()
    for code, text in english.items():
        used = {field for _, field, _, _ in string.Formatter().parse(text) if field is not None}
        other = string.Formatter().parse(japanese[code])
        assert {field for _, field, _, _ in other if field is not None} <= used | {"where"}, code


def test_japanese_is_in_japanese() -> None:
    english = texts("en")
    same = {code for code, text in texts("ja").items() if text == english[code]}
    assert same <= {"whom.message", "list.error.in", *_NOTHING, *_HEADINGS}


_NOTHING = ("retry.short.UNSPECIFIED", "responsible.short.UNSPECIFIED")
_HEADINGS = [f"heading.{one}" for one in ("caa", "a", "aaaa", "dnssec", "ms", "validates")]


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_compiled_is_what_is_written(language: Language) -> None:
    """After a change: pybabel compile --domain mpic --directory proto/mpic/words/locale."""
    with (LOCALE / language / "LC_MESSAGES" / "mpic.mo").open("rb") as file:
        compiled = {str(one.id): str(one.string) for one in read_mo(file) if one.id}
    assert compiled == texts(language)


@pytest.mark.parametrize(
    ("wanted", "environment", "language"),
    [
        ("", {}, "en"),
        ("", {"LANG": "ja_JP.UTF-8"}, "ja"),
        ("", {"LANG": "C.UTF-8"}, "en"),
        ("", {"LANG": "ja_JP.UTF-8", "LC_ALL": "C"}, "en"),
        ("", {"LANG": "C", "LC_MESSAGES": "ja_JP.UTF-8"}, "ja"),
        ("", {"LANG": "ja_JP.UTF-8", "LC_ALL": ""}, "ja"),
        ("en", {"LANG": "ja_JP.UTF-8"}, "en"),
        ("JA", {"LANG": "C"}, "ja"),
    ],
)
def test_the_language_is_what_is_wanted_or_the_environments(
    wanted: str, environment: dict[str, str], language: Language
) -> None:
    assert choose_language(wanted, environment) == language


def test_an_id_without_a_text_says_itself_and_facts_are_filled_in_once() -> None:
    assert say("reason.NEW.message", "ja") == "reason.NEW.message"
    assert say_first(("reason.NEW.message", "verdict.refused"), "en") == "refused"
    text = say("failure.BOGUS.message", "en", where="{zone}", zone="x")
    assert text.startswith("The lookup of {zone} failed")
