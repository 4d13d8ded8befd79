"""`index.html` for a host that can set no header: the page itself says what it may load, and whom it may talk to."""

import re
from collections.abc import Collection

from cloudchat.publishing.origin import Origin

_POLICY = re.compile(r'(<meta\s+http-equiv="Content-Security-Policy"\s+content=")([^"]*)(")')
_REFERENCE = re.compile(r'\b(href|src)="([^"]*)"')


class PageError(Exception):
    """The page is not as it was when it was written; the message names what is missing."""


def hosted_page(html: str, files: Collection[str], folder: str, api: Origin | None) -> str:
    """The page with its `files` taken from `folder`, and with `api` as the only other place that it may talk to.

    Without `api` its policy stays. Raises PageError.
    """
    if api is not None:
        html = _with_policy(html, api)

    def moved(reference: re.Match[str]) -> str:
        attribute, path = reference.groups()
        return f'{attribute}="{folder}/{path}"' if path in files else reference[0]

    return _REFERENCE.sub(moved, html)


def _with_policy(html: str, api: Origin) -> str:
    policies = _POLICY.findall(html)
    if len(policies) != 1:
        raise PageError(f"index.html has {len(policies)} Content-Security-Policies, it should have one")
    directives = [directive.strip() for directive in policies[0][1].split(";")]
    kept = [directive for directive in directives if directive and not directive.startswith("connect-src ")]
    # The rest is as narrow as it can be. A script that got in could reach one server, and no collector of secrets.
    policy = "; ".join([*kept, f"connect-src 'self' {api} {api.socket}"])
    return _POLICY.sub(lambda meta: f"{meta[1]}{policy}{meta[3]}", html)
