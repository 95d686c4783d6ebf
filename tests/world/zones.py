"""What the servers of the test Internet know: zones as text.

`child.parent.example.co.jp` is the name that the UPKI service shows its users; the zones beside
it have the same shape and differ in what DNSSEC makes of them. `caa.example.co.jp` has one name
for each kind of CAA set.
"""

from dataclasses import dataclass
from enum import Enum, auto

from tests.world import network
from tests.world.misbehaving import BEHAVIOURS, HEAVY

ISSUER = "ca.example.test"
HOSTILE_ZONE = "hostile.example.co.jp"


class Signing(Enum):
    """How a zone is served. All but UNSIGNED have a DS record in their parent."""

    SIGNED = auto()
    UNSIGNED = auto()
    BOGUS = auto()  # addresses and SOA changed after signing
    BOGUS_CAA = auto()  # CAA changed after signing, and nothing else
    EXPIRED = auto()  # good signatures, ten days too old
    STRIPPED = auto()  # no signatures at all
    NSEC3 = auto()
    NSEC3_OPT_OUT = auto()  # says nothing of unsigned delegations
    KEY_TRAP = auto()  # 40 keys with one tag, 40 signatures of each set (CVE-2023-50387)
    NSEC3_COSTLY = auto()  # 2500 iterations (RFC 5155 section 10.3 allowed as many)


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone as its owner writes it, without what signing adds. The name has no final dot."""

    name: str
    text: str
    signing: Signing = Signing.SIGNED


def _zone(name: str, server: str, records: str, signing: Signing = Signing.SIGNED) -> Zone:
    """Give the records what every zone needs: a SOA, and a name server in itself."""
    head = f"$TTL 3600\n@ IN SOA ns1 admin 1 3600 900 604800 300\n@ IN NS ns1\nns1 IN A {server}\n"
    return Zone(name, head + records, signing)


def _delegate(name: str, server: str = network.AUTHORITATIVE) -> str:
    return f"{name}. IN NS ns1.{name}.\nns1.{name}. IN A {server}\n"


def _server_of(behaviour: str) -> str:
    return network.HEAVY if behaviour in HEAVY else network.HOSTILE


# As printed for the users, but the name server (BIND wants one) and the child put in. The second
# name server stays a comment: whoever diverts the zone then has one address to divert.
_UPKI_TEXT = """\
$TTL 3600
@   IN  SOA ns1.parent.example.co.jp. admin.parent.example.co.jp. (
    2025042401 3600 1800 604800 86400 )
    IN  NS  ns1.parent.example.co.jp.
;   IN  NS  ns2.parent.example.co.jp.
ns1.parent.example.co.jp. IN  A 203.0.113.53
; ns2.parent.example.co.jp. IN  A 203.0.113.54
child IN A  203.0.113.100
"""
UPKI = Zone("parent.example.co.jp", _UPKI_TEXT)
UPKI_WITHOUT_CHILD = Zone(UPKI.name, _UPKI_TEXT.replace("child IN", "; child IN"))

_CHILD = f"child IN A {network.WEB}\n"

# An alias out of an unsigned zone into a signed one whose servers know nothing.
_ALIAS = "alias IN CNAME www.lame-signed.example.co.jp.\ndname IN DNAME example.test.\n"
PLAIN = _zone("plain.example.co.jp", network.AUTHORITATIVE, _CHILD + _ALIAS, Signing.UNSIGNED)
BOGUS = _zone("bogus.example.co.jp", network.AUTHORITATIVE, _CHILD, Signing.BOGUS)
# Delegates, without a DS record, to a server that does not know the zone.
_LAME_CHILD = f"lame IN NS ns1.lame\nns1.lame IN A {network.TLD}\n"
BOGUS_CAA = _zone(
    "bogus-caa.example.co.jp",
    network.AUTHORITATIVE,
    f'@ IN CAA 0 issue "{ISSUER}"\n{_LAME_CHILD}',
    Signing.BOGUS_CAA,
)
EXPIRED = _zone("expired.example.co.jp", network.AUTHORITATIVE, _CHILD, Signing.EXPIRED)
STRIPPED = _zone("stripped.example.co.jp", network.AUTHORITATIVE, _CHILD, Signing.STRIPPED)

_BIG_SET = "".join(
    f'big IN CAA 0 issue "{number}.{"long-" * 20}issuer.example.test"\n' for number in range(40)
)

# 20.link is an alias of 19.link, and so on; one answer holds the whole chain.
_CHAIN = f'0.link IN CAA 0 issue "{ISSUER}"\n' + "".join(
    f"{number}.link IN CNAME {number - 1}.link\n" for number in range(1, 21)
)

CAA = _zone(
    "caa.example.co.jp",
    network.AUTHORITATIVE,
    f"""
