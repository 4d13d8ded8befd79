"""The authenticated user of a request or a socket: role, scopes, and the last proof of who is at the keyboard."""

from msgspec import Struct

from cloudchat.auth.errors import StepUpRequired

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

STEP_UP_SECONDS = 300
"""How long a proof of the password or the second factor is enough for changes of credentials and roles."""


class Principal(Struct, frozen=True):
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

    @property
    def is_bot(self) -> bool:
        """Whether a program acts for the user: the token is an API token."""
        return self.kind == "api"


def demand_step_up(verified_at: float | None, now: float) -> None:
    """Check that the session proved the password or the second factor within `STEP_UP_SECONDS`. Raises StepUpRequired.

    `verified_at` is None for a session that an older version opened. See `step_up`.
    """
    if verified_at is None or not 0 <= now - verified_at < STEP_UP_SECONDS:
        raise StepUpRequired("enter your password or a code of your authenticator app again, then repeat the request")
