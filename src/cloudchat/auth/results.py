"""What the account services answer."""

from dataclasses import dataclass

from cloudchat.auth.principal import ADMIN
from cloudchat.database.models import User


@dataclass(frozen=True, slots=True)
class Profile:
    """A user as the user may see it."""

    id: str
    name: str
    role: str
    must_change_password: bool
    totp_enabled: bool
    must_set_up_totp: bool


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


def must_set_up_totp(user: User, *, admins_need_second_factor: bool) -> bool:
    """Whether an administrator may not administer until there is a second factor."""
    return admins_need_second_factor and user.role == ADMIN and user.totp_confirmed_at is None


def profile_of(user: User, *, admins_need_second_factor: bool) -> Profile:
    """The part of a row that its user may see."""
    return Profile(
        id=user.id,
        name=user.name,
        role=user.role,
        must_change_password=user.must_change_password,
        totp_enabled=user.totp_confirmed_at is not None,
        must_set_up_totp=must_set_up_totp(user, admins_need_second_factor=admins_need_second_factor),
    )
