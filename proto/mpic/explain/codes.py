"""The list of all codes with their sentences: what an explanation can say. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from mpic.explain.tasks import TASKS
from mpic.words import Language
from mpic.words.catalogue import read_text, say


@dataclass(frozen=True, slots=True)
class CodeWords:
    """A code and its columns. The facts of an answer stand in braces, such as {zone}."""

    code: str
    message: str
    cause: str
    remedy: str
    whose: str
    again: str
    clause: str


def list_codes(lang: Language) -> Iterator[CodeWords]:
    """Yield every code that an explanation can have."""
    for code, task in TASKS.items():
        message, cause, remedy = (
            read_text((f"{code}.{what}", f"{code.rpartition('.')[0]}.{what}"), lang)
            for what in ("message", "cause", "remedy")
        )
        whose, again = say(f"whose.{task.whose}", lang), say(f"again.{task.again}", lang)
        is_anybodys = task.whose not in {"nobody", "service", "ca"}
        clause = task.clause or (say("clause.of_check", lang) if is_anybodys else "")
        yield CodeWords(code, message, cause, remedy, whose, again, clause)
