"""The part of a client's address that rate limits and connection limits count."""

import ipaddress

IPV6_PREFIX_LENGTH = 64
"""The network of one subscriber. With limits per single address, one attacker would have 2⁶⁴ times the limit."""


def client_network(address: str) -> str:
    """Return an IPv4 address as it is and an IPv6 address as its /64.

    An IPv4-mapped IPv6 address counts as the IPv4 address. The peer of a Unix socket, which has no address, is `local`;
    any other text is returned unchanged.
    """
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address or "local"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is None:
            return str(ipaddress.ip_network((parsed, IPV6_PREFIX_LENGTH), strict=False))
        parsed = parsed.ipv4_mapped
    return str(parsed)
