"""Screenshots of every scene, in both languages, on phone and desk; run by screens.sh alone.

Prints for each page the time to its first byte, and its size.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import get_args

from playwright.sync_api import Browser, Page

from mpic.words import LANGUAGES
from tests.browser.pages import DESK, PHONE, Scheme, opened
from tests.world.scenes import Scene

_FIRST_BYTE = """() => {
    const it = performance.getEntriesByType("navigation")[0];
    return it.responseStart - it.requestStart;
}"""


def test_screens(scenes: Mapping[str, Scene], browser: Browser, artefacts: Path) -> None:
    lines = ["| scene | language | time to first byte, ms | page, octets | style sheet, octets |"]
    for scene in scenes.values():
        for language in LANGUAGES:
            for width in (PHONE, DESK):
                for scheme in get_args(Scheme):
                    with opened(browser, scene.url, language, width, scheme) as page:
                        name = f"{scene.id}-{language}-{width}-{scheme}.png"
                        page.screenshot(path=artefacts / name, full_page=True)
                        figures = _measure(page)
            lines.append(f"| {scene.id} | {language} | {figures} |")
            print(lines[-1])  # noqa: T201 - for whoever runs it
    (artefacts / "figures.md").write_text("\n".join(lines) + "\n")


def _measure(page: Page) -> str:
    """Return the figures of a page that is loaded again."""
    times = []
    for _ in range(3):
        response = page.reload()
        assert response is not None
        times.append(float(page.evaluate(_FIRST_BYTE)))
    style = page.request.get(page.locator("link").evaluate("one => one.href"))
    return f"{min(times):.0f} | {len(response.body())} | {len(style.body())}"
