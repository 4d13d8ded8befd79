"""The authenticated user of a request or a socket, with roles and scopes."""

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
"""The largest set of scopes of each role. A token may have fewer, never more."""

SCOPES = frozenset().union(*SCOPES_OF_ROLE.values())


@dataclass(frozen=True, slots=True)
class Principal:
    """The user of a valid token, as the database had it when the token was checked.

    Attributes:
        scopes: Empty while the user must change a one-time password.
        session_id: What a revocation names: the login session of an access token, or the `jti` of an API token.
        expires_at: Seconds since 1970.
        kind: "access" or "api".
        access_changed_at: When the user's rights last changed, as stored in the database; None if never. If the
            database has another value now, the principal is out of date. No clocks are compared.
        key_id: The `kid` of the key that signed the token.
        verified_at: When the user last entered the password or a code in this session (seconds since 1970). None for
            an API token.
    """

    user_id: str
    name: str
    role: str
    scopes: frozenset[str]
    session_id: str
    expires_at: float
    kind: str
    access_changed_at: float | None = None
    key_id: str = ""
    verified_at: float | None = None
