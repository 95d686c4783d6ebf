"""A unit test opens no socket and starts no program, nor does a fixture of it."""

from collections.abc import Generator

import pytest

from tests.world.offline import offline


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Generator[None]:
    with offline():
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None]:
    with offline():
        yield
