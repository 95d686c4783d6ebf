"""A Python with only some packages, as `pip install` would bring them: taken from this one's.

Nothing is downloaded, so it is made in a second and the versions are those under test.
"""

import subprocess
import sysconfig
import venv
from collections.abc import Iterable, Mapping
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement

from tests.world.process import plain_environment


class BarePython:
    """The interpreter."""

    def __init__(self, directory: Path, *packages: str) -> None:
        """Make it with these packages and what they need, without any extra."""
        venv.create(directory, symlinks=True, with_pip=False)
        self._python = directory / "bin/python"
        purelib = sysconfig.get_path("purelib", "venv", {"base": str(directory)})
        for package in _closure(packages):
            _link(package, Path(purelib))

    def run(
        self, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> "subprocess.CompletedProcess[str]":
        """Run it to its end."""
        return subprocess.run(
            [self._python, *arguments],
            env={**plain_environment(), **(environment or {})},
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )


def _closure(packages: Iterable[str]) -> Iterable[Distribution]:
    found: dict[str, Distribution] = {}
    waiting = list(packages)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found[name] = distribution(name)
        needed = map(Requirement, found[name].requires or ())
        waiting += [
            one.name for one in needed if one.marker is None or one.marker.evaluate({"extra": ""})
        ]
    return found.values()


def _link(package: Distribution, there: Path) -> None:
    for file in package.files or ():
        if ".." in file.parts or "__pycache__" in file.parts:
            continue
        target = there / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(Path(str(package.locate_file(file))))
