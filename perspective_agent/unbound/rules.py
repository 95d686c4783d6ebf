"""The settings that an Unbound must have, whoever runs it.

There must be no way around validation, no answers from elsewhere, and no queries in another form
than the plainest. The settings are read over its control socket, so that the running server is
judged and not a file.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from perspective_agent.unbound.configuration import ANSWERED_LOCALLY
from perspective_agent.unbound.control import UnboundControl

_LONGEST_TTL = 3600
# Modules that only ask, validate and remember. Others answer from files (respip), from a shared
# cache (cachedb), or as a script decides (python, dynlib).
_MODULES = frozenset({"subnetcache", "validator", "iterator"})


@dataclass(frozen=True, slots=True)
class Rule:
    """One demand on Unbound: the command that shows it, what is right, and why."""

    command: str
    is_right: Callable[[str], bool]
    demand: str


def _is(value: str) -> Callable[[str], bool]:
    return lambda reply: reply == value


def _at_most(bound: int) -> Callable[[str], bool]:
    return lambda reply: reply.isdigit() and int(reply) <= bound


def _only_root(zones: str) -> bool:
    """For list_stubs and list_auth_zones; a copy of the root itself is allowed (RFC 8806)."""
    return all(line.split()[:1] == ["."] for line in zones.splitlines())


def _validates(modules: str) -> bool:
    return "validator" in modules.split() and _MODULES.issuperset(modules.split())


def _only_built_in(zones: str) -> bool:
    """For list_local_zones: no name in a certificate is below those that Unbound has by itself."""
    names = [line.split()[0].rstrip(".") for line in zones.splitlines() if line.strip()]
    return all(name in ANSWERED_LOCALLY or name.endswith(".arpa") for name in names)


LOCAL_ANSWERS = Rule(
    "list_local_zones",
    _only_built_in,
    "no local-zone and no local-data but the built-in ones, BR 4.2.2.2.4",
)
"""What Unbound answers by itself comes without AD, as if the name were proven insecure."""

RULES = (
    # BR 4.2.2.2.4: validation MUST NOT be disabled by local policy.
    Rule("list_insecure", _is(""), "no negative trust anchor (domain-insecure), BR 4.2.2.2.4"),
    Rule("get_option val-permissive-mode", _is("no"), '"no", BR 4.2.2.2.4'),
    Rule("get_option harden-dnssec-stripped", _is("yes"), '"yes", BR 4.2.2.2.4'),
    Rule(
        "get_option module-config",
        _validates,
        '"validator" and "iterator", with "subnetcache" or without, BR 4.2.2.2.2',
    ),
    Rule("get_option val-override-date", _is("0"), "0: signatures are of their time, BR 4.2.2.2.4"),
    Rule("get_option ede", _is("yes"), '"yes", or what is bogus looks like any other failure'),
    # RFC 8659 section 5.4: data cached by third parties MUST NOT be relied on.
    Rule("list_forwards", _is(""), "no forward-zone, RFC 8659 section 5.4"),
    Rule("list_stubs", _only_root, "no stub-zone but the root's hints, RFC 8659 section 5.4"),
    Rule("list_auth_zones", _only_root, "no auth-zone and no rpz but the root, BR 4.2.2.2.4"),
    LOCAL_ANSWERS,
    # RFC 8659 section 3: a setting that changes what a server says may hide a record
    # (`configuration`).
    *(
        Rule(f"get_option {option}", _is("no"), '"no", or a server may hide a CAA record')
        for option in ("use-caps-for-id", "qname-minimisation", "harden-below-nxdomain")
    ),
    Rule("get_option aggressive-nsec", _is("no"), '"no", or absences are guessed from others'),
    Rule("get_option serve-expired", _is("no"), '"no": what has expired is no evidence'),
    Rule("get_option cache-max-ttl", _at_most(_LONGEST_TTL), f"{_LONGEST_TTL} at most"),
    Rule("get_option cache-max-negative-ttl", _at_most(_LONGEST_TTL), f"{_LONGEST_TTL} at most"),
)


async def find_violation(control: UnboundControl, rules: Sequence[Rule] = RULES) -> str:
    """Return the first rule the running Unbound breaks, with what it says; "" when none."""
    replies: dict[str, str] = {}
    try:
        for rule in rules:
            replies[rule.command] = (await control.command(rule.command)).strip()
    except (OSError, ValueError) as error:
        why = str(error) or type(error).__name__
        return f"its settings cannot be read over the control socket {control.socket}: {why}"
    return judge_replies(replies, rules)


def judge_replies(replies: Mapping[str, str], rules: Sequence[Rule] = RULES) -> str:
    """Return the first rule that replies (by command) break; "" when none. Pure."""
    for rule in rules:
        reply = replies[rule.command]
        if not rule.is_right(reply):
            shown = " / ".join(reply.split("\n")[:3])[:200]
            return f"`unbound-control {rule.command}` says {shown!r}; it must be {rule.demand}"
    return ""
