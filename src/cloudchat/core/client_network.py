"""Who counts as one client: what a subscriber holds, not what an attacker can make up."""

import ipaddress

IPV6_PREFIX = 64
"""What one subscriber gets; counted by single addresses, one attacker would have 2⁶⁴ allowances."""


def client_network(address: str) -> str:
    """An IPv4 address as it is, an IPv6 address as its /64, anything else (a unix socket's peer) as it is."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address or "local"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is None:
            return str(ipaddress.ip_network((parsed, IPV6_PREFIX), strict=False))
        parsed = parsed.ipv4_mapped
    return str(parsed)