allow           IN CAA 0 issue "{ISSUER}"
                IN A {network.WEB}
below.allow     IN A {network.WEB}
deny            IN CAA 0 issue ";"
below.deny      IN A {network.WEB}
other           IN CAA 0 issue "other-ca.example.test"
both            IN CAA 0 issue ";"
                IN CAA 0 issue "{ISSUER}"
iodef           IN CAA 0 iodef "mailto:security@caa.example.co.jp"
wild            IN CAA 0 issue ";"
                IN CAA 0 issuewild "{ISSUER}"
nowild          IN CAA 0 issue "{ISSUER}"
                IN CAA 0 issuewild ";"
parameters      IN CAA 0 issue "{ISSUER}; validationmethods=dns-01"
mixedcase       IN CAA 0 IsSuE "{ISSUER}"
malformed       IN CAA 0 issue "%%%%%"
dotted          IN CAA 0 issue "{ISSUER}."
unknown         IN CAA 0 tbs "unknown"
critical        IN CAA 128 tbs "unknown"
                IN CAA 0 issue "{ISSUER}"
reserved        IN CAA 130 tbs "unknown"
octets          IN TYPE257 \\# 10 00056973737565 FF00FE
alias-allow     IN CNAME allow.example.test.
alias-deny      IN CNAME deny.example.test.
alias-below     IN CNAME child.deny.example.test.
alias-dangling  IN CNAME nothing.example.test.
alias-bogus     IN CNAME child.bogus.example.co.jp.
alias-loop      IN CNAME alias-pool
alias-pool      IN CNAME alias-loop
dname           IN DNAME example.test.
below.empty     IN A {network.WEB}
*.wildcard      IN CAA 0 issue "{ISSUER}"
{_BIG_SET}{_CHAIN}""",
)

_STRINGS = " ".join(f'"{"x" * 255}"' for _ in range(31))

# What domain-control methods look for, and what is hard to carry.
RECORDS = _zone(
    "records.example.co.jp",
    network.AUTHORITATIVE,
    f"""
_acme-challenge         IN TXT "LPsIwTo7o8BoG0-vjCyGQGBWSVIPxI-i_X336eUOQZo"
                        IN TXT "some" "thing" "" " else"
                        IN TXT "\\000\\255\\"\\\\"
_acme-challenge.alias   IN CNAME Value._acme-challenge
value._acme-challenge   IN TXT "elsewhere"
_acme-challenge.dangling IN CNAME nothing.example.test.
child                   IN A {network.WEB}
                        IN AAAA 2001:db8::100
                        IN CAA 0 dnschange "value"
                        IN CAA 128 contactemail "ra@example.test"
"""
    + "".join(f'full IN TXT "{number}" {_STRINGS}\n' for number in range(8)),
)

ELSEWHERE = _zone(
    "example.test",
    network.AUTHORITATIVE,
    f"""
