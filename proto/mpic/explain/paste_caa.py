"""Lines to copy about CAA records that forbid. Pure."""

from collections.abc import Mapping

from mpic.explain.pasted import Lines, Make, Pasted
from mpic.explain.safe_text import read_name, read_owner, read_token

_TAGS = ("issue", "issuewild")


def show_records(pasted: Pasted) -> Lines:
    """Yield the question for the CAA records of the owner."""
    if owner := _owner(pasted):
        yield pasted.line("command", "dig_caa", f"dig CAA {owner}")


def name_issuer(pasted: Pasted) -> Lines:
    """Yield the record that permits this CA."""
    yield from _write(pasted, "caa_record", "")


def correct_record(pasted: Pasted) -> Lines:
    """Yield the record that is to stand in the place of the one that is not well-formed."""
    yield from _write(pasted, "caa_instead", "")


def name_account(pasted: Pasted) -> Lines:
    """Yield the record that permits one account at this CA."""
    yield from _write(pasted, "caa_account", "; accounturi=ACCOUNT-URI")


def name_method(pasted: Pasted) -> Lines:
    """Yield the record that permits this CA by the method of validation that was used."""
    method = read_token(pasted.problem.method) or "METHOD"
    yield from _write(pasted, "caa_method", f"; validationmethods={method}")


def _write(pasted: Pasted, intro: str, parameters: str) -> Lines:
    owner = _owner(pasted)
    issuer = next(filter(None, map(read_name, pasted.problem.issuers)), "")
    if owner and issuer:
        record = f'{owner}. 3600 IN CAA 0 {_tag(pasted)} "{issuer}{parameters}"'
        yield pasted.line("zone", intro, record)


def _owner(pasted: Pasted) -> str:
    return read_owner(pasted.problem.owner)


def _tag(pasted: Pasted) -> str:
    """Return the tag of the record that forbids: another one would not be read beside it."""
    _, _, rest = pasted.problem.record.partition(" ")
    tag = rest.partition(" ")[0].lower()
    return tag if tag in _TAGS else "issue"


BY_CODE: Mapping[str, tuple[Make, ...]] = {
    "caa.issuer": (show_records, name_issuer),
    "caa.wildcard": (show_records, name_issuer),
    "caa.nobody": (show_records, name_issuer),
    "caa.malformed": (show_records, correct_record),
    "caa.unusable": (show_records, correct_record),
    "caa.account": (show_records, name_account),
    "caa.method": (show_records, name_method),
}
"""What lines are made for a code."""
