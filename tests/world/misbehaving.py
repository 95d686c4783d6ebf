"""An authoritative server that does, for each name, the wrong thing the name asks for.

Run as `python -m tests.world.misbehaving ADDRESS ZONE`; it serves `<anything>.<behaviour>.ZONE`
for every behaviour in `BEHAVIOURS`. A number right below a behaviour is its argument:
`300.slow.ZONE`, `12.chain.ZONE`. Each behaviour is a zone of its own to its parent, so what a
resolver remembers of one (dead, lame, without EDNS) does not touch the others.
"""

import asyncio
import struct
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset

_TTL = 60
_SOA = "ns hostmaster 1 3600 900 604800 60"


@dataclass(frozen=True, slots=True)
class Ask:
    """A query, and how it came."""

    query: dns.message.Message
    zone: dns.name.Name
    argument: int
    tcp: bool

    @property
    def question(self) -> dns.rrset.RRset:
        """What is asked."""
        return self.query.question[0]

    def answer(
        self, *records: dns.rrset.RRset, rcode: dns.rcode.Rcode = dns.rcode.NOERROR
    ) -> dns.message.Message:
        """Make a decent authoritative answer; without records it is NODATA with the SOA."""
        message = dns.message.make_response(self.query)
        message.flags |= dns.flags.AA
        message.set_rcode(rcode)
        message.answer.extend(records)
        if not records:
            message.authority.append(self.record(self.zone, "SOA", _SOA))
        return message

    def record(self, owner: dns.name.Name, rdtype: str, text: str) -> dns.rrset.RRset:
        """Make a record; names in `text` are relative to the zone."""
        return dns.rrset.from_text_list(
            owner, _TTL, "IN", rdtype, [text], origin=self.zone, relativize=False
        )

    def answer_with(self, rdtype: str, text: str) -> dns.message.Message:
        """Answer with one record of the name that is asked."""
        return self.answer(self.record(self.question.name, rdtype, text))


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back: nothing (None), the end of a TCP connection (b""), or octets."""

    wire: bytes | None
    after_seconds: float = 0.0
    seconds_per_byte: float = 0.0


def _healthy(ask: Ask) -> Reply:
    """Answer A with an address, anything else with NODATA."""
    if ask.question.rdtype != dns.rdatatype.A:
        return Reply(ask.answer().to_wire())
    return Reply(ask.answer_with("A", "203.0.113.100").to_wire())


def _silent(_: Ask) -> Reply:
    return Reply(None)


def _silent_to_caa(ask: Ask) -> Reply:
    """As old load balancers do."""
    return _silent(ask) if _is_caa(ask) else _healthy(ask)


def _servfail_to_caa(ask: Ask) -> Reply:
    return _says(dns.rcode.SERVFAIL)(ask) if _is_caa(ask) else _healthy(ask)


def _servfail_to_caa_below(issuer: str) -> Callable[[Ask], Reply]:
    """Fail at the CAA of every name but the zone's own, which names an issuer."""

    def behave(ask: Ask) -> Reply:
        if not _is_caa(ask):
            return _healthy(ask)
        if ask.question.name != ask.zone:
            return _servfail_to_caa(ask)
        return Reply(ask.answer_with("CAA", f'0 issue "{issuer}"').to_wire())

    return behave


def _is_caa(ask: Ask) -> bool:
    return bool(ask.question.rdtype == dns.rdatatype.CAA)


def _says(rcode: dns.rcode.Rcode) -> Callable[[Ask], Reply]:
    return lambda ask: Reply(ask.answer(rcode=rcode).to_wire())


def _wrong_id(ask: Ask) -> Reply:
    wire = ask.answer().to_wire()
    return Reply(bytes((wire[0], wire[1] ^ 1)) + wire[2:])


