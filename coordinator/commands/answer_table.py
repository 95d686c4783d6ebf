"""An answer as a table for a person who knows DNS. Pure but for the printing.

Whatever came from the network is escaped before it reaches a terminal.
"""

import ipaddress
from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from coordinator.checks.caa.value import present
from mpic.text import escape
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o

_DNSSEC = {
    o.DNSSEC_SECURE: ("secure", "green"),
    o.DNSSEC_INSECURE: ("insecure", ""),
    o.DNSSEC_BOGUS: ("bogus", "bold red"),
    o.DNSSEC_INDETERMINATE: ("indeterminate", "yellow"),
}
_OWN_COLUMN = ("caa", "addresses")
_ABSENCE = {
    o.ABSENCE_NO_DATA: "no data",
    o.ABSENCE_NAME_ERROR: "NXDOMAIN",
    o.ABSENCE_NXNAME: "NXNAME",
}


def print_answer(response: c.CorroborateResponse, console: Console) -> None:
    """Print the whole answer."""
    for verdict in response.names:
        console.print(_name_table(verdict))
        for report in verdict.perspectives:
            if report.detail:
                console.print(_dissent_line(report))
        console.print(_name_line(verdict))
    console.print(_certificate_line(response))


def is_validated(response: c.CorroborateResponse) -> bool:
    """Whether a validation came to its good end, which permits no issuance."""
    return response.purpose == c.PURPOSE_VALIDATION and response.corroborated


def _name_table(verdict: c.NameVerdict) -> Table:
    title = Text(escape(verdict.name), style="bold")
    if verdict.name != verdict.looked_up:
        title.append(f"  (looked up as {escape(verdict.looked_up)})", style="dim")
    table = Table(title=title, title_justify="left", expand=False)
    columns = ["perspective", "CAA", "A", *_more_columns(verdict), "DNSSEC", "resolver", "ms"]
    for column in (*columns, "agrees"):
        table.add_column(column, justify="right" if column == "ms" else "left", overflow="fold")
    for report in verdict.perspectives:
        table.add_row(*_report_cells(report, verdict))
    return table


def _more_columns(verdict: c.NameVerdict) -> list[str]:
    """Name the columns for what was asked beside CAA and A."""
    kinds = [check.WhichOneof("kind") or "?" for check in verdict.checks]
    more = [kind.replace("_", " ") for kind in kinds if kind not in _OWN_COLUMN]
    covers = any(check.addresses.aaaa_too for check in verdict.checks)
    return ["AAAA", *more] if covers else more


def _report_cells(report: c.PerspectiveReport, verdict: c.NameVerdict) -> list[Text]:
    role = "primary" if report.role == c.ROLE_PRIMARY else "remote"
    rir = o.Rir.Name(report.rir).removeprefix("RIR_")
    findings = report.observation.findings if report.HasField("observation") else ()
    kinds = {finding.WhichOneof("kind"): finding for finding in findings}
    levels = list(kinds["caa_walk"].caa_walk.levels) if "caa_walk" in kinds else []
    addresses = [kinds["addresses"].addresses.lookup] if "addresses" in kinds else []
    return [
        Text(report.perspective_id).append(f"\n{role} {rir}", style="dim"),
        Text("left out: too large", style="yellow") if report.left_out else _caa_cell(levels),
        _address_cell(addresses),
        *_more_cells(report, verdict),
        _dnssec_cell(list(_find_lookups(findings))),
        _resolver_cell(report),
        Text(f"{report.elapsed.ToNanoseconds() / 1e6:.1f}" if report.HasField("elapsed") else "-"),
        _agreement_cell(report),
    ]


def _more_cells(report: c.PerspectiveReport, verdict: c.NameVerdict) -> list[Text]:
    """Return what was seen beside CAA and A: AAAA records, and what each other check came to."""
    findings = report.observation.findings
    aaaa = [
        finding.records.lookup
        for finding in findings
        if finding.records.type == o.RECORD_TYPE_AAAA
        and finding.records.lookup.name == verdict.looked_up
    ]
    cells = []
    for column in _more_columns(verdict):
        if column == "AAAA":
            cells.append(_address_cell(aaaa[:1]))
        else:
            cells.append(_determination_cell(report, column.replace(" ", "_")))
    return cells


def _determination_cell(report: c.PerspectiveReport, check: str) -> Text:
    """Say what a check came to, and where."""
    found = next((one for one in report.determinations if one.check == check), None)
    if found is None:
        return Text("-")
    word = c.Outcome.Name(found.outcome).removeprefix("OUTCOME_").lower().replace("_", " ")
    cell = Text(word, style="green" if found.outcome == c.OUTCOME_PASSED else "red")
    if found.found_at:
        cell.append(f"\n{escape(found.found_at)}", style="dim")
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
    if verdict.responsible:
        whose = c.Responsible.Name(verdict.responsible).removeprefix("RESPONSIBLE_")
        line.append(f"  ({whose.lower()})")
    if verdict.HasField("error"):
        line.append(f"  error {verdict.error.code}", style="bold red")
    return line.append(f"\n{escape(verdict.detail)}\n", style="")


def _certificate_line(response: c.CorroborateResponse) -> Text:
    line = Text("certificate: ", style="bold")
    if response.approved:
        line.append("APPROVED", style="bold green")
    elif is_validated(response):
        line.append("VALIDATED", style="bold green").append("  no permission to issue")
    else:
        code = f", error {response.error.code}" if response.HasField("error") else ""
        line.append(f"REFUSED{code}", style="bold red")
    if response.dry_run:
        line.append("  dry run: no permission to issue", style="yellow")
    if response.HasField("caa_usable_until"):
        until = response.caa_usable_until.ToDatetime()
        line.append(f"  issue before {until:%Y-%m-%d %H:%M:%S}Z")
    if response.HasField("domain_control_usable_until"):
        until = response.domain_control_usable_until.ToDatetime()
        line.append(f"  validation usable until {until:%Y-%m-%d %H:%M:%S}Z")
    row = response.policy.effective_from.ToDatetime()
    return line.append(f"\npolicy row of {row:%Y-%m-%d}, request {escape(response.request_id)}")


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
    return Text(f"no: {_dissent(report)}", style="red")


def _dissent_line(report: c.PerspectiveReport) -> Text:
    line = Text(f"{report.perspective_id}: ", style="bold")
    return line.append(f"{_dissent(report)}: {escape(report.detail)}", style="")


def _dissent(report: c.PerspectiveReport) -> str:
    name = c.Dissent.Name(report.dissent).removeprefix("DISSENT_")
    return f"{name} {escape(report.check)}" if report.check else name
