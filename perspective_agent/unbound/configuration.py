"""The configuration of a private Unbound: hardened, validating, nothing kept for long. Pure.

Unbound asks in the plainest form: the whole name, in lower case, of the type that is wanted. Some
options that are meant as hardening change what a server says. They can hide a CAA record that
forbids, from all perspectives alike (RFC 8659 section 3). This was seen with servers that are not
exact:

- Names in mixed case (0x20, `use-caps-for-id`): servers that know only lower case answer NXDOMAIN
  or no data, against RFC 4343.
- Names cut short (RFC 9156, `qname-minimisation`): some servers answer NXDOMAIN at a name that only
  has names below it. In a signed zone Unbound takes that for the answer about everything below. An
  unsigned zone that is delegated there is lost. Silence at such a name fails the whole lookup.
- An absence concluded from another name (RFC 8020 `harden-below-nxdomain`, RFC 8198
  `aggressive-nsec`) answers for a name that nobody asked about.

These things protect against somebody who forges answers off the path:

- a random source port and a random id, 32 bits together;
- five perspectives: all have to be deceived within the minute that a cache lasts;
- after 10,000 replies that nobody asked for, the caches are emptied and an alarm is raised;
- DNSSEC, if the zone is signed.

To forge one lookup is then improbable, and to forge five is practically impossible
(tests/bench/RESULTS.md, "Probabilities").

Mixed case would add a bit for each letter, at no cost: 14 for "www.example.co.jp", but only 2 for
"jp", and one forged reply there forges all that is below. One hidden record costs more than that.
To ask for each unsigned absence a second time in lower case would keep both. But the option is one
for the whole of Unbound, so it would take a second one, and twice the queries and the CPU. Whole
names cost about one packet more a check.

Three cases remain:

- a server that does not send an answer of over 1,232 octets and does not say that it is cut short
  (TC);
- a server that hides a record from whoever speaks EDNS, which DNSSEC needs;
- an alias that its owner spells in capitals, to a server that knows only lower case.
"""

from dataclasses import dataclass
from pathlib import Path

from perspective_agent.egress import SPECIAL_PURPOSE
from perspective_agent.unbound.capacity import FULL, Capacity

# A top-level domain that exists and is signed (RFC 3172). It gets a trust anchor that none of its
# keys satisfies, so a resolver that validates must call it bogus. The agent looks up nothing below
# it (BR 4.2.2 forbids names in in-addr.arpa and ip6.arpa).
CANARY = "arpa"
CANARY_ANCHOR = f"{CANARY}. IN DS 12345 13 2 {'00' * 32}"

# Unbound would answer for these by itself; those in arpa lie below the canary.
ANSWERED_LOCALLY = ("localhost", "test", "invalid", "onion")

CONTROL_SOCKET = "control"

EDNS_OCTETS = 1232
"""Answers over UDP that no network has to cut in fragments."""

# A server is given up when its time-out has grown this long. So a name whose servers are all dead
# fails within seconds. At a round trip of 800 ms to every server, a name that is cold from the root
# on is still answered within 10 s (tests/bench/RESULTS.md).
GIVEN_UP_MS = 3000
_FIRST_TIMEOUT_MS = 1500  # 376 by default: at 800 ms each query would be sent twice, and late