def _wrong_question(name: str = "", rdtype: str = "", rdclass: str = "") -> Callable[[Ask], Reply]:
    def behave(ask: Ask) -> Reply:
        asked, message = ask.question, ask.answer()
        message.question = [
            dns.rrset.RRset(
                dns.name.from_text(name) if name else asked.name,
                dns.rdataclass.from_text(rdclass) if rdclass else asked.rdclass,
                dns.rdatatype.from_text(rdtype) if rdtype else asked.rdtype,
            )
        ]
        return Reply(message.to_wire())

    return behave


def _not_a_response(ask: Ask) -> Reply:
    message = ask.answer()
    message.flags &= ~dns.flags.QR
    return Reply(message.to_wire())


def _garbage(ask: Ask) -> Reply:
    """Send the right ID and QR, then nothing that parses."""
    return Reply(ask.query.id.to_bytes(2, "big") + b"\x84\x00" + b"\xff" * 40)


def _truncated(ask: Ask) -> Reply:
    """Point to TCP, and hang up there."""
    return Reply(b"") if ask.tcp else _points_to_tcp(ask)


def _slow(ask: Ask) -> Reply:
    """Answer after as many milliseconds as the argument says."""
    return Reply(_healthy(ask).wire, after_seconds=ask.argument / 1000)


_HOLDS = 10  # Unbound follows one alias more
_HOLD_SECONDS = 1.0  # so short that no resolver thinks the server dead
_released: set[str] = set()


def _held(ask: Ask) -> Reply:
    """Keep whoever asks `hold.<batch>` for CAA waiting until `release.<batch>` is asked for.

    At most ten seconds, from alias to alias. Names below wait too, as their CAA walk leads there.
    """
    label, _, batch = str(ask.question.name.relativize(ask.zone)).lower().partition(".")
    if label == "release":
        _released.add(batch)
    step = int(label.removeprefix("hold") or 0) if label.startswith("hold") else _HOLDS
    if batch in _released or step == _HOLDS or not _is_caa(ask):
        return _healthy(ask)
    alias = ask.answer_with("CNAME", f"hold{step + 1}.{batch}")
    return Reply(alias.to_wire(), after_seconds=_HOLD_SECONDS)


_STEPS = 3
_published: set[bytes] = set()


def _publishes(ask: Ask) -> Reply:
    """Let a name forbid from the moment on in which `publish` below it is asked for.

    Before, it has no CAA set; names below it never have, and take three seconds to say so, from
    alias to alias.
    """
    labels = [label.lower() for label in ask.question.name.relativize(ask.zone).labels]
    batch = labels.pop() if labels else b""
    if b"publish" in labels:
        _published.add(batch)
    if not _is_caa(ask):
        return _healthy(ask)
    if not labels:
        return _says_no(ask) if batch in _published else _healthy(ask)
    step = int(labels[0].removeprefix(b"step")) if labels[0].startswith(b"step") else 1
    alias = ask.answer_with("CNAME", f"step{step + 1}.{batch.decode()}").to_wire()
    return Reply(_healthy(ask).wire if step == _STEPS else alias, after_seconds=_HOLD_SECONDS)


def _slow_tcp(ask: Ask) -> Reply:
    """Point to TCP, and send one octet a second there."""
    return Reply(_healthy(ask).wire, seconds_per_byte=1.0) if ask.tcp else _points_to_tcp(ask)


def _points_to_tcp(ask: Ask) -> Reply:
    message = ask.answer()
    message.flags |= dns.flags.TC
    return Reply(message.to_wire())


def _loop(ask: Ask) -> Reply:
    """Make two names aliases of each other."""
    there = "there" if ask.question.name.labels[0] != b"there" else "here"
    return Reply(ask.answer_with("CNAME", there).to_wire())


def _chain(ask: Ask) -> Reply:
    """Give as many aliases as the argument says, one per answer, then a healthy name."""
    if not ask.argument:
        return _healthy(ask)
    return Reply(ask.answer_with("CNAME", str(ask.argument - 1)).to_wire())


