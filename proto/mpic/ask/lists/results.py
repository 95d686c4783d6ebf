"""What a line came to: its state, and the facts and words that every output has. Pure."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from mpic.ask.exit_status import APPROVED, REFUSED, exit_code
from mpic.ask.lists.journal import JournalLine, LineState
from mpic.ask.lists.line import ListError, Remark
from mpic.ask.lists.summary import show_remark
from mpic.client import ClientError, InvalidRequestError, NotAllowedError, Result
from mpic.text import escape, shorten
from mpic.v1 import corroboration_pb2 as c
from mpic.words import Language, Words, sentence
from mpic.words.catalogue import is_known, say, say_first

_OCTETS = 300
"""Of a detail that is kept; the record has all of it."""
_PLACE = re.compile(r"names\[(\d{1,3})\]")
_STATES = {APPROVED: LineState.APPROVED, REFUSED: LineState.REFUSED}


def settle_malformed(line: JournalLine, remark: Remark, lang: Language) -> JournalLine:
    """Return a line that is no question."""
    where = show_remark(remark, lang)
    words = Words(say("verdict.malformed", lang), where, say("malformed.remedy", lang))
    told = {"column": remark.column, "detail": remark.text, "words": words._asdict()}
    return replace(line, state=LineState.MALFORMED, reason="MALFORMED", result=told)


def settle(line: JournalLine, result: Result, lang: Language) -> JournalLine:
    """Return a line with what its question ended in; raises ListError if no line can be asked."""
    if result.verdict is not None:
        return _settle_verdict(line, result.verdict, lang)
    assert result.error is not None  # noqa: S101 - one of the two
    return _settle_error(line, result.error, lang)


def is_over(line: JournalLine, at: datetime) -> bool:
    """Whether a line was approved by CAA records that may not be used any more (BR 4.2.2.1)."""
    end = (line.result or {}).get("caa_usable_until")
    if line.state is not LineState.APPROVED or end is None:
        return False
    usable_until = Timestamp()
    usable_until.FromJsonString(end)
    return usable_until.ToDatetime(UTC) <= at


def expire(line: JournalLine, lang: Language) -> JournalLine:
    """Return a line whose approval may not be used any more: nothing holds of its names now."""
    until = (line.result or {}).get("caa_usable_until", "")
    words = Words(
        say("verdict.undetermined", lang),
        say("list.ran_out.message", lang, until=until),
        say("list.ran_out.remedy", lang),
    )
    told = {**(line.result or {}), "words": words._asdict()}
    return replace(line, state=LineState.UNDETERMINED, reason="APPROVAL_RAN_OUT", result=told)


def _settle_verdict(
    line: JournalLine, verdict: c.CorroborateResponse, lang: Language
) -> JournalLine:
    state = _STATES.get(exit_code(verdict), LineState.UNDETERMINED)
    bad = [one for one in verdict.names if one.reason != c.REASON_CORROBORATED]
    reason = c.Reason.Name((bad or verdict.names)[0].reason).removeprefix("REASON_")
    told: dict[str, Any] = {
        "record_id": verdict.record_id,
        "dry_run": verdict.dry_run,
        "details": [_show_name(one, lang) for one in verdict.names],
        "words": _join_words(verdict, bad, lang)._asdict(),
    }
    if verdict.HasField("caa_usable_until"):
        told["caa_usable_until"] = verdict.caa_usable_until.ToJsonString()
    return replace(line, state=state, reason=reason, result=told)


def _settle_error(line: JournalLine, error: ClientError, lang: Language) -> JournalLine:
    violations = [_show_violation(line, one) for one in error.violations]
    if isinstance(error, NotAllowedError):
        raise ListError("not_allowed", said=escape(str(error)))
    if isinstance(error, InvalidRequestError):
        if not any(one.field.startswith("names") for one in error.violations):
            said = "; ".join(violations) or str(error)
            raise ListError("wrong_options", said=shorten(said, _OCTETS))
        told = shorten("; ".join(violations), _OCTETS)
        return replace(settle_malformed(line, Remark(0, told), lang), reason="INVALID_REQUEST")
    reason, said = error.reason or error.status.name, shorten(str(error), _OCTETS)
    why = (
        say(f"error.{reason}.message", lang) if is_known(f"error.{reason}.message", lang) else said
    )
    remedy = say_first((f"error.{reason}.remedy", "responsible.SERVICE.remedy"), lang)
    words = Words(say("verdict.undetermined", lang), why, remedy)
    told_of = {"detail": said, "words": words._asdict()}
    return replace(line, state=LineState.UNDETERMINED, reason=reason, result=told_of)


def _show_violation(line: JournalLine, violation: c.FieldViolation) -> str:
    """Say what is wrong, with the name and not its place in the question."""
    place = _PLACE.match(violation.field)
    if place and int(place[1]) < len(line.names):
        return f'"{line.names[int(place[1])]}" {violation.description}'
    return f"{violation.field} {violation.description}"


def _show_name(verdict: c.NameVerdict, lang: Language) -> Mapping[str, Any]:
    """Return the facts of one name."""
    facts: dict[str, Any] = {
        "name": verdict.name,
        "reason": c.Reason.Name(verdict.reason).removeprefix("REASON_"),
        "check": verdict.check,
        "quorum": verdict.quorum,
        "required": verdict.required,
        "error": verdict.error.code,
        "detail": shorten(verdict.detail, _OCTETS),
    }
    if verdict.responsible:
        whose = c.Responsible.Name(verdict.responsible).removeprefix("RESPONSIBLE_")
        facts["responsible"] = whose.lower()
    if verdict.reason != c.REASON_CORROBORATED:
        facts["words"] = sentence(verdict, lang)._asdict()
    return {key: value for key, value in facts.items() if value}


def _join_words(verdict: c.CorroborateResponse, bad: list[c.NameVerdict], lang: Language) -> Words:
    """Return the words for a certificate: of the names that are not approved, if there are any."""
    if not bad:
        words = sentence(verdict.names[0], lang)
        return words._replace(remedy=say("line.dry_run", lang)) if verdict.dry_run else words
    each = [sentence(one, lang) for one in bad]
    if len(verdict.names) == 1:
        return each[0]
    names = [f"{shorten(one.name, _OCTETS)}: " for one in bad]
    reasons = " / ".join(name + one.reason for name, one in zip(names, each, strict=True))
    remedies = " / ".join(dict.fromkeys(one.remedy for one in each if one.remedy))
    return Words(each[0].verdict, reasons, remedies)