_FIXED = (
    # Only this host may ask.
    "  interface: 127.0.0.1",
    "  access-control: 127.0.0.0/8 allow",
    "  tcp-idle-timeout: 60000",
    # Validation, and no way around it (BR 4.2.2.2).
    '  module-config: "validator iterator"',
    f'  trust-anchor: "{CANARY_ANCHOR}"',
    "  val-permissive-mode: no",
    "  val-sig-skew-min: 0",
    "  val-sig-skew-max: 0",
    "  val-clean-additional: yes",
    "  ede: yes",
    "  val-log-level: 2",
    # Why a lookup failed (`servfail`).
    "  log-servfail: yes",
    "  trust-anchor-signaling: no",
    "  root-key-sentinel: no",
    # Hardening.
    "  harden-glue: yes",
    "  harden-dnssec-stripped: yes",
    "  harden-referral-path: no",
    "  harden-algo-downgrade: no",
    # Asked in the plainest form; see above.
    "  use-caps-for-id: no",
    "  qname-minimisation: no",
    "  harden-below-nxdomain: no",
    "  aggressive-nsec: no",
    "  hide-identity: yes",
    "  hide-version: yes",
    f"  edns-buffer-size: {EDNS_OCTETS}",
    f"  max-udp-size: {EDNS_OCTETS}",
    "  unwanted-reply-threshold: 10000",
    # For the metrics: RCODEs, validation, replies that nobody asked for.
    "  extended-statistics: yes",
    # Every lookup sees the present state: nothing stale.
    "  serve-expired: no",
    "  prefetch: no",
    "  minimal-responses: yes",
    f"  unknown-server-time-limit: {_FIRST_TIMEOUT_MS}",
    f"  infra-cache-max-rtt: {GIVEN_UP_MS}",
    # The default is 900. With that, somebody who makes a few packets to some servers of a zone get
    # lost would choose which server is asked.
    "  infra-host-ttl: 60",
    # A lookup that hangs over TCP shares its connection with no other.
    "  max-reuse-tcp-queries: 1",
    "  num-queries-per-thread: 4096",
)
"""What of `server:` no option changes."""


@dataclass(frozen=True, slots=True)
class UnboundOptions:
    """What an operator can choose."""

    trust_anchor_file: Path
    """DNSKEY or DS of the root."""
    root_hints_file: Path | None = None
    """Where the root servers are; None: as built into Unbound."""
    outgoing_address: str | None = None
    """The address queries leave from; None: as the host routes."""
    port: int = 0
    """Loopback port; 0: any free one."""
    cache_max_ttl: int = 60
    """Seconds a record may be kept, at most."""
    cache_max_negative_ttl: int = 10
    """Seconds an absence may be kept, at most."""
    ipv6: bool = True
    """Whether authoritative servers are asked over IPv6 too."""
    allow_special_purpose_servers: bool = False
    """For labs: follow delegations to loopback, private and documentation addresses."""
    executable: str = "unbound"
    """Name or path of the program."""
    capacity: Capacity = FULL
    """How many sockets it may open."""


def unbound_config(options: UnboundOptions, port: int, directory: Path) -> str:
    """Return the text of unbound.conf, `server:` clause last and open."""
    lines = [
        # Through this the agent lets Unbound forget failures. Only who may enter the directory can
        # use it.
        "remote-control:",
        "  control-enable: yes",
        f'  control-interface: "{directory / CONTROL_SOCKET}"',
        "  control-use-cert: no",
        "server:",
        f'  directory: "{directory}"',
        '  pidfile: ""',
        '  chroot: ""',
        '  username: ""',
        "  use-syslog: no",
        "  verbosity: 0",
        "  num-threads: 1",
        *_FIXED,
        f"  incoming-num-tcp: {options.capacity.incoming_tcp}",
        f"  outgoing-range: {options.capacity.outgoing_udp}",
        f"  outgoing-num-tcp: {options.capacity.outgoing_tcp}",
        f"  port: {port}",
        f"  do-ip6: {'yes' if options.ipv6 else 'no'}",
        f'  trust-anchor-file: "{options.trust_anchor_file}"',
        # Every lookup sees the present state: records are kept only for a short time.
        f"  cache-max-ttl: {options.cache_max_ttl}",
        f"  cache-max-negative-ttl: {options.cache_max_negative_ttl}",
    ]
    return "\n".join([*lines, *_way_to_servers(options)]) + "\n"


def _way_to_servers(options: UnboundOptions) -> list[str]:
    """Return the lines that say which servers are asked, and from where."""
    # Unbound would answer for these itself, but only what the root says of them counts.
    lines = [f'  local-zone: "{name}." nodefault' for name in ANSWERED_LOCALLY]
    if options.root_hints_file is not None:
        lines.append(f'  root-hints: "{options.root_hints_file}"')
    if options.outgoing_address is not None:
        lines.append(f"  outgoing-interface: {options.outgoing_address}")
    if options.allow_special_purpose_servers:
        lines.append("  do-not-query-localhost: no")
    else:
        # They would lead the resolver into its own network. RFC 8659 section 6.3 allows to refuse
        # them.
        lines.extend(f"  do-not-query-address: {block}" for block in SPECIAL_PURPOSE)
    return lines
