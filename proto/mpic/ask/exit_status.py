"""What the caller's commands mean to the shell. Pure."""

from mpic.ask.answer import is_validated
from mpic.v1 import corroboration_pb2 as c
from mpic.words.facts import is_determined

APPROVED, REFUSED, USAGE, NO_REPLY, UNDETERMINED = 0, 1, 2, 9, 11


def exit_code(response: c.CorroborateResponse) -> int:
    """Return what a verdict means to the shell."""
    if response.approved or is_validated(response):
        return APPROVED
    refused = [one for one in response.names if one.reason != c.REASON_CORROBORATED]
    return UNDETERMINED if not any(is_determined(one) for one in refused) else REFUSED
