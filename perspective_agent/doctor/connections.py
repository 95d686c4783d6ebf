"""The ways out to web servers and TLS servers: TCP to ports 80 and 443, over IPv4 and IPv6.

A few well-known hosts are connected to, and nothing is said to them. One that takes a connection
shows that the way is open.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address

from mpic.runtime.doctor import DoctorFinding, Facts, Outcome
from mpic.v1 import observation_pb2 as o
from perspective_agent.connect.candidates import FAMILIES, read_addresses
from perspective_agent.connect.dialed_socket import open_socket
from perspective_agent.dns.resolver import ResolverLink
from perspective_agent.egress import Egress

PORTS = (80, 443)
VERSIONS = (4, 6)
_LOOKUP_SECONDS = 10.0
_SECONDS = 5.0
_HOSTS = (
    "Name hosts under doctor_hosts of [connect] that take connections on ports 80 and 443, over"
    " IPv4 and IPv6"
)


@dataclass(frozen=True, slots=True)
class ConnectionProbe:
    """What came of connecting to one address."""

    address: str
    port: int
    problem: str = ""
    """Why there is no connection; empty when there is one."""


@dataclass(frozen=True, slots=True)
class Connections:
    """What came of connecting to all hosts."""

    probes: Sequence[ConnectionProbe] = ()
    problems: Sequence[str] = field(default=("no host is named",))
    """Why hosts could not be looked up, or have no addresses."""
    ipv6_wanted: bool = True


async def probe_connections(
    hosts: Sequence[str], egress: Egress, link: ResolverLink
) -> Connections:
    """Look the hosts up as the agent does, and connect to one address of each family."""
    lookups = await asyncio.gather(
        *(link.lookup(host, family, _LOOKUP_SECONDS) for host in hosts for family in FAMILIES)
    )
    problems = [f"{one.name}: {one.failure.detail}" for one in lookups if one.HasField("failure")]
    addresses = [
        found[0]
        for found in map(read_addresses, lookups)
        if found and not egress.find_bar(found[0])
    ]
    probes = await asyncio.gather(
        *(_connect(address, port, egress) for address in addresses for port in PORTS)
    )
    problems = problems or [f"{', '.join(hosts) or 'no host'}: no address that may be dialled"]
    return Connections(probes, problems, egress.ipv6)


async def _connect(address: str, port: int, egress: Egress) -> ConnectionProbe:
    opened = await open_socket(address, port, egress.source_for(address), _SECONDS)
    if isinstance(opened, o.Failure):
        return ConnectionProbe(address, port, opened.detail)
    opened.close()
    return ConnectionProbe(address, port)


def judge_connections(found: Connections) -> list[DoctorFinding]:
    """Say over which family, and to which port, this perspective can fetch. Pure."""
    findings = []
    for version in VERSIONS:
        probes = [one for one in found.probes if ip_address(one.address).version == version]
        if version == 6 and not found.ipv6_wanted:  # noqa: PLR2004 - IPv6
            what = "this perspective cannot fetch over IPv6: ipv6 = false under [connect]"
            mend = "Give the host IPv6, and remove it: names with IPv6 alone are lost from here"
            findings.append(DoctorFinding("warning", what, mend))
        elif probes:
            findings += _judge_family(version, probes)
        else:
            what = f"it is not known whether this perspective can fetch over IPv{version}"
            findings.append(DoctorFinding("warning", f"{what}: {found.problems[0]}", _HOSTS))
    return findings


def _judge_family(version: int, probes: Sequence[ConnectionProbe]) -> list[DoctorFinding]:
    by_port = {port: [one for one in probes if one.port == port] for port in PORTS}
    closed = [port for port, of in by_port.items() if all(one.problem for one in of)]
    facts: Facts = {"asked": sorted({one.address for one in probes})}
    findings = [
        DoctorFinding(
            "ok",
            f"port {port} is open over IPv{version}: {_count(of)} took a connection",
            facts=facts,
        )
        for port, of in by_port.items()
        if port not in closed
    ]
    if not closed:
        return findings
    ports = " and ".join(f"TCP {port}" for port in closed)
    mend = f"Let {ports} out from this host to anywhere over IPv{version}, and the answers back in"
    if len(closed) == len(PORTS):
        what = f"this perspective cannot fetch over IPv{version}"
    else:
        what = f"port {closed[0]} outbound is closed over IPv{version}"
    if version == 6:  # noqa: PLR2004 - IPv6
        mend += ". If the host has no IPv6, set ipv6 = false under [connect]: it saves vain tries"
    problem = by_port[closed[0]][0].problem
    # Most names have IPv4 addresses too.
    outcome: Outcome = "error" if version == 4 else "warning"  # noqa: PLR2004 - IPv4
    return [*findings, DoctorFinding(outcome, f"{what}: {problem}", mend, facts)]


def _count(probes: Sequence[ConnectionProbe]) -> str:
    return f"{sum(not one.problem for one in probes)} of {len(probes)} hosts"
