"""What the account services answer."""

from dataclasses import dataclass

from cloudchat.database.models import User


@dataclass(frozen=True, slots=True)
class Profile:
    """A user as the user may see it."""

    id: str
    name: str
    role: str
    must_change_password: bool


@dataclass(frozen=True, slots=True)
class SignIn:
    """What a login or a refresh gives. The lives are in seconds from now."""

    user: Profile
    session_id: str
    access_token: str
    expires_in: int
    refresh_token: str
    refresh_expires_in: int


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """One of a user's sessions, for their own eyes. Times are seconds since 1970."""

    id: str
    client: str
    created_at: float
    last_used_at: float
    expires_at: float
    current: bool


def profile_of(user: User) -> Profile:
    """The part of a row that its user may see."""
    return Profile(user.id, user.name, user.role, user.must_change_password)
