"""An answer as a table for a person who knows DNS. Pure but for the printing.

Whatever came from the network is escaped before it reaches a terminal.
"""

import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

from google.protobuf.timestamp_pb2 import Timestamp
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mpic.caa_record import present
from mpic.text import escape, shorten
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o

_DNSSEC = {
    o.DNSSEC_SECURE: ("secure", "green"),
    o.DNSSEC_INSECURE: ("insecure", ""),
    o.DNSSEC_BOGUS: ("bogus", "bold red"),
    o.DNSSEC_INDETERMINATE: ("indeterminate", "yellow"),
}
_OWN_COLUMN = {"caa": "CAA", "addresses": "A"}
_WHOSE = {
    c.RESPONSIBLE_DOMAIN: "the domain's failure: to ask again soon will not help",
    c.RESPONSIBLE_CALLER: "the caller's failure: allow more time",
    c.RESPONSIBLE_SERVICE: "the service's own failure: nothing is known of the name; ask again",
}
_WIDE = 110
"""Columns of a terminal from which on there is room for the resolvers."""
_SHOWN_OF_PLACE = 60
_ABSENCE = {
    o.ABSENCE_NO_DATA: "no data",
    o.ABSENCE_NAME_ERROR: "NXDOMAIN",
    o.ABSENCE_NXNAME: "NXNAME",
}


def print_answer(response: c.CorroborateResponse, console: Console) -> None:
    """Print the whole answer."""
    for verdict in response.names:
        console.print(_name_table(verdict, is_wide=console.width >= _WIDE))
        for line in _dissent_lines(verdict):
            console.print(line)
        console.print(_name_line(verdict))
    console.print(_certificate_line(response))


def is_validated(response: c.CorroborateResponse) -> bool:
    """Whether a validation came to its good end, which permits no issuance."""
    return response.purpose == c.PURPOSE_VALIDATION and response.corroborated


def _name_table(verdict: c.NameVerdict, *, is_wide: bool) -> Table:
    title = Text(escape(verdict.name), style="bold")
    if verdict.name != verdict.looked_up:
        title.append(f"  (looked up as {escape(verdict.looked_up)})", style="dim")
    table = Table(title=title, title_justify="left", expand=False)
    columns = _columns(verdict, is_wide=is_wide)
    for column in columns:
        is_whole = column in {"perspective", "ms"}
        justify: Literal["left", "right"] = "right" if column == "ms" else "left"
        table.add_column(column, justify=justify, overflow="fold", no_wrap=is_whole)
    for report in verdict.perspectives:
        cells = _report_cells(report, verdict, is_wide=is_wide)
        table.add_row(*(cells[column] for column in columns))
    return table


def _columns(verdict: c.NameVerdict, *, is_wide: bool) -> list[str]:
    """Name the columns: what was asked, and no others. Older answers do not say what was asked."""
    asked: list[str] = [check.WhichOneof("kind") or "?" for check in verdict.checks]
    kinds = asked or list(_OWN_COLUMN)
    own = [column for kind, column in _OWN_COLUMN.items() if kind in kinds]
    covers = any(check.addresses.aaaa_too for check in verdict.checks)
    more = [kind.replace("_", " ") for kind in kinds if kind not in _OWN_COLUMN]
    resolver = ["resolver"] if is_wide else []
    aaaa = ["AAAA"] if covers else []
    return ["perspective", *own, *aaaa, *more, "DNSSEC", *resolver, "ms", "agrees"]


def _report_cells(
    report: c.PerspectiveReport, verdict: c.NameVerdict, *, is_wide: bool
) -> Mapping[str, Text]:
    """Return each cell that a row may have, by its column."""
    role = "primary" if report.role == c.ROLE_PRIMARY else "remote"
    rir = o.Rir.Name(report.rir).removeprefix("RIR_")
    findings = report.observation.findings if report.HasField("observation") else ()
    # Those of CAA and A come first; other checks may ask in the same ways.
    kinds = {finding.WhichOneof("kind"): finding for finding in reversed(findings)}
    levels = list(kinds["caa_walk"].caa_walk.levels) if "caa_walk" in kinds else []
    addresses = [kinds["addresses"].addresses.lookup] if "addresses" in kinds else []
    left_out = Text("left out: too large", style="yellow")
    asked = [check.WhichOneof("kind") or "?" for check in verdict.checks]
    return {
        **{one.replace("_", " "): _determination_cell(report, one, is_wide) for one in asked},
        "perspective": Text(report.perspective_id).append(f"\n{role} {rir}", style="dim"),
        "CAA": left_out if report.left_out else _caa_cell(levels),
        "A": _address_cell(addresses),
        "AAAA": _aaaa_cell(findings, verdict),
        "DNSSEC": _dnssec_cell(list(_find_lookups(findings))),
        "resolver": _resolver_cell(report),
        "ms": Text(
            f"{report.elapsed.ToNanoseconds() / 1e6:.1f}" if report.HasField("elapsed") else "-"
        ),
        "agrees": _agreement_cell(report),
    }