def _lame(ask: Ask) -> Reply:
    """Know nothing of the zone and point upwards."""
    message = dns.message.make_response(ask.query)
    message.authority.append(
        dns.rrset.from_text(dns.name.root, _TTL, "IN", "NS", "a.root-servers.net.")
    )
    return Reply(message.to_wire())


def _no_soa(ask: Ask) -> Reply:
    """Answer NOERROR and nothing at all."""
    message = ask.answer()
    message.authority.clear()
    return Reply(message.to_wire())


def _lower_case(ask: Ask) -> Reply:
    """Lose the case of the question (a resolver that mixes case as a nonce must cope)."""
    name = str(ask.question.name).lower()
    return _wrong_question(name=name)(ask)


def _drops_edns(ask: Ask) -> Reply:
    """Answer nothing that has EDNS, as some firewalls do."""
    return _healthy(ask) if ask.query.edns < 0 else _silent(ask)


def _no_edns(ask: Ask) -> Reply:
    """Call EDNS a format error."""
    if ask.query.edns < 0:
        return _healthy(ask)
    message = ask.answer(rcode=dns.rcode.FORMERR)
    message.use_edns(-1)
    return Reply(message.to_wire())


def _broken_caa(ask: Ask) -> Reply:
    """Answer CAA with a tag longer than its record."""
    if ask.question.rdtype != dns.rdatatype.CAA:
        return _healthy(ask)
    caa = dns.rrset.RRset(ask.question.name, dns.rdataclass.IN, dns.rdatatype.CAA)
    caa.add(dns.rdata.GenericRdata(caa.rdclass, caa.rdtype, b"\x00\xffissue"), _TTL)
    return Reply(ask.answer(caa).to_wire())


def _raw_caa(ask: Ask) -> Reply:
    """Answer CAA with the record data that the label spells: "x" and hexadecimal digits."""
    label = ask.question.name.relativize(ask.zone).labels[-1].decode().lower()
    if not _is_caa(ask) or not label.startswith("x"):
        return _healthy(ask)
    caa = dns.rrset.RRset(ask.question.name, dns.rdataclass.IN, dns.rdatatype.CAA)
    caa.add(dns.rdata.GenericRdata(caa.rdclass, caa.rdtype, bytes.fromhex(label[1:])), _TTL)
    return Reply(ask.answer(caa).to_wire())


def _many(*more: str) -> Callable[[Ask], Reply]:
    """Answer CAA with as many records as the argument says, and some more."""

    def behave(ask: Ask) -> Reply:
        if not _is_caa(ask):
            return _healthy(ask)
        issuers = [f"ca{number}.example.test" for number in range(ask.argument)]
        return _large(ask, (*issuers, *more))

    return behave


def _wide(ask: Ask) -> Reply:
    """Answer CAA with as many records of 250 octets as the argument says."""
    if not _is_caa(ask):
        return _healthy(ask)
    pad = "x" * 220
    return _large(ask, tuple(f"ca.example.test; p{n:03}={pad}" for n in range(ask.argument)))


def _large(ask: Ask, issuers: tuple[str, ...]) -> Reply:
    """Send over TCP what fits into no datagram."""
    if not issuers:
        return Reply(ask.answer().to_wire())
    if not ask.tcp:
        return _points_to_tcp(ask)
    return Reply(ask.query.id.to_bytes(2, "big") + _large_set(ask.query.question[0].name, issuers))


@lru_cache
def _large_set(name: dns.name.Name, issuers: tuple[str, ...]) -> bytes:
    """Make the answer, but for its id."""
    message = dns.message.make_response(dns.message.make_query(name, "CAA"))
    message.flags |= dns.flags.AA
    texts = [f'0 issue "{issuer}"' for issuer in issuers]
    message.answer.append(dns.rrset.from_text(name, _TTL, "IN", "CAA", *texts))
    return message.to_wire(max_size=65535)[2:]


