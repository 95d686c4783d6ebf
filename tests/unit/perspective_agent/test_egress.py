"""No special-purpose address is reached, in any spelling; other addresses are."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perspective_agent.egress import Egress, is_special_purpose

INSIDE = [
    # IPv4: the registry, first and last of what is most wanted.
    "0.0.0.1", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255",
    "127.0.0.1", "127.255.255.255", "169.254.0.1", "169.254.169.254", "172.16.0.0",
    "172.31.255.255", "192.0.0.1", "192.0.0.170", "192.0.2.1", "192.31.196.1", "192.52.193.1",
    "192.88.99.1", "192.168.0.0", "192.168.255.255", "192.175.48.1", "198.18.0.0",
    "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1",
    "255.255.255.255",
    # IPv4 in IPv6, in each spelling, in dotted and in hexadecimal form.
    "::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:8.8.8.8", "::127.0.0.1", "::7f00:1", "::8.8.8.8",
    "::ffff:0:127.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::808:808", "64:ff9b:1::a00:1",
    "2002:7f00:1::", "2002:a9fe:a9fe::1", "2001:0:7f00:1::", "2001::1",
    # The rest of IPv6.
    "::", "::1", "100::1", "100:0:0:1::1", "2001:2::1", "2001:20::1", "2001:1ff:ffff::",
    "2001:db8::1", "2620:4f:8000::1", "3fff::1", "3fff:fff::1", "5f00::1", "fc00::1",
    "fd00:ec2::254", "fe80::1", "fe80::1%1", "fec0::1", "ff02::1", "ff0e::1", "4000::1", "8000::1",
    "e000::1", "1fff:ffff::1",
]  # fmt: skip
OUTSIDE = [
    "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0",
    "126.255.255.255", "128.0.0.1", "169.253.255.255", "169.255.0.0", "172.15.255.255",
    "172.32.0.0", "192.0.1.0", "192.0.3.0", "192.167.255.255", "192.169.0.0", "198.17.255.255",
    "198.20.0.0", "198.51.99.255", "198.51.101.0", "203.0.112.255", "203.0.114.0",
    "223.255.255.255", "2001:200::1", "2001:db7:ffff::1", "2001:db9::1", "2003::1", "2a00::1",
    "2400:cb00::1", "2600::1", "2620:4f:7fff::1", "3ffe::1",
]  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
def test_h_12_a_special_purpose_address_is_refused(address: str) -> None:
    assert is_special_purpose(address)
    assert Egress().refuses(address)
    assert not Egress(allow_special_purpose=True).refuses(address)


@pytest.mark.parametrize("address", OUTSIDE)
def test_a_public_address_is_not(address: str) -> None:
    assert not is_special_purpose(address)
    assert not Egress().refuses(address)


@given(st.integers(0, 2**32 - 1))
def test_whatever_python_calls_private_is_special_purpose(number: int) -> None:
    address = ipaddress.IPv4Address(number)
    assert is_special_purpose(str(address)) or address.is_global or address.is_multicast


@given(st.integers(0, 2**128 - 1))
def test_only_global_unicast_is_public(number: int) -> None:
    address = ipaddress.IPv6Address(number)
    assert is_special_purpose(str(address)) or address in ipaddress.ip_network("2000::/3")


def test_the_address_that_connections_leave_from_is_of_the_same_family() -> None:
    both = Egress(("198.20.0.1", "2a00::2"))
    assert both.source_for("8.8.8.8") == "198.20.0.1"
    assert both.source_for("2600::1") == "2a00::2"
    assert both.find_bar("2600::1") == both.find_bar("8.8.8.8") == ""
    assert Egress().source_for("8.8.8.8") is None
    assert "asks from 198.20.0.1 alone" in Egress(("198.20.0.1",)).find_bar("2600::1")
