"""One deployment, the scenes that administrators meet, and one real browser, for all tests here."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.world.deployment import Deployment, Plan
from tests.world.internet import Internet
from tests.world.link_visitor import LinkVisitor
from tests.world.scenes import Scene, http_with_links, play_all, write_key

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
ARTEFACTS = "MPIC_SCREENSHOTS"
"""The environment variable that says where screenshots are kept."""


@pytest.fixture(scope="package")
def deployment(
    internet: Internet, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    directory = tmp_path_factory.mktemp("explained")
    write_key(directory)
    plan = Plan(lookup_timeout=4, coordinator_extra=http_with_links())
    with Deployment(directory, internet, plan) as running:
        yield running


@pytest.fixture(scope="package")
def scenes(
    deployment: Deployment, internet: Internet, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, Scene]:
    return play_all(deployment, internet, tmp_path_factory.mktemp("web"))


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; root's has no sandbox."""
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=sandbox)
        yield running
        running.close()


@pytest.fixture
def visitor(deployment: Deployment, request: pytest.FixtureRequest) -> LinkVisitor:
    """Each from an address of its own: failures are counted by address."""
    number = 1 + request.session.items.index(request.node)
    return LinkVisitor(deployment.pki / "ca.pem", f"127.1.{number // 250}.{number % 250 + 1}")


@pytest.fixture(scope="package")
def artefacts() -> Path:
    """Where screenshots are kept."""
    directory = Path(os.environ.get(ARTEFACTS) or tempfile.mkdtemp(prefix="mpic-screens-"))
    directory.mkdir(parents=True, exist_ok=True)
    print(f"screenshots: {directory}")  # noqa: T201 - for whoever looks at them
    return directory
