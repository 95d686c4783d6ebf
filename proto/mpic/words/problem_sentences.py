"""The sentences of one problem: the message, the main cause, and what to do. Pure.

Whatever strangers wrote is escaped and bounded.
"""

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Literal

from mpic.text import escape, shorten
from mpic.v1 import corroboration_pb2 as c
from mpic.words.catalogue import Language, is_known, say, say_first
from mpic.words.problems import ProblemFacts, find_problem

What = Literal["message", "cause", "remedy"]

_OCTETS = 200
"""Of one fact in a sentence."""
_ADDRESSES = 4


def say_problem(problem: ProblemFacts, what: What, lang: Language) -> str:
    """Say in a sentence or two what went wrong, its main cause, or what to do about it."""
    facts = _show_facts(problem, lang)
    said = [say_first(find_ids(problem, what), lang, **facts)]
    scope = f"scope.{problem.scope}.{what}"
    if problem.scope and is_known(scope, lang):
        # What the owner of a zone would do does not count if the registry alone can mend it.
        kept = [] if what == "remedy" else said
        said = [*kept, say(scope, lang, **facts)]
    if problem.alias and what == "message":
        said.insert(0, say("caa.alias.message", lang, **facts))
    if problem.code.startswith("fault.") and what == "remedy":
        said.append(say("fault.again", lang))
    return join_sentences(said, lang)


def find_ids(problem: ProblemFacts, what: What) -> Sequence[str]:
    """Return the message ids that may say it, the one that says most first."""
    code = problem.code
    group, _, rest = code.partition(".")
    # A code with three parts is a kind of the code with two.
    general = [f"{group}.{rest.partition('.')[0]}.{what}"] if "." in rest else []
    # What only a newer release tells may be anything, but a failure is a failure.
    unknown = group if group in {"failure", "cause"} else "reason"
    return [f"{code}.{what}", *general, f"{unknown}.UNSPECIFIED.{what}"]


def explain_dissent(report: c.PerspectiveReport, verdict: c.NameVerdict, lang: Language) -> str:
    """Say in one sentence why a perspective does not corroborate."""
    return say_problem(find_problem(report, verdict), "message", lang)


def name_check(check: str, lang: Language) -> str:
    """Return what a check is called."""
    return say_first((f"check.{check}", "check.unknown"), lang)


def show_fact(text: str) -> str:
    """Return what a stranger wrote as it may stand in a sentence."""
    return shorten(escape(text), _OCTETS)


def join_sentences(sentences: Sequence[str], lang: Language) -> str:
    """Return sentences one after the other; Japanese has no blank between them."""
    return ("" if lang == "ja" else " ").join(sentences)


def show_address(rdata: bytes) -> str:
    """Return an address as text."""
    try:
        return str(ipaddress.ip_address(rdata))
    except ValueError:
        return rdata.hex()


def _show_facts(problem: ProblemFacts, lang: Language) -> Mapping[str, object]:
    return {
        "where": show_fact(problem.where),
        "zone": show_fact(problem.zone),
        "port": problem.port,
        "owner": show_fact(problem.owner),
        "record": show_fact(problem.record),
        "name": show_fact(problem.alias),
        "asked": show_fact(problem.proof.asked),
        "domain": show_fact(problem.proof.domain),
        "status": problem.status,
        "type": problem.proof.record_type,
        "issuers": show_fact(", ".join(problem.issuers)),
        "seen": _list(problem.seen, lang),
        "expected": _list(problem.expected, lang),
        "check": name_check(problem.check, lang),
    }


def _list(rdata: Sequence[bytes], lang: Language) -> str:
    addresses = [show_address(one) for one in rdata]
    if not addresses:
        return say("addresses.none", lang)
    more = len(addresses) - _ADDRESSES
    shown = addresses[:_ADDRESSES] + ([say("whole.more", lang, count=more)] if more > 0 else [])
    return say("list.separator", lang).join(shown)
