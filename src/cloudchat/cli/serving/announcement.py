"""What `serve` prints when it is open: an address where sign-in works, or what to set so that it works."""

import ipaddress
import socket

from cloudchat.cli.serving.listener import url_of
from cloudchat.core.origin import InvalidOrigin, Origin
from cloudchat.settings import Settings

_WILDCARDS = ("0.0.0.0", "::", "")


def address_to_open(settings: Settings) -> str:
    """Return the URL for a browser: of an allowed page if that leads to this listener, else of the listener."""
    listener = url_of(settings.host, settings.port)
    if _is_allowed(listener, settings):
        return listener
    return next(
        (origin for origin in settings.allowed_origins if _leads_here(Origin.parse(origin), settings)), listener
    )


def sign_in_advice(settings: Settings, url: str | None) -> str | None:
    """Return what an operator must know about sign-in at `url`; None if it works there. `url` is None on a socket."""
    if url is not None and _is_allowed(url, settings):
        return None
    if settings.origins:
        return f"Sign-in works only from pages at {', '.join(sorted(settings.origins))} (CLOUDCHAT_ALLOWED_ORIGINS)."
    example = "https://chat.example.com"
    if url is not None:
        example = url_of(_own_address() if settings.host in _WILDCARDS else settings.host, settings.port)
    return (
        "No page can sign in yet. Set the address that people open, and start again: "
        f"CLOUDCHAT_ALLOWED_ORIGINS={example}"
    )


def _is_allowed(url: str, settings: Settings) -> bool:
    try:
        return str(Origin.parse(url)) in settings.origins
    except InvalidOrigin:  # an address with a zone, which no browser accepts
        return False


def _leads_here(origin: Origin, settings: Settings) -> bool:
    if origin.scheme != "http" or (origin.port or 80) != settings.port:
        return False
    if settings.host in _WILDCARDS or origin.host == settings.host:
        return True
    return origin.is_loopback and settings.on_loopback and not _is_address(origin.host)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _own_address() -> str:
    """Return the address of this machine in its network. Connecting a UDP socket sends nothing."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(("192.0.2.1", 9))  # reserved for documentation (RFC 5737): only the route is looked up
            return str(probe.getsockname()[0])
    except OSError:
        return socket.gethostname()
