"""TEMPORARY until the real one."""

from dataclasses import dataclass
from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Name:
    asked: str
    looked_up: str
    wildcard: bool


class InvalidNameError(ValueError):
    pass


def parse_names(texts: Sequence[str]) -> tuple[list[Name], list[tuple[int, InvalidNameError]]]:
    return [Name(t, t.removeprefix("*."), t.startswith("*.")) for t in texts], []


def walk_levels(looked_up: str) -> list[str]:
    labels = looked_up.split(".")
    return [".".join(labels[i:]) for i in range(len(labels))]
