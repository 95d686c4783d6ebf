"""The ways out: whether root and top-level servers answer, over UDP, TCP and IPv6.

These servers are asked directly, past the resolver. What they say is not believed. It only matters
that they answer.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Literal

import dns.asyncquery
import dns.exception
import dns.message
import dns.rdatatype
import dns.rrset

from mpic.runtime.doctor import DoctorFinding, Facts
from perspective_agent.settings import ResolverTable

Transport = Literal["udp", "tcp"]

# dns-root-data, the package the trust anchor comes from, has the hints too.
_HINTS = Path("/usr/share/dns/root.hints")
_SECONDS = 2.0
_TRIES = 2  # a packet may get lost
_SERVERS = 3
_EDNS_OCTETS = 1232
# The first of these that the root delegates leads to top-level servers; in a lab it may be the
# last.
_TOP_LEVELS = ("com", "jp", "arpa")

_OPEN = "Let UDP 53 and TCP 53 out from this host to anywhere, and the answers back in"


@dataclass(frozen=True, slots=True)
class ServerProbe:
    """What came of asking one server."""

    server: str
    transport: Transport
    problem: str = ""
    """Why there is no answer; empty when there is."""
    octets: int = 0
    has_edns: bool = False


@dataclass(frozen=True, slots=True)
class Reachability:
    """What came of asking all of them."""

    root: Sequence[ServerProbe] = ()
    top_level: Sequence[ServerProbe] = ()
    zone: str = ""
    """The top-level domain whose servers were asked."""
    ipv6: Sequence[ServerProbe] = ()
    without_hints: str = ""
    """Why nobody could be asked: the file that says where the root servers are."""
    ipv6_wanted: bool = True
    source: str = field(default="as the host routes")


async def probe_reachability(table: ResolverTable) -> Reachability:
    """Ask some root servers for their largest answer, and some top-level servers."""
    file = table.root_hints_file or _HINTS
    try:
        servers = read_servers(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return Reachability(without_hints=f"{file}: {error}")
    four = [one for one in servers if ip_address(one).version == 4][:_SERVERS]  # noqa: PLR2004 - IP
    six = [one for one in servers if ip_address(one).version == 6][:_SERVERS]  # noqa: PLR2004 - IP
    source = table.outgoing_address
    root, ipv6, (zone, below) = await asyncio.gather(
        _ask_all(four, ("udp", "tcp"), ".", source),
        _ask_all(six if table.ipv6 else (), ("udp",), ".", None),
        _find_top_level(four, source),
    )
    top_level = await _ask_all(below, ("udp", "tcp"), zone, source)
    return Reachability(root, top_level, zone, ipv6, "", table.ipv6, source or "as the host routes")


def read_servers(hints: str) -> list[str]:
    """Return the addresses in a root hints file; raises ValueError. Pure."""
    records = [line.split(";")[0].split() for line in hints.splitlines()]
    return [
        str(ip_address(fields[-1]))
        for fields in records
        if {"A", "AAAA"} & {field.upper() for field in fields[1:-1]}
    ]


async def _ask_all(
    servers: Sequence[str], transports: Sequence[Transport], zone: str, source: str | None
) -> list[ServerProbe]:
    asked = [
        _ask(server, transport, zone, source) for transport in transports for server in servers
    ]
    return list(await asyncio.gather(*asked))


async def _ask(server: str, transport: Transport, zone: str, source: str | None) -> ServerProbe:
    """Ask for a zone's keys with their signatures: the largest answer that it certainly has."""
    query = dns.message.make_query(zone, "DNSKEY", use_edns=0, payload=_EDNS_OCTETS)
    query.want_dnssec(wanted=True)
    query.flags = 0
    send = dns.asyncquery.udp if transport == "udp" else dns.asyncquery.tcp
    problem = ""
    for _ in range(_TRIES):
        try:
            answer = await send(query, server, _SECONDS, source=source)
        except (OSError, EOFError, dns.exception.DNSException) as error:
            problem = str(error) or type(error).__name__
        else:
            return ServerProbe(server, transport, "", len(answer.wire or b""), answer.edns == 0)
    return ServerProbe(server, transport, problem)


