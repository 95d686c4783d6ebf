"""Which addresses this agent may reach, and from which of its own. Pure.

What a name leads to is decided by strangers. So no name leads this agent into its own network, nor
to an address that means something else in every place.
"""

import ipaddress
from dataclasses import dataclass

SPECIAL_PURPOSE = (
    # The IANA IPv4 Special-Purpose Address Registry (RFC 6890), whole.
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.31.196.0/24",
    "192.52.193.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "192.175.48.0/24",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "240.0.0.0/4",
    # Multicast (RFC 5771).
    "224.0.0.0/4",
    # All that IANA has not given out for global unicast, which is 2000::/3 alone. In this lie
    # IPv4 in every spelling (::/96, ::ffff:0:0/96, ::ffff:0:0:0/96, 64:ff9b::/96, 64:ff9b:1::/48),
    # 100::/64, 5f00::/16, unique-local, link-local, site-local and multicast addresses.
    "::/3",
    "4000::/2",
    "8000::/1",
    # The IANA IPv6 Special-Purpose Address Registry within 2000::/3. Teredo and 6to4 are IPv4 in
    # another spelling.
    "2001::/23",
    "2001:db8::/32",
    "2002::/16",
    "2620:4f:8000::/48",
    "3fff::/20",
)

_SPECIAL = tuple(map(ipaddress.ip_network, SPECIAL_PURPOSE))


@dataclass(frozen=True, slots=True)
class Egress:
    """How this agent reaches servers."""

    addresses: tuple[str, ...] = ()
    """The addresses that it reaches them from, at most one of each family; none: as the host
    routes."""
    ipv6: bool = True
    allow_special_purpose: bool = False
    """For labs: reach servers at loopback, private and documentation addresses."""

    def refuses(self, address: str) -> bool:
        """Whether an address is one that this agent reaches for nobody."""
        return not self.allow_special_purpose and is_special_purpose(address)

    def find_bar(self, address: str) -> str:
        """Say why a server may not or cannot be asked; "" when it can."""
        if self.refuses(address):
            return "a special-purpose address, which this agent does not ask"
        if ipaddress.ip_address(address).version == 6 and not self.ipv6:  # noqa: PLR2004 - IPv6
            return "this agent does not use IPv6"
        if self.addresses and self.source_for(address) is None:
            return f"this agent asks from {' and '.join(self.addresses)} alone"
        return ""

    def source_for(self, address: str) -> str | None:
        """Return the address to reach a server from; None: as the host routes."""
        version = ipaddress.ip_address(address).version
        of_family = [one for one in self.addresses if ipaddress.ip_address(one).version == version]
        return of_family[0] if of_family else None


def is_special_purpose(address: str) -> bool:
    """Whether an address, in any spelling of it as text, lies in a special-purpose block."""
    parsed = ipaddress.ip_address(address)
    # The list has IPv4 within IPv6 too, so that is not converted.
    return any(parsed in block for block in _SPECIAL)
