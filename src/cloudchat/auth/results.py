"""The return values of the account services."""

from msgspec import Struct

from cloudchat.auth.principal import ADMIN
from cloudchat.database.tables.accounts import User


class UserProfile(Struct, frozen=True):
    """An account as its own user sees it."""

    id: str
    name: str
    role: str
    must_change_password: bool
    totp_enabled: bool
    must_set_up_totp: bool


class SessionTokens(Struct, frozen=True):
    """A session and its new tokens, from a login or a refresh. Lifetimes are seconds from now."""

    user: UserProfile
    session_id: str
    access_token: str
    expires_in: int
    refresh_token: str
    refresh_expires_in: int


class SessionSummary(Struct, frozen=True):
    """A session as its own user sees it. Times are seconds since 1970."""

    id: str
    client: str
    created_at: float
    last_used_at: float
    expires_at: float
    current: bool


def must_set_up_totp(role: str, *, has_second_factor: bool, admins_need_second_factor: bool) -> bool:
    """Return whether an administrator has no scope `admin` until a second factor is set up."""
    return admins_need_second_factor and role == ADMIN and not has_second_factor


def profile_of(user: User, *, admins_need_second_factor: bool) -> UserProfile:
    """Return the columns of `user` that the user may see."""
    has_second_factor = user.totp_confirmed_at is not None
    return UserProfile(
        id=user.id,
        name=user.name,
        role=user.role,
        must_change_password=user.must_change_password,
        totp_enabled=has_second_factor,
        must_set_up_totp=must_set_up_totp(
            user.role, has_second_factor=has_second_factor, admins_need_second_factor=admins_need_second_factor
        ),
    )
