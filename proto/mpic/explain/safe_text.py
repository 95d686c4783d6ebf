"""What may stand in a line to copy: safe for a shell and for a zone file by its characters. Pure.

A line is copied by people who trust it. So a name counts only if it is made of A-labels (RFC 5890
section 2.3.1), perhaps below labels of the DNS that begin with "_" (RFC 8552). Whatever else came
from a stranger is in no line: it is left out, never quoted.
"""

import ipaddress
import re

from mpic.name_form import MAX_NAME

_LDH = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"{_LDH}(?:\.{_LDH})*")
_OWNER = re.compile(rf"(?:_{_LDH}\.)*{_LDH}(?:\.{_LDH})*")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,256}")
_SEGMENT = r"[A-Za-z0-9_][A-Za-z0-9._-]*"
_PATH = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT})*")
_MOST_PATH = 255
_NUMBERS = re.compile(r"[0-9]+")


def read_name(text: str) -> str:
    """Return a name of A-labels; "": it is none, or its last label is a number."""
    if len(text) > MAX_NAME or not _NAME.fullmatch(text):
        return ""
    return "" if _NUMBERS.fullmatch(text.rpartition(".")[2]) else text


def read_owner(text: str) -> str:
    """Return the owner of records, whose first labels may begin with "_"; "": it is none."""
    if len(text) > MAX_NAME or not _OWNER.fullmatch(text):
        return ""
    return "" if _NUMBERS.fullmatch(text.rpartition(".")[2]) else text


def read_address(text: str) -> str:
    """Return an IP address in its usual form; "": it is none."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return ""
    # Of an address with a scope, the scope may be any text.
    return str(address) if getattr(address, "scope_id", None) is None else ""


def read_token(text: str) -> str:
    """Return a token of ACME (base64url); "": it is none."""
    return text if _TOKEN.fullmatch(text) else ""


def read_path(text: str) -> str:
    """Return the path of a file below a directory; "": it has other characters than most have."""
    return text if len(text) <= _MOST_PATH and _PATH.fullmatch(text) else ""