ca          IN A {network.WEB}
allow       IN CAA 0 issue "{ISSUER}"
deny        IN CAA 0 issue ";"
child.deny  IN A {network.WEB}
""",
)

# Where no name server on the Internet can be: loopback, private, link-local (and the place where
# clouds keep their metadata), shared.
SPECIAL_SERVERS = (
    "127.66.0.53",
    "10.66.0.53",
    "172.16.66.53",
    "192.168.66.53",
    "169.254.169.254",
    "100.64.66.53",
)


def special_zone(address: str) -> str:
    """Return the zone whose name server is at a special-purpose address."""
    return f"s{address.replace('.', '-')}.example.co.jp"


# Delegated to a server that does not know them and says REFUSED.
LAME = "lame.example.co.jp"
LAME_SIGNED = "lame-signed.example.co.jp"
"""Has a DS record."""


# Delegated to servers that are only, or also, where an agent without IPv6 cannot ask.
V6_ONLY = "v6-only.example.co.jp"
V6_TOO = "v6-too.example.co.jp"


def _nsec3(name: str, signing: Signing) -> Zone:
    """Make a zone with a name, and a delegation to a server that does not know it."""
    return _zone(name, network.AUTHORITATIVE, f"www IN A {network.WEB}\n{_LAME_CHILD}", signing)


NSEC3 = _nsec3("nsec3.example.co.jp", Signing.NSEC3)
OPT_OUT = _nsec3("opt-out.example.co.jp", Signing.NSEC3_OPT_OUT)
EMPTY = f"empty.{OPT_OUT.name}"
"""A name that only has names below it once `OPT_OUT_WITH_EMPTY` is served (`registry`)."""
OPT_OUT_WITH_EMPTY = Zone(
    OPT_OUT.name,
    OPT_OUT.text + _delegate(f"child.{EMPTY}", network.FAR[network.TLD]),
    OPT_OUT.signing,
)
KEY_TRAP = _zone("key-trap.example.co.jp", network.AUTHORITATIVE, _CHILD, Signing.KEY_TRAP)
COSTLY = _nsec3("costly.example.co.jp", Signing.NSEC3_COSTLY)

# Filled by whoever has tables of records to be looked up.
TABLES = _zone("tables.example.co.jp", network.AUTHORITATIVE, "")


def fill_tables(records: str) -> Zone:
    """Return the zone for tables with these records."""
    return _zone(TABLES.name, network.AUTHORITATIVE, records)


AUTHORITATIVE_ZONES = (
    UPKI,
    PLAIN,
    BOGUS,
    BOGUS_CAA,
    EXPIRED,
    STRIPPED,
    CAA,
    RECORDS,
    NSEC3,
    OPT_OUT,
    COSTLY,
    KEY_TRAP,
    TABLES,
    ELSEWHERE,
)

TEST = _zone("test", network.TLD, _delegate(ELSEWHERE.name))
JP = _zone("jp", network.TLD, _delegate("co.jp", network.TLD))
CO_JP = _zone(
    "co.jp",
    network.TLD,
    "".join(_delegate(zone.name) for zone in AUTHORITATIVE_ZONES if zone is not ELSEWHERE)
    + "".join(_delegate(f"{name}.{HOSTILE_ZONE}", _server_of(name)) for name in BEHAVIOURS)
    + "".join(_delegate(f"healthy.{special_zone(one)}", one) for one in SPECIAL_SERVERS)
    + f"partial.{HOSTILE_ZONE}. IN NS ns2.partial.{HOSTILE_ZONE}.\n"
    + f"ns2.partial.{HOSTILE_ZONE}. IN A {network.NOBODY}\n"
    + "one.example.co.jp. IN NS ns.two.example.co.jp.\n"
    + "two.example.co.jp. IN NS ns.one.example.co.jp.\n"
    + _delegate("dead.example.co.jp", network.NOBODY)
    + _delegate(V6_TOO, network.NOBODY)
    + "".join(f"crowd.example.co.jp. IN NS ns{n}.crowd.example.co.jp.\n" for n in range(14))
    + "".join(f"ns{n}.crowd.example.co.jp. IN A {network.NOBODY}\n" for n in range(14))
    + "homes.example.co.jp. IN NS ns1.homes.example.co.jp.\n"
    + "".join(f"ns1.homes.example.co.jp. IN A 203.0.113.{150 + n}\n" for n in range(17))
    + f"{V6_ONLY}. IN NS ns1.{V6_ONLY}.\n"
    + "".join(f"ns1.{name}. IN AAAA 2001:db8::53\n" for name in (V6_ONLY, V6_TOO))
    + _delegate(LAME)
    + _delegate(LAME_SIGNED),
)
# Whether a resolver validates is shown by a wrong trust anchor for this one.
ARPA = _zone("arpa", network.TLD, "")
TLD_ZONES = (JP, CO_JP, TEST, ARPA)

ROOT_ZONES = (
    Zone(
        ".",
        f"""\
$TTL 3600
@                    IN SOA a.root-servers.net. admin.root-servers.net. 1 1800 900 604800 300
@                    IN NS a.root-servers.net.
a.root-servers.net.  IN A {network.ROOT}
{_delegate("jp", network.TLD)}{_delegate("test", network.TLD)}{_delegate("arpa", network.TLD)}""",
    ),
)
ROOT_HINTS = f". 3600 IN NS a.root-servers.net.\na.root-servers.net. 3600 IN A {network.ROOT}\n"


def lie(zone: Zone, caa: str = "") -> Zone:
    """Return what a hijacker without the keys serves: his own address, a CAA set if wanted."""
    records = f"child IN A {network.LIAR}\n" + (f"child IN CAA {caa}\n" if caa else "")
    return _zone(zone.name, network.AUTHORITATIVE, records, Signing.UNSIGNED)


def plain(records: str) -> Zone:
    """Return the zone without DNSSEC, with its child as it is and with these records too."""
    return _zone(PLAIN.name, network.AUTHORITATIVE, _CHILD + records, Signing.UNSIGNED)


LYING_ZONES = (lie(UPKI), lie(PLAIN))
