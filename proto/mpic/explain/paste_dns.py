"""Lines to copy about failed lookups and addresses that differ. Pure."""

from collections.abc import Mapping

from mpic.explain.pasted import NAMESERVER, Lines, Make, Pasted, open_port
from mpic.explain.safe_text import read_address, read_name
from mpic.words.problem_sentences import show_address

_MOST_SERVERS = 4
_MOST_ADDRESSES = 8


def show_query(pasted: Pasted, rdtype: str = "CAA") -> Lines:
    """Yield the question to each name server that is known, or else from the root downwards."""
    servers = list(filter(None, map(read_address, pasted.problem.servers)))[:_MOST_SERVERS]
    if not pasted.where:
        return
    if servers:
        asked = (f"dig @{server} {rdtype} {pasted.where}" for server in servers)
        yield pasted.line("command", "ask_servers", *asked)
    else:
        yield pasted.line("command", "trace", f"dig +trace {rdtype} {pasted.where}")


def show_absence(pasted: Pasted) -> Lines:
    """Yield a zone that says rightly that it has no CAA record."""
    zone, address = pasted.zone, _find_address(pasted)
    if zone:
        yield pasted.line(
            "zone",
            "absence",
            f"$ORIGIN {zone}.",
            "$TTL 3600",
            f"@   IN SOA ns1.{zone}. admin.{zone}. (",
            f"           {pasted.serial} 3600 1800 604800 86400 )",
            f"    IN NS  ns1.{zone}.",
            f"ns1 IN A   {address}",
        )


def configure_zone(pasted: Pasted) -> Lines:
    """Yield the zone's block of named.conf, open to every question."""
    zone = pasted.zone
    if zone:
        yield pasted.line(
            "server",
            "named_conf",
            f'zone "{zone}" IN {{',
            "    type master;",
            f'    file "{zone}.zone";',
            "    allow-query { any; };",
            "};",
        )


def check_zone(pasted: Pasted) -> Lines:
    """Yield how a zone file is checked and loaded."""
    zone = pasted.zone
    if zone:
        yield pasted.line(
            "command", "check_zone", f"named-checkzone {zone} {zone}.zone", f"rndc reload {zone}"
        )


def open_dns(pasted: Pasted) -> Lines:
    """Yield how a firewall lets the DNS through."""
    yield pasted.line("command", "open_dns", *open_port("dns"))


def compare_edns(pasted: Pasted) -> Lines:
    """Yield the question with EDNS and without it."""
    if zone := pasted.zone:
        server = _find_server(pasted)
        asked = (f"dig @{server} {option} SOA {zone}" for option in ("+edns=0", "+noedns"))
        yield pasted.line("command", "edns", *asked)


def ask_by_tcp(pasted: Pasted) -> Lines:
    """Yield the question over TCP."""
    if pasted.where:
        server = _find_server(pasted)
        yield pasted.line("command", "tcp", f"dig @{server} +tcp CAA {pasted.where}")


def add_glue(pasted: Pasted) -> Lines:
    """Yield the addresses of name servers, for the parent zone."""
    if zone := pasted.zone:
        yield pasted.line(
            "zone", "glue", f"{zone}. 3600 IN NS ns1.{zone}.", f"ns1.{zone}. 3600 IN A ADDRESS"
        )


def compare_names_of_servers(pasted: Pasted) -> Lines:
    """Yield which servers the parent zone names, and which the zone does."""
    if zone := pasted.zone:
        yield pasted.line(
            "command", "servers", f"dig +trace NS {zone}", f"dig @{NAMESERVER} NS {zone}"
        )


def show_aliases(pasted: Pasted) -> Lines:
    """Yield the question for an alias."""
    if pasted.where:
        yield pasted.line("command", "alias", f"dig CNAME {pasted.where}")


def validate(pasted: Pasted) -> Lines:
    """Yield how signatures are examined, and how BIND keeps them good."""
    if pasted.where:
        yield pasted.line("command", "delv", f"delv CAA {pasted.where}")
    of_zone = ("dig +short +cd DS ZONE", "dig +cd DNSKEY ZONE | dnssec-dsfromkey -2 -f - ZONE")
    yield pasted.line("command", "ds", *of_zone)
    yield pasted.line("server", "sign", "dnssec-policy default;", "inline-signing yes;")


def compare_addresses(pasted: Pasted) -> Lines:
    """Yield the question for the addresses, and the record that all servers should have."""
    yield from show_query(pasted, "A")
    expected = list(map(show_address, pasted.problem.expected))[:_MOST_ADDRESSES]
    good = [one for one in expected if read_address(one)]
    if pasted.name and good:
        kinds = ("AAAA" if ":" in one else "A" for one in good)
        records = [
            f"{pasted.name}. 3600 IN {kind} {one}" for kind, one in zip(kinds, good, strict=True)
        ]
        yield pasted.line("zone", "addresses", *records)


def add_address(pasted: Pasted) -> Lines:
    """Yield the address record of a host."""
    host = read_name(pasted.problem.where) or read_name(pasted.problem.proof.domain) or pasted.name
    if host:
        yield pasted.line("command", "address", f"dig +trace A {host}")
        yield pasted.line("zone", "add_address", f"{host}. 3600 IN A ADDRESS")


def ask_for_tld(pasted: Pasted) -> Lines:
    """Yield the question whether the top-level domain exists."""
    if pasted.name:
        yield pasted.line("command", "tld", f"dig NS {pasted.name.rpartition('.')[2]}.")


_OF_ALL_FAILURES = (show_query, open_dns, show_absence)

BY_CODE: Mapping[str, tuple[Make, ...]] = {
    "dissent.DIFFERS.addresses": (compare_addresses,),
    "dissent.NOT_IN_PUBLIC_DNS": (ask_for_tld,),
    "failure.UNSPECIFIED": (show_query,),
    "failure.TIMEOUT": _OF_ALL_FAILURES,
    "failure.SERVFAIL": _OF_ALL_FAILURES,
    "failure.OTHER_RCODE": (show_query, show_absence),
    "failure.BOGUS": (validate,),
    "failure.MALFORMED": (show_query,),
    "failure.ALIAS": (show_aliases,),
    "failure.TOO_LARGE": (show_query,),
    "failure.NO_ADDRESS": (add_address,),
    "failure.NOT_PUBLIC": (add_address,),
    "cause.UNSPECIFIED": (show_query, show_absence),
    "cause.REFUSED": (show_query, configure_zone, show_absence),
    "cause.SERVER_FAILED": (show_query, check_zone, show_absence),
    "cause.LAME": (compare_names_of_servers, configure_zone),
    "cause.SILENT": _OF_ALL_FAILURES,
    "cause.EDNS_DROPPED": (compare_edns,),
    "cause.TCP_CLOSED": (ask_by_tcp, open_dns),
    "cause.UNREADABLE": (show_query,),
    "cause.NO_ADDRESS": (compare_names_of_servers, add_glue),
    "cause.ADDRESS_NOT_USABLE": (compare_names_of_servers, add_glue),
    "cause.ALIAS_LOOP": (show_aliases,),
}
"""What lines are made for a code."""


def _find_server(pasted: Pasted) -> str:
    return next(filter(None, map(read_address, pasted.problem.servers)), NAMESERVER)


def _find_address(pasted: Pasted) -> str:
    """Return the IPv4 address of a name server, or what stands for it."""
    addresses = map(read_address, pasted.problem.servers)
    return next((one for one in addresses if "." in one), "ADDRESS")
