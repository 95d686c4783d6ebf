"""Requests from what a program has at hand."""

import uuid
from collections.abc import Sequence

from mpic.v1 import corroboration_pb2 as c

Question = c.CorroborateRequest | Sequence[str]
"""A request, or only the names of a certificate."""


def make_request(question: Question) -> c.CorroborateRequest:
    """Return a request that has an id. One that is given has a copy, and keeps its id."""
    request = c.CorroborateRequest()
    if isinstance(question, c.CorroborateRequest):
        request.CopyFrom(question)
    elif isinstance(question, str) or not all(isinstance(name, str) for name in question):
        raise TypeError("give a list of names, each a str, or a CorroborateRequest")
    else:
        request.names.extend(c.RequestedName(name=name) for name in question)
    if not request.request_id:
        request.request_id = str(uuid.uuid4())
    return request
