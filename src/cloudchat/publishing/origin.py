"""Origins of page and API, and whether a browser takes both for one site (RFC 6454; RFC 6265bis §5.2, "same-site")."""

import ipaddress
import re
from dataclasses import dataclass
from typing import Self

# Nothing but what an origin needs: it lands in an HTML attribute and in a policy, where quotes and blanks are syntax.
_ORIGIN = re.compile(r"(https?)://([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::([0-9]{1,5}))?/?")


class NoOrigin(ValueError):
    """The text names no origin that a page can be told; the message says what would."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port of a page or a server, as `https://chat.example.com`."""

    scheme: str
    host: str
    port: str | None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an origin; a closing `/` is forgiven. Raises NoOrigin."""
        found = _ORIGIN.fullmatch(text.strip().lower())
        if found is None:
            # An IPv6 address is an origin, too, but a policy can't name one (CSP3 §2.3.1): every call would be refused.
            raise NoOrigin(f"{text!r} is no origin: write scheme and host alone, as https://chat.example.com")
        return cls(*found.groups())

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}" + (f":{self.port}" if self.port else "")

    @property
    def socket(self) -> str:
        """The same place for WebSockets: `wss://…` for https, else `ws://…`."""
        return str(self).replace("http", "ws", 1)

    @property
    def readable_on_the_way(self) -> bool:
        """Whether passwords would travel to it in the clear."""
        return self.scheme == "http" and not _on_this_machine(self.host)


def surely_other_sites(page: Origin, api: Origin) -> bool:
    """Whether a browser surely takes the two for different sites, and withholds a SameSite cookie.

    False is no proof: which endings are public ("co.uk") is in a list that changes weekly, and not known here. Two
    names with different last two labels are never one site, whatever it says.
    """
    if page.scheme != api.scheme:  # "schemeful same-site"
        return True
    if page.host == api.host:
        return False
    if _is_address(page.host) or _is_address(api.host):
        return True
    return page.host.split(".")[-2:] != api.host.split(".")[-2:]


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _on_this_machine(host: str) -> bool:
    if _is_address(host):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost" or host.endswith(".localhost")
