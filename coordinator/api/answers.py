"""Answers as callers get them: what the record says, and a link to its explanation. Pure."""

from collections.abc import Callable, Collection

from coordinator.api.response import fill_answer
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import record_pb2 as r

FillAnswer = Callable[[c.CorroborateResponse, r.Record], int]
"""Fills an empty response, and returns about how many octets it takes."""


class Answers:
    """Fills in the answers of every face."""

    def __init__(self, make_link: Callable[[str], str] = lambda _: "") -> None:
        """Link to what `make_link` returns for a record id; empty: there is no link."""
        self._make_link = make_link

    def fill(
        self, response: c.CorroborateResponse, record: r.Record, wanted: Collection[str] = ()
    ) -> int:
        """Do the same as `fill_answer`, and add the link: it expires, so no record has it."""
        octets = fill_answer(response, record, wanted=wanted)
        response.explanation_url = self._make_link(response.record_id)
        return octets + len(response.explanation_url)