def _dname_overflow(ask: Ask) -> Reply:
    """Say that the name made from a DNAME would be too long (RFC 6672 section 2.2)."""
    message = ask.answer(rcode=dns.rcode.YXDOMAIN)
    target = ".".join(["x" * 60] * 3)
    message.answer.append(ask.record(ask.zone, "DNAME", target))
    message.authority.clear()
    return Reply(message.to_wire())


def _alias_to_nothing(ask: Ask) -> Reply:
    """Answer with an alias and NXDOMAIN, which is its target's (RFC 6604)."""
    if ask.question.name.labels[0].lower() == b"nothing":
        return _says(dns.rcode.NXDOMAIN)(ask)
    message = ask.answer_with("CNAME", "nothing")
    message.set_rcode(dns.rcode.NXDOMAIN)
    message.authority.append(ask.record(ask.zone, "SOA", _SOA))
    return Reply(message.to_wire())


def _poison(ask: Ask) -> Reply:
    """Answer, and slip in records of zones that are none of this server's business."""
    message = ask.answer_with("A", "203.0.113.100") if not _is_caa(ask) else ask.answer()
    liar = dns.name.from_text("ns1.plain.example.co.jp")
    victim = dns.name.from_text("plain.example.co.jp")
    message.authority.append(ask.record(victim, "NS", "ns1.plain.example.co.jp."))
    message.additional.append(ask.record(liar, "A", "203.0.113.66"))
    child = dns.name.from_text("child.plain.example.co.jp")
    message.additional.append(ask.record(child, "A", "203.0.113.66"))
    return Reply(message.to_wire())


def _bomb(ask: Ask) -> Reply:
    """Refer to forty name servers whose addresses are to be looked up, each a bomb again."""
    below = ask.question.name.relativize(ask.zone).labels[-1:]
    child = dns.name.Name(below).derelativize(ask.zone)
    message = dns.message.make_response(ask.query)
    message.authority.append(_shrapnel(child, ask.question.name.labels[0][:20].lower(), ask.zone))
    return Reply(message.to_wire(max_size=65535)) if ask.tcp else _points_to_tcp(ask)


@lru_cache(maxsize=4096)
def _shrapnel(owner: dns.name.Name, here: bytes, zone: dns.name.Name) -> dns.rrset.RRset:
    servers = [f"ns{number}.{here.decode()}{number}.{zone}" for number in range(40)]
    return dns.rrset.from_text(owner, _TTL, "IN", "NS", *servers)


_asked: Counter[str] = Counter()


def _count(ask: Ask) -> Reply:
    """Answer TXT with the number of queries for the behaviour that the label names."""
    label = ask.question.name.relativize(ask.zone).labels[-1].decode().lower()
    return Reply(ask.answer_with("TXT", str(_asked[label])).to_wire())


def _beside_alias(first: str, second: str) -> Callable[[Ask], Reply]:
    """Answer CAA with an alias and, at the same name, a set that forbids, in either order."""

    def behave(ask: Ask) -> Reply:
        if not _is_caa(ask) or ask.question.name.labels[0].lower() == b"target":
            return _healthy(ask)
        texts = {"CNAME": "target", "CAA": '0 issue ";"'}
        records = [ask.record(ask.question.name, one, texts[one]) for one in (first, second)]
        return Reply(ask.answer(*records).to_wire())

    return behave


def _of_another(ask: Ask) -> Reply:
    """Answer CAA with the records of another name."""
    if not _is_caa(ask):
        return _healthy(ask)
    other = dns.name.Name([b"other"]).derelativize(ask.zone)
    return Reply(ask.answer(ask.record(other, "CAA", '0 issue ";"')).to_wire())


def _dname_alone(ask: Ask) -> Reply:
    """Answer with a DNAME and without the CNAME that follows from it (RFC 6672 section 3.1)."""
    if ask.question.name == ask.zone or not _is_caa(ask):
        return _healthy(ask)
    return Reply(ask.answer(ask.record(ask.zone, "DNAME", "example.test.")).to_wire())


