"""Who administers."""

from dataclasses import dataclass

from cloudchat.auth.principal import SCOPES, Principal


@dataclass(frozen=True, slots=True)
class Actor:
    """For the audit log, and for the rule that nobody gives away more than they hold. `id` is a user's, or `cli`."""

    id: str
    scopes: frozenset[str]
    address: str = ""


COMMAND_LINE = Actor("cli", SCOPES)
"""Whoever has a shell as the server's user: they hold the database and the keys themselves."""


def acting(principal: Principal, address: str) -> Actor:
    """Somebody who is signed in, from `address`."""
    return Actor(principal.user_id, principal.scopes, address)
