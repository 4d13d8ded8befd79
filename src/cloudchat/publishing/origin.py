"""Origins of the page and of the server, and whether a browser treats two of them as one site.

Sources: RFC 6454 (origin); RFC 6265bis §5.2 ("same-site").
"""

import ipaddress
import re
from dataclasses import dataclass
from typing import Self

# Only the characters that an origin needs: it is written into an HTML attribute and into a Content-Security-Policy,
# where quotes and blanks are syntax.
_ORIGIN = re.compile(r"(https?)://([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::([0-9]{1,5}))?/?")


class InvalidOrigin(ValueError):
    """The text is not an origin that a page can be configured with. The message shows a valid one."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port, as in `https://chat.example.com`."""

    scheme: str
    host: str
    port: str | None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse an origin; a final `/` is allowed. Raises InvalidOrigin."""
        found = _ORIGIN.fullmatch(text.strip().lower())
        if found is None:
            # An IPv6 address is a valid origin, but a Content-Security-Policy cannot contain one (CSP3 §2.3.1), so the
            # browser would block every call.
            raise InvalidOrigin(
                f"{text!r} is not an origin: write only scheme and host, as in https://chat.example.com"
            )
        return cls(*found.groups())

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}" + (f":{self.port}" if self.port else "")

    @property
    def websocket(self) -> str:
        """The same origin for WebSockets: `wss://…` for https, else `ws://…`."""
        return str(self).replace("http", "ws", 1)

    @property
    def is_unencrypted(self) -> bool:
        """Whether passwords would be sent to it unencrypted over a network."""
        return self.scheme == "http" and not _is_loopback(self.host)


def is_cross_site(page: Origin, api: Origin) -> bool:
    """Return whether the two are certainly different sites, so that a browser withholds a SameSite cookie.

    False is not a proof of the opposite: which suffixes are public ("co.uk") is in a list that changes every week and
    is not known here. Two names whose last two labels differ are never one site, independent of that list.
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


def _is_loopback(host: str) -> bool:
    if _is_address(host):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost" or host.endswith(".localhost")