def _other_type(ask: Ask) -> Reply:
    """Answer CAA with an address."""
    return Reply(ask.answer_with("A", "203.0.113.100").to_wire())


def _class_inside(ask: Ask) -> Reply:
    """Answer CAA with a record of class CH."""
    wire = bytearray(_says_no(ask).wire or b"")
    if _is_caa(ask):
        at = wire.rindex(b"\x01\x01\x00\x01")
        wire[at + 3] = 3
    return Reply(bytes(wire))


def _says_no(ask: Ask) -> Reply:
    if not _is_caa(ask):
        return _healthy(ask)
    return Reply(ask.answer_with("CAA", '0 issue ";"').to_wire())


def _denied_records(ask: Ask) -> Reply:
    """Answer NXDOMAIN, and the records of the name it denies."""
    if not _is_caa(ask):
        return _healthy(ask)
    message = ask.answer_with("CAA", '0 issue ";"')
    message.set_rcode(dns.rcode.NXDOMAIN)
    return Reply(message.to_wire())


def _empty_and_truncated(ask: Ask) -> Reply:
    """Say that there is nothing and that it was cut short; over TCP there is a set."""
    return _says_no(ask) if ask.tcp else _points_to_tcp(ask)


def _upper_case(ask: Ask) -> Reply:
    """Give the record's owner in another case than the question's."""
    if not _is_caa(ask):
        return _healthy(ask)
    owner = dns.name.from_text(str(ask.question.name).upper())
    return Reply(ask.answer(ask.record(owner, "CAA", '0 issue ";"')).to_wire())


def _in_lower_case_only(
    no: Callable[[Ask], Reply], *, caa_only: bool = False
) -> Callable[[Ask], Reply]:
    """Forbid; but answer `no` to a name with any capital in it, against RFC 4343."""

    def behave(ask: Ask) -> Reply:
        name = str(ask.question.name)
        hides = name != name.lower() and (_is_caa(ask) or not caa_only)
        return no(ask) if hides else _says_no(ask)

    return behave


def _between(no: Callable[[Ask], Reply]) -> Callable[[Ask], Reply]:
    """Forbid at names two labels below the zone; answer `no` at the names between."""

    def behave(ask: Ask) -> Reply:
        depth = len(ask.question.name) - len(ask.zone)
        return no(ask) if depth == 1 else _says_no(ask) if depth > 1 else _healthy(ask)

    return behave


BEHAVIOURS: dict[str, Callable[[Ask], Reply]] = {
    "healthy": _healthy,
    "silent": _silent,
    "dropcaa": _silent_to_caa,
    "servfail": _says(dns.rcode.SERVFAIL),
    "servfailcaa": _servfail_to_caa,
    "failsbelow": _servfail_to_caa_below("other-ca.example.test"),
    "failsbelowours": _servfail_to_caa_below("ca.example.test"),
    "refused": _says(dns.rcode.REFUSED),
    "notimp": _says(dns.rcode.NOTIMP),
    "formerr": _says(dns.rcode.FORMERR),
    "nxdomain": _says(dns.rcode.NXDOMAIN),
    "wrongid": _wrong_id,
    "wrongname": _wrong_question(name="wrong.example."),
    "wrongtype": _wrong_question(rdtype="TXT"),
    "wrongclass": _wrong_question(rdclass="CH"),
    "notaresponse": _not_a_response,
    "garbage": _garbage,
    "truncated": _truncated,
    "slow": _slow,
    "held": _held,
    "publishes": _publishes,
    "slowtcp": _slow_tcp,
    "loop": _loop,
    "chain": _chain,
    "lame": _lame,
    "nosoa": _no_soa,
    "lowercase": _lower_case,
    "noedns": _no_edns,
    "dropsedns": _drops_edns,
    "brokencaa": _broken_caa,
    "rawcaa": _raw_caa,
    "many": _many(),
    "manyours": _many("ca.example.test"),
    "wide": _wide,
    "truncatedtcp": _points_to_tcp,
    "yxdomain": _dname_overflow,
    "nxalias": _alias_to_nothing,
    "poison": _poison,
    "bomb": _bomb,
    "partial": _healthy,
    "counter": _count,
    "aliasfirst": _beside_alias("CNAME", "CAA"),
    "aliaslast": _beside_alias("CAA", "CNAME"),
    "another": _of_another,
    "dnamealone": _dname_alone,
    "othertype": _other_type,
    "classinside": _class_inside,
    "denied": _denied_records,
    "emptytc": _empty_and_truncated,
    "uppercase": _upper_case,
    "capsnx": _in_lower_case_only(_says(dns.rcode.NXDOMAIN)),
    "capsempty": _in_lower_case_only(_says(dns.rcode.NOERROR)),
    "capsnosoa": _in_lower_case_only(_no_soa),
    "capscaa": _in_lower_case_only(_says(dns.rcode.NXDOMAIN), caa_only=True),
    "betweennx": _between(_says(dns.rcode.NXDOMAIN)),
    "betweenrefused": _between(_says(dns.rcode.REFUSED)),
    "betweenservfail": _between(_says(dns.rcode.SERVFAIL)),
    "betweensilent": _between(_silent),
    "betweenalias": _between(lambda ask: Reply(ask.answer_with("CNAME", "x.healthy").to_wire())),
}

