"""Whom a valid token speaks for."""

from dataclasses import dataclass

MEMBER = "member"
MODERATOR = "moderator"
ADMIN = "admin"

CHAT_READ = "chat:read"
CHAT_WRITE = "chat:write"
ADMINISTER = "admin"

SCOPES_OF_ROLE: dict[str, frozenset[str]] = {
    MEMBER: frozenset({CHAT_READ, CHAT_WRITE}),
    MODERATOR: frozenset({CHAT_READ, CHAT_WRITE}),
    ADMIN: frozenset({CHAT_READ, CHAT_WRITE, ADMINISTER}),
}
"""The most that a role may do; a token may hold less, never more."""

SCOPES = frozenset().union(*SCOPES_OF_ROLE.values())


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated user, as of one moment.

    `session_id` is what a revocation names: the login session of an access token, the token itself (its `jti`) of an
    API token. `expires_at` is in seconds since 1970. `kind` is "access" or "api". `scopes` is empty while the user
    must change the password. `rights_of` is when the user's rights had last changed (None: never), as the database said
    it: other rights are there as soon as it says something else. No clock decides that. `key_id` is the `kid` of the
    key that signed the token.
    """

    user_id: str
    name: str
    role: str
    scopes: frozenset[str]
    session_id: str
    expires_at: float
    kind: str
    rights_of: float | None = None
    key_id: str = ""
