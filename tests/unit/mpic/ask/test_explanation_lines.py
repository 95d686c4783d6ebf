"""What `mpic explain` prints, whole: in a terminal of 80 columns, in English and Japanese.

Written anew by `python -m tests.unit.mpic.ask.test_explanation_lines`; read what changed before you
keep it.
"""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from mpic.ask.answer import print_lines
from mpic.ask.explanation_lines import describe_explanation
from mpic.explain import explain
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.words import Language
from tests.unit.mpic.explain.answers import (
    ZONE,
    answer,
    approved,
    failed,
    forbidden,
    led_astray,
    token_not_found,
)

GOLDEN = Path(__file__).parent / "golden"
SILENT = o.Failure(kind=o.FAILURE_KIND_SERVFAIL, cause=o.FAILURE_CAUSE_SILENT, zone=ZONE)
SCREENS: dict[str, tuple[Language, Callable[[], c.CorroborateResponse]]] = {
    "explain.astray.en.txt": ("en", led_astray),
    "explain.astray.ja.txt": ("ja", led_astray),
    "explain.caa.ja.txt": ("ja", forbidden),
    "explain.http.en.txt": ("en", token_not_found),
    "explain.silent.ja.txt": ("ja", lambda: failed(SILENT)),
}


def show(
    told: c.CorroborateResponse, lang: Language, *, is_terminal: bool = True, width: int = 80
) -> str:
    written = io.StringIO()
    console = Console(file=written, width=width, force_terminal=is_terminal, color_system=None)
    print_lines(describe_explanation(explain(told, lang)), console)
    return written.getvalue()


@pytest.mark.parametrize("file", SCREENS)
def test_the_whole_screen(file: str) -> None:
    lang, make = SCREENS[file]
    assert show(make(), lang) == (GOLDEN / file).read_text()


def test_the_page_shows_what_is_printed() -> None:
    page = (Path(__file__).parents[4] / "deploy" / "reading.md").read_text()
    assert f"```\n{(GOLDEN / 'explain.caa.ja.txt').read_text().rstrip()}\n```" in page


@pytest.mark.parametrize("file", SCREENS)
@pytest.mark.parametrize("width", [40, 80])
def test_sentences_are_wrapped_and_lines_to_copy_are_not(file: str, width: int) -> None:
    lang, make = SCREENS[file]
    names = explain(make(), lang).names
    texts = [text.text for name in names for one in name.problems for text in one.paste]
    pasted = {line.strip() for text in texts for line in text.split("\n")}
    shown = [one.strip().removeprefix("$ ") for one in show(make(), lang, width=width).splitlines()]
    assert pasted <= set(shown)
    prose = show(make(), lang, width=width).splitlines()
    wide = [one for one in prose if cell_len(one) > width]
    assert {one.strip().removeprefix("$ ") for one in wide} <= pasted or width < 80


def test_a_pipe_gets_each_sentence_in_one_line() -> None:
    shown = show(led_astray(), "en", is_terminal=False, width=20)
    assert "\x1b" not in shown
    assert "    It sees 203.0.113.66 where the primary sees 203.0.113.100.\n" in shown.replace(
        "     It", "    It"
    )


def test_what_strangers_wrote_is_shown_and_does_nothing() -> None:
    told = forbidden(b"\x00\x05issue\x1b[31mother.example\x07\xe2\x80\xae")
    told.names[0].name = "evil\x1b]0;title\x07.example\u202e"
    told.explanation_url = "https://mpic.example/explain/\x1b[2J"
    told.record_id = "\x1b[1m"
    for is_terminal in (True, False):
        shown = show(told, "en", is_terminal=is_terminal)
        assert "\x1b" not in shown
        assert "\u202e" not in shown
        assert "\\027" in shown


def test_what_is_approved_needs_no_remedy_and_names_that_fail_come_first() -> None:
    shown = show(approved(), "en")
    assert "What to do" not in shown
    assert "The certificate may be issued." in shown
    both = answer(approved().names[0], forbidden().names[0])
    both.names[1].name = "other.example.ac.jp"
    assert show(both, "en").startswith("other.example.ac.jp  ")


def test_each_problem_has_its_columns_if_there_are_several() -> None:
    told = led_astray()
    told.names[0].perspectives[3].CopyFrom(token_not_found().names[0].perspectives[3])
    shown = show(told, "en")
    assert "1. dissent.DIFFERS.addresses  frankfurt, ashburn" in shown
    assert "2. fault.HTTP_STATUS.not_found  sao-paulo" in shown
    assert shown.count("Main cause") == 3


if __name__ == "__main__":
    for file, (lang, make) in SCREENS.items():
        (GOLDEN / file).write_text(show(make(), lang))
