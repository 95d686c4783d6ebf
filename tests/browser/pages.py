"""What the tests ask of a page in a browser."""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, Page

Scheme = Literal["light", "dark"]

PHONE, DESK = 390, 1200
HEIGHT = 900
AXE = Path(__file__).parents[1] / "node/node_modules/axe-core/axe.min.js"
_TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
_REACHABLE = "a[href], button, summary, input, textarea, select, [tabindex='0']"


@contextmanager
def opened(
    browser: Browser, url: str, language: str = "en", width: int = DESK, scheme: Scheme = "light"
) -> Iterator[Page]:
    """Open a page as somebody's browser does who prefers a language; its errors are ours."""
    context = browser.new_context(
        ignore_https_errors=True,
        locale=language,
        viewport={"width": width, "height": HEIGHT},
        color_scheme=scheme,
    )
    page = context.new_page()
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("dialog", lambda dialog: errors.append(dialog.message))
    page.goto(url)
    yield page
    context.close()
    # A page that is told with another status is no mistake of the page.
    assert not [one for one in errors if "Failed to load resource" not in one]


def find_violations(page: Page) -> Sequence[str]:
    """Return what axe-core finds wrong with a page."""
    page.evaluate(AXE.read_text())
    found: Any = page.evaluate(
        "tags => axe.run(document, {runOnly: tags}).then(result => result.violations)", list(_TAGS)
    )
    return [
        f"{one['id']} ({one['impact']}): {json.dumps(one['nodes'][0]['html'])}" for one in found
    ]


def is_within_width(page: Page) -> bool:
    """Whether nothing reaches beyond the window's edge."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def count_printed(page: Page) -> int:
    """Return how many sheets of A4 a page takes."""
    return len(re.findall(rb"/Type\s*/Page\b(?!s)", page.pdf(prefer_css_page_size=True)))


def find_unreached(page: Page) -> Sequence[str]:
    """Return what can be acted on and is not reached by the Tab key."""
    every: list[str] = page.evaluate(
        f"""() => [...document.querySelectorAll("{_REACHABLE}")]
            .filter(one => one.checkVisibility())
            .map((one, number) => one.dataset.number = String(number))"""
    )
    reached = set()
    for _ in range(len(every) + 2):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.dataset.number || ''"))
    return [one for one in every if one not in reached]
