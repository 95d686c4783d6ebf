"""What callers ask, as the agreement has it."""

from collections.abc import Iterable

from mpic.v1 import corroboration_pb2 as c


def named(names: Iterable[str], method: str = "") -> list[c.RequestedName]:
    """Return names of a certificate, each validated by a method; empty: none is said."""
    return [c.RequestedName(name=name, validation_method=method) for name in names]


def caa_of(report: c.PerspectiveReport) -> c.Determination:
    """Return what CAA came to at one perspective; empty: it is not told."""
    return next((one for one in report.determinations if one.check == "caa"), c.Determination())