async def _find_top_level(roots: Sequence[str], source: str | None) -> tuple[str, list[str]]:
    """Return a top-level domain and where its servers are, by the first root that answers."""
    for root in roots:
        for zone in _TOP_LEVELS:
            query = dns.message.make_query(f"{zone}.", "NS", use_edns=0, payload=_EDNS_OCTETS)
            query.flags = 0
            try:
                answer, _ = await dns.asyncquery.udp_with_fallback(
                    query, root, _SECONDS, source=source
                )
            except (OSError, EOFError, dns.exception.DNSException):
                break
            glue = _read_glue(answer.additional)
            if glue:
                return zone, glue[:2]
    return "", []


def _read_glue(section: Sequence[dns.rrset.RRset]) -> list[str]:
    return [str(rdata) for rrset in section if rrset.rdtype == dns.rdatatype.A for rdata in rrset]


def judge_reachability(ways: Reachability) -> list[DoctorFinding]:
    """Say which ways are open. Pure."""
    if ways.without_hints:
        what = f"nobody can be asked: {ways.without_hints}"
        mend = "Install the package dns-root-data, or name root_hints_file under [resolver]"
        return [DoctorFinding("warning", what, mend)]
    findings = [
        _judge_way("root servers", "udp", ways.root, ways.source),
        _judge_way("root servers", "tcp", ways.root, ways.source),
    ]
    if ways.zone:
        name = f"servers of {ways.zone}"
        findings += [_judge_way(name, way, ways.top_level, ways.source) for way in ("udp", "tcp")]
    return [*findings, *_judge_edns(ways.root), *_judge_ipv6(ways)]


def _judge_way(whom: str, way: str, replies: Sequence[ServerProbe], source: str) -> DoctorFinding:
    of_way = [reply for reply in replies if reply.transport == way]
    silent = {reply.server: reply.problem for reply in of_way if reply.problem}
    facts: Facts = {
        "asked": [reply.server for reply in of_way],
        "silent": list(silent),
        "from": source,
    }
    if of_way and len(silent) < len(of_way):
        answered = len(of_way) - len(silent)
        what = f"{answered} of {len(of_way)} {whom} answer over {way.upper()} 53"
        return DoctorFinding("ok", what, facts=facts)
    why = next(iter(silent.values()), "there is none over IPv4")
    return DoctorFinding("error", f"no {whom} answers over {way.upper()} 53: {why}", _OPEN, facts)


def _judge_edns(replies: Sequence[ServerProbe]) -> list[DoctorFinding]:
    answers = [reply for reply in replies if reply.transport == "udp" and not reply.problem]
    if not answers:
        return []
    octets = max(reply.octets for reply in answers)
    facts: Facts = {"offered": _EDNS_OCTETS, "largest_seen": octets}
    if not any(reply.has_edns for reply in answers):
        what = "the answers come without EDNS: something on the way takes it out, and DNSSEC too"
        mend = "Find the firewall or proxy that rewrites DNS, and let packets through as they are"
        return [DoctorFinding("error", what, mend, facts)]
    return [
        DoctorFinding("ok", f"EDNS passes; an answer of {octets} octets came whole", facts=facts)
    ]


def _judge_ipv6(ways: Reachability) -> list[DoctorFinding]:
    if not ways.ipv6_wanted or not ways.ipv6:
        return []
    answered = [reply for reply in ways.ipv6 if not reply.problem]
    facts: Facts = {"asked": [reply.server for reply in ways.ipv6], "answered": len(answered)}
    if answered:
        return [DoctorFinding("ok", "root servers answer over IPv6", facts=facts)]
    what = f"no root server answers over IPv6: {ways.ipv6[0].problem}"
    mend = "Give the host IPv6, or set ipv6 = false under [resolver], which saves vain tries"
    return [DoctorFinding("warning", what, mend, facts)]
