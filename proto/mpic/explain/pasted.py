"""What lines to copy are made of. Pure."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mpic.explain.explanation import PasteKind, PasteLine
from mpic.explain.safe_text import read_name, read_owner
from mpic.words import Language
from mpic.words.catalogue import say
from mpic.words.problems import ProblemFacts

NAMESERVER = "NAMESERVER"
"""Stands for a name server that the reader knows and an answer does not tell."""


@dataclass(frozen=True, slots=True)
class Pasted:
    """A problem, and the name that it is a problem of."""

    problem: ProblemFacts
    name: str
    """As looked up; "" if it may not stand in a line."""
    serial: str
    """Of a zone that is shown: from the day of asking."""
    lang: Language

    @property
    def where(self) -> str:
        """The name whose lookup failed, or else the name itself."""
        return read_owner(self.problem.where) or self.name

    @property
    def zone(self) -> str:
        """The zone whose servers failed; "" if it is not known."""
        return read_name(self.problem.zone)

    @property
    def domain(self) -> str:
        """The authorization domain name; "" if there is none."""
        return read_name(self.problem.proof.domain)

    def line(self, kind: PasteKind, intro: str, *texts: str) -> PasteLine:
        """Return lines with their sentence."""
        return PasteLine(kind, say(f"paste.{intro}", self.lang), "\n".join(texts))


Lines = Iterator[PasteLine]
Make = Callable[[Pasted], Lines]


def open_port(service: str) -> tuple[str, str]:
    """Return the commands by which a firewall lets a service through."""
    return f"firewall-cmd --permanent --add-service={service}", "firewall-cmd --reload"
