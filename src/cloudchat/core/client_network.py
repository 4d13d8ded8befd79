"""The part of a client's address that rate limits and connection limits count."""

import ipaddress
from functools import lru_cache

_CACHED_ADDRESSES = 4096
"""Parsing takes 10 µs each time, and every request and handshake needs it."""
IPV6_PREFIX_LENGTH = 64
"""The network of one subscriber. With limits per single address, one attacker would have 2⁶⁴ times the limit."""
IPV6_SUBSCRIBER_PREFIX_LENGTH = 48
SUBSCRIBER_FACTOR = 16
"""How many times the limit of a /64 the networks of a /48 have together."""


@lru_cache(_CACHED_ADDRESSES)
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


@lru_cache(_CACHED_ADDRESSES)
def subscriber_network(network: str) -> str | None:
    """Return the /48 that a `client_network` is in; None for IPv4 and for what is no address.

    Many providers give each subscriber a /48: with limits per /64 alone, one of them would have 65,536 times the limit.
    """
    try:
        parsed = ipaddress.ip_network(network)
    except ValueError:
        return None
    if not isinstance(parsed, ipaddress.IPv6Network):
        return None
    return str(parsed.supernet(new_prefix=IPV6_SUBSCRIBER_PREFIX_LENGTH))
