"""What `mpic ask` prints, whole: in a terminal of 80 columns, in a pipe, and in Japanese.

Written anew by `python -m tests.unit.mpic.ask.test_answer`; read what changed before you keep it.
"""

import io
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from mpic.ask.answer import Form, print_answer
from mpic.v1 import corroboration_pb2 as c
from mpic.words import Language
from tests.unit.mpic.ask.screens import ALIAS, CHILD, LAME, answer

GOLDEN = Path(__file__).parent / "golden"
SCREENS: dict[str, tuple[Language, Form, bool]] = {
    "terminal.en.txt": ("en", Form.GROUPED, True),
    "terminal.ja.txt": ("ja", Form.GROUPED, True),
    "pipe.en.txt": ("en", Form.GROUPED, False),
    "pipe.ja.txt": ("ja", Form.GROUPED, False),
    "short.en.txt": ("en", Form.SHORT, False),
    "short.ja.txt": ("ja", Form.SHORT, False),
    "wide.en.txt": ("en", Form.WIDE, False),
}


def show(
    told: c.CorroborateResponse, lang: Language, form: Form, *, is_terminal: bool, width: int = 80
) -> str:
    written = io.StringIO()
    console = Console(file=written, width=width, force_terminal=is_terminal, color_system=None)
    print_answer(told, console, lang, form)
    return written.getvalue()


@pytest.mark.parametrize("file", SCREENS)
def test_the_whole_screen(file: str) -> None:
    lang, form, is_terminal = SCREENS[file]
    assert show(answer(), lang, form, is_terminal=is_terminal) == (GOLDEN / file).read_text()


def test_the_page_shows_what_is_printed() -> None:
    page = (Path(__file__).parents[4] / "deploy" / "reading.md").read_text()
    for file in ("terminal.en.txt", "short.ja.txt"):
        assert f"```\n{(GOLDEN / file).read_text().rstrip()}\n```" in page


@pytest.mark.parametrize("lang", ["en", "ja"])
@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_line_is_wider_than_the_terminal(lang: Language, width: int) -> None:
    for form in (Form.GROUPED, Form.SHORT):
        shown = show(answer(), lang, form, is_terminal=True, width=width)
        assert max(map(cell_len, shown.splitlines())) <= width


@pytest.mark.parametrize("form", Form)
def test_a_pipe_gets_whole_names_whatever_the_width_of_a_terminal(form: Form) -> None:
    told = answer()
    name = ".".join(["a" * 60] * 4)
    told.names[0].name = told.names[0].looked_up = name
    shown = show(told, "en", form, is_terminal=False, width=40)
    assert shown == show(told, "en", form, is_terminal=False, width=200)
    assert name in shown
    assert shown.isascii()


@pytest.mark.parametrize("form", Form)
def test_names_that_are_not_approved_come_last_and_the_last_line_names_them(form: Form) -> None:
    shown = show(answer(), "en", form, is_terminal=False)
    assert shown.index(CHILD) < shown.index(ALIAS) < shown.index(LAME)
    assert shown.splitlines()[-1] == f"2 of 3 names refused: {ALIAS}, {LAME}"


def test_what_is_undetermined_is_named_apart() -> None:
    told = answer()
    told.names[0].responsible = c.RESPONSIBLE_SERVICE
    last = show(told, "en", Form.SHORT, is_terminal=False).splitlines()[-2:]
    assert last == [
        f"1 of 3 names refused: {LAME}",
        f"1 of 3 names undetermined, ask again: {ALIAS}",
    ]


def test_twenty_names_that_saw_the_same_take_a_few_lines_each() -> None:
    told = answer()
    for number in range(20):
        told.names.add().CopyFrom(told.names[2])
        told.names[-1].name = told.names[-1].looked_up = f"w{number}.example.co.jp"
    shown = show(told, "en", Form.GROUPED, is_terminal=True)
    assert shown.count("\n") < 210


def test_perspectives_are_not_grouped_that_saw_another_thing() -> None:
    told = answer()
    odd = told.names[2].perspectives[3].observation.findings[1].addresses.lookup
    odd.records.rdata[0] = b"\xcb\x00\x71\x01"
    shown = show(told, "en", Form.GROUPED, is_terminal=False)
    assert "4 remotes corroborate: frankfurt, ashburn, nairobi, singapore" in shown
    assert "1 remote corroborates: sao-paulo" in shown


def test_the_order_of_records_and_their_ttl_are_no_other_thing() -> None:
    told = answer()
    for number, report in enumerate(told.names[2].perspectives):
        records = report.observation.findings[1].addresses.lookup.records
        records.ttl = number
        records.rdata.append(b"\xcb\x00\x71\x01")
        if number % 2:
            records.rdata[:] = list(records.rdata)[::-1]
    shown = show(told, "en", Form.GROUPED, is_terminal=False)
    assert "5 remotes corroborate" in shown
    assert "A 203.0.113.1, 203.0.113.100" in shown


def test_servers_that_fail_alike_are_told_once_whichever_each_perspective_asked() -> None:
    told = answer()
    verdict = told.names[1]
    for number, who in enumerate(("frankfurt", "ashburn")):
        report = verdict.perspectives.add()
        report.CopyFrom(verdict.perspectives[0])
        report.perspective_id, report.role = who, c.ROLE_REMOTE
        report.detail = f"from 203.0.113.{number} got REFUSED"
    shown = show(told, "en", Form.GROUPED, is_terminal=False)
    assert "2 remotes, FAILED caa: frankfurt, ashburn" in shown


def test_the_evidence_of_domain_control_is_shown() -> None:
    told = answer()
    verdict = told.names[2]
    verdict.checks.add().domain_control.SetInParent()
    found = c.Determination(check="domain_control", outcome=c.OUTCOME_PASSED)
    found.clause, found.found_at = "BR 3.2.2.4.7", "_acme-challenge.example.co.jp"
    found.steps.add(kind=c.AUTHORIZATION_STEP_KIND_PRUNE, to="example.co.jp")
    verdict.determinations.append(found)
    for report in verdict.perspectives:
        report.determinations.append(found)
    for one, quorum in (("caa", "5/5"), ("domain_control", "5/5")):
        verdict.corroborations.add(check=one, quorum=quorum)
    shown = show(told, "en", Form.GROUPED, is_terminal=False)
    assert "DNSSEC secure" in shown
    assert "domain control passed" in shown
    assert "5/5 corroborate, 4 needed (caa 5/5, domain_control 5/5)" in shown
    assert (
        "  domain_control: BR 3.2.2.4.7; prune to example.co.jp;"
        " found at _acme-challenge.example.co.jp\n"
    ) in shown
    wide = show(told, "en", Form.WIDE, is_terminal=False)
    assert wide.count("passed _acme-challenge.example.co.jp") == 6


def test_what_the_network_says_is_escaped_in_every_form() -> None:
    told = answer()
    told.names[0].name = "\x1b[31m\u202e"
    told.names[0].perspectives[1].detail = "\x1b[2J\r\n"
    for form in Form:
        for is_terminal in (True, False):
            shown = show(told, "en", form, is_terminal=is_terminal)
            assert all(one.isprintable() or one == "\n" for one in shown)


if __name__ == "__main__":
    for name, (lang, form, is_terminal) in SCREENS.items():
        (GOLDEN / name).write_text(show(answer(), lang, form, is_terminal=is_terminal))
