"""What the perspectives saw, side by side: each, what differs, and the search for CAA. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp

from mpic.caa_record import present
from mpic.explain.explanation import (
    CaaLevel,
    CaaWalk,
    CheckView,
    Coded,
    Difference,
    LevelState,
    PerspectiveView,
    ValueGroup,
)
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.words import Language
from mpic.words.catalogue import say, say_first
from mpic.words.codes import code_of
from mpic.words.facts import find_lookups
from mpic.words.observed import describe_observation, name_columns, name_failure
from mpic.words.problem_sentences import explain_dissent, name_check, show_address, show_fact

_MOST_VALUES = 32
"""Of one record set; the answer has all of them."""


def view_perspectives(verdict: c.NameVerdict, lang: Language) -> Iterator[PerspectiveView]:
    """Yield what each perspective saw, the primary first."""
    for report in verdict.perspectives:
        code = code_of(c.Dissent, report.dissent)
        label = say_first((f"seen_as.{code}", "seen_as.unknown"), lang)
        yield PerspectiveView(
            id=show_fact(report.perspective_id),
            is_primary=report.role == c.ROLE_PRIMARY,
            region=_name_region(report.rir, lang),
            corroborates=report.corroborates,
            outcome=Coded(code, label),
            message=explain_dissent(report, verdict, lang) if report.dissent else "",
            was_counted=report.dissent != c.DISSENT_NOT_AWAITED,
            elapsed=_read_elapsed(report),
            observed=tuple(_view_observed(report, verdict, lang)),
        )


def view_differences(verdict: c.NameVerdict, lang: Language) -> Iterator[Difference]:
    """Yield what not all perspectives saw alike; those without an observation do not count."""
    seen = [one for one in verdict.perspectives if one.HasField("observation")]
    for column in name_columns(verdict):
        groups: dict[tuple[str, ...], list[c.PerspectiveReport]] = {}
        for report in seen:
            values = tuple(_list_values(report, verdict, column, lang))
            groups.setdefault(values, []).append(report)
        if len(groups) > 1:
            views = [_view_group(values, whose) for values, whose in groups.items()]
            views.sort(key=lambda one: (not one.has_primary, -len(one.perspectives)))
            yield Difference(_name_column(column, lang), tuple(views))


def view_walks(verdict: c.NameVerdict, lang: Language) -> Iterator[CaaWalk]:
    """Yield the different searches for CAA records, that of the primary first."""
    whose: dict[tuple[CaaLevel, ...], list[str]] = {}
    for report in verdict.perspectives:
        levels = _find_levels(report)
        if levels:
            shown = tuple(_view_levels(levels, lang))
            whose.setdefault(shown, []).append(show_fact(report.perspective_id))
    for shown, ids in whose.items():
        yield CaaWalk(tuple(ids), shown)


def view_dnssec(report: c.PerspectiveReport, lang: Language) -> Iterator[Coded]:
    """Yield the statuses of all lookups of a perspective, without repetition."""
    for status in dict.fromkeys(one.dnssec for one in find_lookups(report.observation.findings)):
        yield _name_dnssec(status, lang)


def view_checks(verdict: c.NameVerdict, lang: Language) -> Iterator[CheckView]:
    """Yield the checks that were asked, with their outcome: the primary's, if enough agree."""
    found = {one.check: one for one in verdict.determinations}
    quorums = {one.check: one.quorum for one in verdict.corroborations}
    for asked in verdict.checks:
        check = asked.WhichOneof("kind") or ""
        told = found.get(check, c.Determination())
        code = code_of(c.Outcome, told.outcome)
        if told.outcome == c.OUTCOME_PASSED and _falls_short(quorums.get(check, ""), verdict):
            code = "FALLS_SHORT"
        yield CheckView(
            check=Coded(check, name_check(check, lang)),
            outcome=Coded(code, say_first((f"outcome.{code}", "outcome.UNSPECIFIED"), lang)),
            quorum=quorums.get(check, ""),
            usable_until=read_time(told.usable_until) if told.HasField("usable_until") else None,
        )


def _falls_short(quorum: str, verdict: c.NameVerdict) -> bool:
    """Whether fewer remotes corroborate a check than the verdict needs; `quorum` is as "3/5"."""
    corroborate = quorum.partition("/")[0]
    return corroborate.isdigit() and int(corroborate) < verdict.required


