"""Origins of the page and of the server, and whether a browser treats two of them as one site.

Sources: RFC 6454 (origin); RFC 6265bis §5.2 ("same-site").
"""

import ipaddress

from cloudchat.core.origin import InvalidOrigin, Origin


def parse_published_origin(text: str) -> Origin:
    """Parse the origin of a page or of the server that it uses. Raises InvalidOrigin, also for an IPv6 address.

    A Content-Security-Policy cannot contain an IPv6 address (CSP3 §2.3.1), so the browser would block every call.
    """
    origin = Origin.parse(text)
    if ":" in origin.host:
        raise InvalidOrigin(f"{text!r} is an IPv6 address, which a page cannot use: write a name")
    return origin


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