def _aaaa_cell(findings: Iterable[o.Finding], verdict: c.NameVerdict) -> Text:
    aaaa = [
        finding.records.lookup
        for finding in findings
        if finding.records.type == o.RECORD_TYPE_AAAA
        and finding.records.lookup.name == verdict.looked_up
    ]
    return _address_cell(aaaa[:1])


def _determination_cell(report: c.PerspectiveReport, check: str, is_wide: bool) -> Text:
    """Say what a check came to; and where, if there is room: below the table it stands too."""
    if report.left_out:
        return Text("left out: too large", style="yellow")
    found = next((one for one in report.determinations if one.check == check), None)
    if found is None:
        return Text("-")
    word = c.Outcome.Name(found.outcome).removeprefix("OUTCOME_").lower().replace("_", " ")
    cell = Text(word, style="green" if found.outcome == c.OUTCOME_PASSED else "red")
    if found.found_at and is_wide:
        cell.append(f"\n{shorten(found.found_at, _SHOWN_OF_PLACE)}", style="dim")
    return cell


def _find_lookups(findings: Iterable[o.Finding]) -> Iterator[o.Lookup]:
    """Yield the lookups of findings, whatever their kind."""
    for finding in findings:
        yield from finding.caa_walk.levels
        for one in (finding.addresses, finding.records):
            if one.HasField("lookup"):
                yield one.lookup
        yield from finding.tls_handshake.connection.lookups
        for hop in finding.http_get.hops:
            yield from hop.connection.lookups


def _name_line(verdict: c.NameVerdict) -> Text:
    is_good = verdict.reason == c.REASON_CORROBORATED
    style = "bold green" if is_good else "bold red"
    good = "approved" if verdict.approved else "validated"
    line = Text(good if is_good else "refused", style=style)
    line.append(f"  {verdict.quorum} corroborate, {verdict.required} needed")
    if len(verdict.corroborations) > 1:
        each = ", ".join(f"{one.check} {one.quorum}" for one in verdict.corroborations)
        line.append(f" ({each})")
    line.append(f"  {c.Reason.Name(verdict.reason).removeprefix('REASON_')}")
    line.append(f" {escape(verdict.check)}" if verdict.check else "")
    if verdict.HasField("error"):
        line.append(f"  error {verdict.error.code}", style="bold red")
    line.append(f"\n{escape(verdict.detail)}\n", style="")
    if verdict.responsible in _WHOSE:
        line.append(f"{_WHOSE[verdict.responsible]}\n", style="")
    for one in verdict.determinations:
        if one.outcome == c.OUTCOME_PASSED and one.clause:
            line.append(f"{_evidence(one)}\n", style="dim")
    return line


def _evidence(found: c.Determination) -> str:
    """Say by which clause, steps and evidence a check passed at the primary."""
    is_said = found.found_at in found.detail
    at = "" if is_said else f"found at {found.found_at}"
    parts = [found.clause, show_steps(found.steps), at, found.detail]
    return f"{escape(found.check)}: {escape('; '.join(filter(None, parts)))}"


def show_steps(steps: Sequence[c.AuthorizationStep]) -> str:
    """Name the steps from a name to its authorization domain name; not escaped."""
    kinds = (c.AuthorizationStepKind.Name(one.kind) for one in steps)
    words = [kind.removeprefix("AUTHORIZATION_STEP_KIND_").lower() for kind in kinds]
    return ", ".join(f"{word} to {one.to}" for word, one in zip(words, steps, strict=True))


