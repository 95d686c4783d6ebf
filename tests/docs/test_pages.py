"""The pages for people lead where they say, and name what the programs really say.

Links and their anchors exist. Words in code style that look like a log event, a metric, an error
reason or an option exist in the source.
"""

import re
from functools import cache
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [
        *REPOSITORY.glob("*.md"),
        *REPOSITORY.glob("deploy/**/*.md"),
        *REPOSITORY.glob("tests/bench/*.md"),
    ]
)
SOURCES = ("coordinator", "perspective_agent", "proto", "deploy", "tests/bench")
KINDS = {".py", ".proto", ".toml", ".yml", ".yaml", ".sql", ".service", ".sh"}

_LINK = re.compile(r"\]\(([^)#\s]*)#?([^)\s]*)\)")
_WORD = re.compile(r'`"?([A-Za-z]+(?:_[A-Za-z0-9]+)+)"?[`{]')
_COUNTERS = ("_total", "_info")
"""What Prometheus adds to a metric's name."""
_FOREIGN = {"base_runtime_spec", "round_robin"}
"""Options of other programs: of containerd, and of gRPC's service config."""


def show(page: Path) -> str:
    return str(page.relative_to(REPOSITORY))


@pytest.mark.parametrize("page", PAGES, ids=show)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link, anchor in _LINK.findall(page.read_text()):
        if link.startswith("https://"):
            continue
        target = (page.parent / link).resolve() if link else page
        assert target.exists(), link
        if anchor and target.suffix == ".md":
            assert anchor in find_anchors(target), f"{link}#{anchor}"


def find_anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"(?m)^#+ (.*)$", page.read_text())
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}


@pytest.mark.parametrize("page", PAGES, ids=show)
def test_every_name_on_it_is_in_the_source(page: Path) -> None:
    assert not {word for word in _WORD.findall(page.read_text()) if not is_known(word)}


def is_known(word: str) -> bool:
    names = {word, *(word.removesuffix(end) for end in _COUNTERS)}
    # A label has the value of an enum in lower case.
    return bool((names | {word.upper()}) & read_names()) or word in _FOREIGN


@cache
def read_names() -> frozenset[str]:
    """Return every name in the source, and what is left of an enum's without its kind."""
    files = (file for place in SOURCES for file in (REPOSITORY / place).rglob("*"))
    texts = [file.read_text() for file in files if file.suffix in KINDS]
    names = set(re.findall(r"\b[A-Za-z]\w*\b", "\n".join(texts)))
    kinds = ("REASON_", "DISSENT_", "FAILURE_KIND_", "FAILURE_CAUSE_")
    return frozenset(names | {name.removeprefix(kind) for name in names for kind in kinds})


def test_a_name_that_nothing_has_would_be_found() -> None:
    assert is_known("perspective_lost")
    assert is_known("mpic_verdicts_total")
    assert is_known("primary_failed")
    assert not is_known("perspective_mislaid")
    assert not is_known("mpic_verdict_total")
