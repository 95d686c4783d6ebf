"""The live state of the perspectives as a table for a person. Pure but for the printing."""

from collections.abc import Sequence
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mpic.text import describe_difference, escape
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o

_MINUTE, _HOUR = 60, 3600
_COLUMNS = ("perspective", "state", "version", "resolver", "validates", "probed")


def print_perspectives(response: c.ListPerspectivesResponse, console: Console) -> None:
    """Print the roster, the primary first."""
    now = datetime.now(UTC)
    table = Table(expand=False)
    for column in _COLUMNS:
        table.add_column(column, overflow="fold", no_wrap=column == "perspective")
    for status in response.perspectives:
        table.add_row(*describe_status(status, now))
    console.print(table)
    ready = sum(status.ready for status in response.perspectives)
    console.print(f"{ready} of {len(response.perspectives)} can be asked")


def describe_status(status: c.PerspectiveStatus, now: datetime) -> Sequence[Text]:
    """Return the cells of one perspective; what it says of itself is as of when it was reached."""
    description = status.description
    resolver = description.resolver
    was_met = status.HasField("description")
    role = c.Role.Name(status.role).removeprefix("ROLE_").lower()
    rir = o.Rir.Name(status.rir).removeprefix("RIR_")
    return [
        Text(status.perspective_id, style="bold").append(f"\n{role} {rir}", style="dim"),
        _describe_state(status),
        Text(escape(description.version) or "-"),
        Text(escape(resolver.software) or "-"),
        _validates(resolver.validates) if was_met else Text("-"),
        Text(_ago(resolver.probed_at.ToDatetime(UTC), now) if was_met else "-"),
    ]


def _describe_state(status: c.PerspectiveStatus) -> Text:
    if not status.ready:
        return Text(escape(status.problem) or "not ready", style="red")
    ahead = status.clock_difference.ToMicroseconds() / 1e6
    if abs(ahead) < 1:
        return Text("ready", style="green")
    differs = f"ready; its clock is {describe_difference(ahead)} the coordinator's"
    return Text(differs, style="yellow")


def _validates(validates: bool) -> Text:
    return Text("yes", style="green") if validates else Text("no", style="red")


def _ago(moment: datetime, now: datetime) -> str:
    """Say how long ago, in the largest unit that fits."""
    seconds = round((now - moment).total_seconds())
    if seconds < _MINUTE:
        return f"{max(seconds, 0)} s ago"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE} min ago"
    return f"{seconds // _HOUR} h ago"