def _certificate_line(response: c.CorroborateResponse) -> Text:
    is_validation = response.purpose == c.PURPOSE_VALIDATION
    line = Text("validation: " if is_validation else "certificate: ", style="bold")
    if response.approved:
        line.append("APPROVED", style="bold green")
    elif is_validated(response):
        line.append("CORROBORATED", style="bold green")
        line.append("\nno permission to issue: ask for that before you issue")
    else:
        code = f", error {response.error.code}" if response.HasField("error") else ""
        line.append(f"REFUSED{code}", style="bold red")
    if response.dry_run:
        line.append("  dry run: no permission to issue", style="yellow")
    if response.HasField("caa_usable_until"):
        label = "issue before" if response.approved else "CAA check usable until"
        line.append(f"\n{label} {_show_time(response.caa_usable_until)}")
    if response.HasField("domain_control_usable_until"):
        until = _show_time(response.domain_control_usable_until)
        line.append(f"\nvalidation usable until {until}")
    row = response.policy.effective_from.ToDatetime()
    line.append(f"\npolicy row of {row:%Y-%m-%d}, request {escape(response.request_id)}")
    return line.append(f"\nrecord {escape(response.record_id)}" if response.record_id else "")


def _show_time(stamp: Timestamp) -> str:
    return f"{stamp.ToDatetime():%Y-%m-%d %H:%M:%S}Z"


def _caa_cell(levels: list[o.Lookup]) -> Text:
    if not levels:
        return Text("-")
    last = levels[-1]
    if last.HasField("absence"):
        return Text(f"none up to {last.name}")
    if last.HasField("failure"):
        return Text(f"{_failure(last.failure)}\nat {escape(last.name)}", style="red")
    lines = [escape(present(rdata)) for rdata in last.records.rdata[:4]]
    if len(last.records.rdata) > len(lines):
        lines.append(f"and {len(last.records.rdata) - len(lines)} more")
    return _records(lines, last, levels[0].name)


def _address_cell(lookups: list[o.Lookup]) -> Text:
    if not lookups:
        return Text("-")
    (lookup,) = lookups
    if lookup.HasField("absence"):
        return Text(_ABSENCE.get(lookup.absence, "-"))
    if lookup.HasField("failure"):
        return Text(_failure(lookup.failure), style="red")
    lines = [_address(rdata) for rdata in lookup.records.rdata[:4]]
    if len(lookup.records.rdata) > len(lines):
        lines.append(f"and {len(lookup.records.rdata) - len(lines)} more")
    return _records(lines, lookup, lookup.name)


def _records(lines: list[str], lookup: o.Lookup, asked: str) -> Text:
    """Show records with their TTL, and their owner where it is not the name asked."""
    owner = f"{escape(lookup.records.owner)} " if lookup.records.owner != asked else ""
    return Text("\n".join(lines)).append(f"\n{owner}TTL {lookup.records.ttl}", style="dim")


def _address(rdata: bytes) -> str:
    try:
        return str(ipaddress.ip_address(rdata))
    except ValueError:
        return rdata.hex()


def _failure(failure: o.Failure) -> str:
    """Name a failure; its detail stands below the table."""
    text = o.FailureKind.Name(failure.kind).removeprefix("FAILURE_KIND_")
    extended = f" (EDE {failure.extended_error.code})"
    return text + (extended if failure.HasField("extended_error") else "")


def _dnssec_cell(lookups: list[o.Lookup]) -> Text:
    cell = Text()
    for status in dict.fromkeys(lookup.dnssec for lookup in lookups):
        text, style = _DNSSEC.get(status, ("?", ""))
        cell.append(("\n" if cell else "") + text, style=style)
    return cell or Text("-")


def _resolver_cell(report: c.PerspectiveReport) -> Text:
    if not report.HasField("resolver"):
        return Text("-")
    resolver = report.resolver
    cell = Text(escape(resolver.software))
    return cell.append(f"\n{escape(resolver.address)} {escape(resolver.transport)}", style="dim")


def _agreement_cell(report: c.PerspectiveReport) -> Text:
    if report.corroborates:
        return Text("yes", style="green")
    check = f"\n{escape(report.check)}" if report.check else ""
    return Text(
        f"no: {c.Dissent.Name(report.dissent).removeprefix('DISSENT_')}{check}", style="red"
    )


def _dissent_lines(verdict: c.NameVerdict) -> Iterator[Text]:
    """Yield why perspectives dissent, with all of them for which it is the same, word for word."""
    whose: dict[str, list[str]] = {}
    for report in verdict.perspectives:
        if report.detail:
            why = f"{_dissent(report)}: {escape(report.detail)}"
            whose.setdefault(why, []).append(report.perspective_id)
    for why, ids in whose.items():
        yield Text(f"{', '.join(ids)}: ", style="bold").append(why, style="")


def _dissent(report: c.PerspectiveReport) -> str:
    name = c.Dissent.Name(report.dissent).removeprefix("DISSENT_")
    return f"{name} {escape(report.check)}" if report.check else name
