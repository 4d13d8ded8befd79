"""Values of settings as people write them: quotes, lists, networks, rates. What is clear is normalised.

Docker's `--env-file` and some shells pass quotes on. A value that is silently ignored because of one is worse than a
value that is refused.
"""

import ipaddress
import re

_SEPARATORS = re.compile(r"[\s,;\"'`“”„‘’\ufeff\u200b]+")
_RATE = re.compile(r"0*([1-9][0-9]{0,8})(?:/|per)1?([a-z]+)", re.ASCII)
_UNITS = {
    name: unit
    for unit, names in {
        "second": "s sec secs second seconds",
        "minute": "m min mins minute minutes",
        "hour": "h hr hrs hour hours",
        "day": "d day days",
    }.items()
    for name in names.split()
}
_NETWORK_ADVICE = "write an address or a network such as 10.0.0.0/24"


def unquote(text: str) -> str:
    """Remove blanks around the value, and one pair of quotes that encloses it."""
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1].strip()
    return text


def split_list(text: str) -> list[str]:
    """Return the parts of a list. Commas, semicolons, blanks, line ends and quotes separate them."""
    return [part for part in _SEPARATORS.split(text) if part]


def parse_networks(text: str) -> tuple[str, ...]:
    """Return the addresses and networks of a list, each once. Raises ValueError with the right form."""
    return tuple(dict.fromkeys(_parse_network(part) for part in split_list(text)))


def normalize_rates(text: str, *, maximum: int) -> str:
    """Return rates as `5/minute;20/hour`. Raises ValueError with the right form.

    Strict, because the rate limiter would ignore a rate that it cannot parse, and limit nothing.
    """
    compact = re.sub(r"\s*(/|\bper\b)\s*", r"\1", text.strip().lower())
    rates = split_list(compact)
    found = [_RATE.fullmatch(rate) for rate in rates]
    if not found or any(rate is None or rate[2] not in _UNITS for rate in found) or (maximum == 1 and len(found) > 1):
        several = "" if maximum == 1 else ", or several as 5/minute;20/hour"
        raise ValueError(f"{text!r} is not a rate per second, minute, hour or day: write 60/minute{several}")
    if len(found) > maximum:
        raise ValueError(f"{text!r} has {len(found)} rates: write at most {maximum}")
    return ";".join(f"{rate[1]}/{_UNITS[rate[2]]}" for rate in found if rate is not None)


def _parse_network(text: str) -> str:
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        network = ipaddress.ip_network(bare)
    except ValueError:
        network = None
    if network is None or "%" in bare:  # an address with a zone is never equal to one without
        raise ValueError(f"{text!r} is not an address or a network: {_network_advice(bare)}")
    if network.prefixlen < network.max_prefixlen:
        return str(network)
    address = network.network_address
    return str((isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped) or address)


def _network_advice(text: str) -> str:
    if text.lower() == "localhost":
        return "write 127.0.0.1,::1"
    if text.lower().startswith("unix"):
        return "leave it out, a proxy on a unix socket is always trusted"
    address, slash, _ = text.partition("/")
    if slash:
        try:
            return f"write {address} for the address, or {ipaddress.ip_network(text, strict=False)} for the network"
        except ValueError:
            return _NETWORK_ADVICE
    without_port = re.fullmatch(r"(?:\[(.*)\]|([^:]*)):[0-9]+", text)
    try:
        return f"write {ipaddress.ip_address(without_port[1] or without_port[2])}" if without_port else _NETWORK_ADVICE
    except ValueError:
        return _NETWORK_ADVICE