HEAVY = ("many", "manyours", "wide", "bomb")
"""Those that cost the server so much that they would slow down the others."""


def reply_to(wire: bytes, zone: dns.name.Name, *, tcp: bool) -> Reply:
    """Return what the server does with these octets; what it does not understand it drops."""
    try:
        query = dns.message.from_wire(wire)
        below = query.question[0].name.relativize(zone).labels[::-1]
        behaviour = below[0].decode().lower()
        behave = BEHAVIOURS[behaviour]
        _asked[behaviour] += 1
        argument = below[1].decode() if len(below) > 1 else ""
        behaviour_zone = dns.name.Name(below[:1]).derelativize(zone)
        number = int(argument) if argument.isdecimal() else 0
        return behave(Ask(query, behaviour_zone, number, tcp))
    except Exception as error:  # noqa: BLE001 - whatever arrives, the server stays
        print(f"dropped {wire[:40].hex()}: {error!r}", file=sys.stderr)  # noqa: T201
        return Reply(None)


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, zone: dns.name.Name) -> None:
        self._zone = zone

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        reply = reply_to(data, self._zone, tcp=False)
        if reply.wire is not None:
            loop = asyncio.get_running_loop()
            loop.call_later(reply.after_seconds, self._transport.sendto, reply.wire, addr)


async def _serve_tcp(
    zone: dns.name.Name, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    try:
        while True:
            (length,) = struct.unpack("!H", await reader.readexactly(2))
            reply = reply_to(await reader.readexactly(length), zone, tcp=True)
            if reply.wire == b"":
                break
            if reply.wire is not None:
                await asyncio.sleep(reply.after_seconds)
                await _send(writer, reply)
    except (OSError, EOFError):
        pass
    finally:
        writer.close()


async def _send(writer: asyncio.StreamWriter, reply: Reply) -> None:
    wire = reply.wire or b""
    framed = struct.pack("!H", len(wire)) + wire
    step = 1 if reply.seconds_per_byte else len(framed)
    for start in range(0, len(framed), step):
        writer.write(framed[start : start + step])
        await writer.drain()
        await asyncio.sleep(reply.seconds_per_byte)


async def serve(address: str, zone: dns.name.Name) -> None:
    """Serve UDP and TCP on port 53 of `address` for ever."""
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(lambda: _Udp(zone), local_addr=(address, 53))
    server = await asyncio.start_server(
        lambda reader, writer: _serve_tcp(zone, reader, writer), address, 53
    )
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], dns.name.from_text(sys.argv[2])))
