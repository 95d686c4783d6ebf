"""The tables of this directory in the DNS: every row's records at a name of its own.

What BIND loads is in a signed zone; of single records that it refuses, the misbehaving server makes
an answer.
"""

from collections.abc import Iterable, Sequence
from functools import cache

import dns.exception
import dns.rdata

from tests.clauses import test_br_3_2_2_4_7_dns_change as change
from tests.clauses import test_br_3_2_2_4_13_to_17_contacts as contacts
from tests.clauses import test_br_3_2_2_4_21_dns_account as account
from tests.clauses import test_br_3_2_2_4_22_persistent_txt as persistent
from tests.clauses import test_br_3_2_2_4_adn as adn
from tests.clauses import test_rfc8555_8_4_dns_01 as dns_01
from tests.clauses import test_rfc8657_parameters as rfc8657
from tests.clauses import test_rfc8659_caa_set as rfc8659
from tests.clauses import test_rfc9495_issuemail as rfc9495
from tests.clauses.domain_control import Row, write_zone
from tests.clauses.served import ZONE_LINES
from tests.world.zones import HOSTILE_ZONE, TABLES, Zone, fill_tables

_MESSAGE = 60_000  # octets of record data that fit into an answer


@cache
def sets() -> dict[str, list[bytes]]:
    """Return the record data of every row by label; rows too long for a DNS message left out."""
    named: dict[str, list[bytes]] = {}
    for number, row in enumerate(rfc8659.SETS):
        named[f"set{number}"] = [rfc8659.wire(record) for record in row.records]
    for number, (value, _) in enumerate(rfc8659.VALUES):
        for tag in ("issue", "issuewild"):
            named[f"{tag}{number}"] = [rfc8659.wire(f'0 {tag} "{value}"')]
    for number, mail in enumerate(rfc9495.SETS):
        named[f"mail{number}"] = [_record(*record) for record in mail.records]
    for number, (_, malformed) in enumerate(rfc8659.MALFORMED):
        named[f"malformed{number}"] = [malformed]
    for number, parameters in enumerate(rfc8657.PARAMETERS):
        named[f"parameters{number}"] = [_record(0, "issue", f"ca.example; {parameters.parameters}")]
    return {label: rdata for label, rdata in named.items() if sum(map(len, rdata)) < _MESSAGE}


def tables_zone() -> Zone:
    """Return the zone with all of them."""
    lines = "".join(_lines(sets().items())) + ZONE_LINES
    return fill_tables(lines + "".join(map(write_zone, controlled())))


@cache
def controlled() -> Sequence[Row]:
    """Return the rows of domain control by records in the DNS, which servers can serve."""
    modules = (dns_01, account, persistent, change, contacts, adn)
    return [row for module in modules for row in module.ROWS if not row.only_here]


def name(label: str, *, wildcard: bool = False) -> str:
    """Return the name to ask for."""
    rdata = sets()[label]
    zone = TABLES.name
    if not _loads(rdata):
        # As one label of 63 hexadecimal digits at most; only one record.
        label, zone = f"x{rdata[0].hex()}", f"rawcaa.{HOSTILE_ZONE}"
    return f"{'*.' if wildcard else ''}{label}.{zone}"


def _loads(rdata: list[bytes]) -> bool:
    """Whether an ordinary server takes the records."""
    try:
        for data in rdata:
            dns.rdata.from_wire("IN", "CAA", data, 0, len(data))
    except dns.exception.DNSException:
        return False
    return True


def _lines(named: Iterable[tuple[str, list[bytes]]]) -> Iterable[str]:
    for label, rdata in named:
        for data in rdata if _loads(rdata) else ():
            yield f"{label} IN TYPE257 \\# {len(data)} {data.hex()}\n"


def _record(flags: int, tag: str, value: str) -> bytes:
    return bytes((flags, len(tag))) + tag.encode() + value.encode()
