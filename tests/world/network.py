"""The private network, and its hijacks: who answers whom, changed while everything runs.

A hijack seen from one perspective is a destination NAT on its DNS packets. NAT decides at the
first packet of a flow and conntrack remembers it, so every change makes the kernel forget its
flows: TCP connections that a resolver keeps open are then reset instead of leading on to the
server of before.
"""

import ctypes
import os
import socket
import struct
import subprocess
from collections.abc import Iterable

from tests.world.process import WorldError

ROOT = "198.51.100.4"
TLD = "192.0.2.53"
AUTHORITATIVE = "203.0.113.53"
LIAR = "203.0.113.66"
HOSTILE = "203.0.113.67"
HEAVY = "203.0.113.68"  # hostile too, and so costly that it has a process of its own
WEB, WEB6 = "203.0.113.100", "2001:db8:113::100"
SITES, SITES6 = "203.0.113.101", "2001:db8:113::101"
LIARS_WEB, LIARS_WEB6 = "203.0.113.166", "2001:db8:113::166"
NOBODY = "203.0.113.99"  # exists, but nothing listens there
# The same servers through a relay that is far away (see `tests.world.delay`).
FAR = {ROOT: "203.0.113.104", TLD: "203.0.113.105", AUTHORITATIVE: "203.0.113.106"}
WEB_SERVERS = (WEB, WEB6, SITES, SITES6, LIARS_WEB, LIARS_WEB6)
SERVERS = (ROOT, TLD, AUTHORITATIVE, LIAR, HOSTILE, HEAVY, NOBODY, *WEB_SERVERS, *FAR.values())

PERSPECTIVES = 11

_CLONE_NEWNET = 0x40000000  # linux/sched.h; Python has a name for it from 3.12 on
_NETLINK_NETFILTER = 12  # linux/netlink.h; Python has no name for it

# Dropped on arrival: a drop on departure would tell the sender (EPERM), which no network does.
_RULES = """
table ip world
delete table ip world
table ip world {
  map answered_by { type ipv4_addr . ipv4_addr : ipv4_addr; }
  map web_of { type ipv4_addr . ipv4_addr : ipv4_addr; }
  set black_holes { type ipv4_addr . ipv4_addr; }
  set without_tcp { type ipv4_addr; }
  chain divert {
    type nat hook output priority -100;
    udp dport 53 dnat to ip saddr . ip daddr map @answered_by
    tcp dport 53 dnat to ip saddr . ip daddr map @answered_by
    tcp dport { 80, 443 } dnat to ip saddr . ip daddr map @web_of
  }
  chain swallow {
    type filter hook prerouting priority -300;
    ip saddr . ip daddr @black_holes drop
  }
  chain refuse {
    type filter hook output priority 0;
    ip saddr @without_tcp tcp dport 53 reject with tcp reset
  }
}
table ip6 world
delete table ip6 world
table ip6 world {
  map web_of { type ipv6_addr . ipv6_addr : ipv6_addr; }
  chain divert {
    type nat hook output priority -100;
    tcp dport { 80, 443 } dnat to ip6 saddr . ip6 daddr map @web_of
  }
}
"""


def perspective_address(number: int) -> str:
    """Return the address that perspective `number` sends from; 0 is the primary."""
    return f"198.18.{number}.10"


def perspective_address6(number: int) -> str:
    """Return the IPv6 address that it opens connections from."""
    return f"2001:db8:18:{number}::10"


def require_private_network() -> None:
    """Raise WorldError where there is a network to disturb or to be disturbed by."""
    others = sorted(name for _, name in socket.if_nameindex() if name != "lo")
    if others:
        raise WorldError(
            f"this network has interfaces ({', '.join(others)}): the test Internet only runs in a"
            " network of its own. Put `unshare --net --` before the command"
        )


def enter_own() -> None:
    """Leave for a new network, with `lo` alone; so do all processes started from this thread."""
    if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNET):
        raise WorldError(f"no network of its own: {os.strerror(ctypes.get_errno())}")
    _run("ip", "link", "set", "lo", "up", text="")


def bring_up(addresses: Iterable[str]) -> None:
    """Give `lo` the addresses, without any hijack."""
    require_private_network()
    lines = ["link set lo up", *map(_address_line, addresses)]
    _run("ip", "-batch", "-", text="\n".join(lines) + "\n")
    _run("nft", "-f", "-", text=_RULES)


def divert(source: str, victim: str, liar: str) -> None:
    """Let `liar` answer what `source` asks of `victim` (DNS over UDP and TCP), from now on."""
    restore(source, victim)
    _change(f"add element ip world answered_by {{ {source} . {victim} : {liar} }}")


def restore(source: str, victim: str) -> None:
    """Let `source` reach `victim` again; nothing happens if it does already."""
    _change(f"delete element ip world answered_by {{ {source} . {victim} }}", absent_is_fine=True)


def divert_web(source: str, victim: str, liar: str) -> None:
    """Let `liar` answer what `source` asks of the web server `victim`: a hijack of its route."""
    _change(f"add element {_family(source)} world web_of {{ {source} . {victim} : {liar} }}")


def restore_all() -> None:
    """End all diversions."""
    maps = ("ip world answered_by", "ip world web_of", "ip6 world web_of")
    _change("; ".join(f"flush map {one}" for one in maps))


def black_hole(source: str, victim: str) -> None:
    """Lose every packet from `source` to `victim`, without a word."""
    _change(f"add element ip world black_holes {{ {source} . {victim} }}")


def cut_off(address: str) -> None:
    """Lose every packet to and from what listens on an address of its own."""
    # On this host, a packet to an address of its own comes from that address too.
    black_hole(address, address)


def refuse_tcp(source: str) -> None:
    """Reset every connection of `source` to a DNS server, as a firewall on its way out would."""
    _change(f"add element ip world without_tcp {{ {source} }}")


def heal() -> None:
    """Lose no packets any more, and reset no connections."""
    _change("flush set ip world black_holes; flush set ip world without_tcp")


def _address_line(address: str) -> str:
    if _family(address) == "ip":
        return f"address replace {address}/32 dev lo"
    return f"address replace {address}/128 dev lo nodad"


def _family(address: str) -> str:
    return "ip6" if ":" in address else "ip"


def _change(rules: str, *, absent_is_fine: bool = False) -> None:
    require_private_network()
    try:
        _run("nft", "-f", "-", text=rules)
    except WorldError as error:
        if not (absent_is_fine and "No such file or directory" in str(error)):
            raise
    _forget_flows()


def _forget_flows() -> None:
    """Empty the connection tracking table of this network (ctnetlink, without an address)."""
    delete, request_ack, nfgenmsg = 1 << 8 | 2, 1 | 4, struct.pack("=BBH", 0, 0, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER) as kernel:
        kernel.send(struct.pack("=IHHII", 20, delete, request_ack, 1, 0) + nfgenmsg)
        (error,) = struct.unpack_from("=i", kernel.recv(4096), 16)
    if error:
        raise WorldError(f"the kernel keeps its connection tracking table (error {-error})")


def _run(*command: str, text: str) -> None:
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise WorldError(f"{' '.join(command)}: {done.stderr.strip()} (root in a private network?)")