def read_time(stamp: Timestamp) -> datetime | None:
    """Return a moment, in UTC; None: it is not told."""
    return stamp.ToDatetime(UTC) if stamp.seconds else None


def _view_observed(
    report: c.PerspectiveReport, verdict: c.NameVerdict, lang: Language
) -> Iterator[Coded]:
    if report.HasField("observation") or report.left_out:
        texts = describe_observation(report, verdict, lang)
        for column in name_columns(verdict):
            yield Coded(column, texts[column])


def _list_values(
    report: c.PerspectiveReport, verdict: c.NameVerdict, column: str, lang: Language
) -> Iterable[str]:
    """Return what a perspective saw, a line for each record."""
    lookup = _find_lookup(report, verdict, column)
    if lookup is None or not lookup.HasField("records"):
        return [describe_observation(report, verdict, lang)[column]]
    show = present if column == "caa" else show_address
    shown = sorted(map(show, lookup.records.rdata))
    more = len(shown) - _MOST_VALUES
    return [*shown[:_MOST_VALUES], *([say("whole.more", lang, count=more)] if more > 0 else [])]


def _find_lookup(
    report: c.PerspectiveReport, verdict: c.NameVerdict, column: str
) -> o.Lookup | None:
    findings = report.observation.findings
    match column:
        case "caa":
            return next(iter(_find_levels(report)[-1:]), None)
        case "a":
            found = (one.addresses.lookup for one in findings if one.HasField("addresses"))
        case "aaaa":
            found = (
                one.records.lookup
                for one in findings
                if one.records.type == o.RECORD_TYPE_AAAA
                and one.records.lookup.name == verdict.looked_up
            )
        case _:
            return None
    return next(found, None)


def _find_levels(report: c.PerspectiveReport) -> Sequence[o.Lookup]:
    """Return the lookups of the check CAA; that of a contact's search comes later."""
    walks = (one.caa_walk for one in report.observation.findings if one.HasField("caa_walk"))
    return next((one.levels[:] for one in walks), [])


def _view_levels(levels: Sequence[o.Lookup], lang: Language) -> Iterator[CaaLevel]:
    for level in levels:
        state, words = _describe_level(level, lang)
        yield CaaLevel(
            name=show_fact(level.name),
            state=state,
            words=words,
            records=tuple(sorted(map(present, level.records.rdata))[:_MOST_VALUES]),
            dnssec=_name_dnssec(level.dnssec, lang),
            stopped_here=level is levels[-1],
        )
    above = levels[-1].name.partition(".")[2]
    while above:
        unknown = _name_dnssec(o.DNSSEC_UNSPECIFIED, lang)
        words = say("level.not_asked", lang)
        yield CaaLevel(show_fact(above), "not_asked", words, (), unknown, stopped_here=False)
        above = above.partition(".")[2]


def _describe_level(level: o.Lookup, lang: Language) -> tuple[LevelState, str]:
    match level.WhichOneof("result"):
        case "records" if level.aliases:
            return "records", say("level.alias", lang, target=show_fact(level.records.owner))
        case "records":
            return "records", say("level.records", lang)
        case "absence":
            return "none", say("level.none", lang)
        case _:
            return "failed", say("level.failed", lang, failure=name_failure(level.failure))


def _view_group(values: Sequence[str], whose: Sequence[c.PerspectiveReport]) -> ValueGroup:
    ids = tuple(show_fact(one.perspective_id) for one in whose)
    return ValueGroup(ids, tuple(values), any(one.role == c.ROLE_PRIMARY for one in whose))


def _name_column(column: str, lang: Language) -> Coded:
    return Coded(column, say_first((f"heading.{column}", "check.unknown"), lang))


def _name_region(rir: o.Rir.ValueType, lang: Language) -> Coded:
    code = code_of(o.Rir, rir)
    return Coded(code, say_first((f"region.{code}", "region.UNSPECIFIED"), lang))


def _name_dnssec(status: o.Dnssec.ValueType, lang: Language) -> Coded:
    code = code_of(o.Dnssec, status)
    return Coded(code, say_first((f"dnssec.{code}", "dnssec.UNSPECIFIED"), lang))


def _read_elapsed(report: c.PerspectiveReport) -> timedelta | None:
    return report.elapsed.ToTimedelta() if report.HasField("elapsed") else None
