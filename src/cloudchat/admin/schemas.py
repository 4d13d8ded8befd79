"""The administrators' JSON. Times are RFC 3339."""

from typing import Literal

from pydantic import BaseModel, Field

from cloudchat.admin.audit_repository import AuditSummary
from cloudchat.admin.invite_repository import InviteSummary
from cloudchat.admin.token_repository import TokenSummary
from cloudchat.admin.user_repository import UserSummary
from cloudchat.core.clock import rfc3339
from cloudchat.http.json_body import JsonBody, WholeNumber

Role = Literal["member", "moderator", "admin"]
Scope = Literal["chat:read", "chat:write", "admin"]
_ID = "q_axJiJBBhCsk1eqY2Fzxg"
_TIME = "2026-11-22T19:32:48.123Z"
_ONCE = "Shown now and never again."


class UserRequest(JsonBody):
    """A new account."""

    username: str = Field(examples=["ann"], max_length=128)
    role: Role = Field(examples=["member"])


class UserChange(JsonBody):
    """What is to be changed."""

    role: Role | None = None
    disabled: bool | None = None


class TokenRequest(JsonBody):
    """A new API token: its user, what it may do, and for how long."""

    user: str = Field(description="A username.", examples=["ann"], max_length=128)
    scopes: list[Scope] = Field(examples=[["chat:read", "chat:write"]], min_length=1, max_length=3)
    ttl_seconds: WholeNumber = Field(examples=[86400], ge=1, le=366 * 86400)
    label: str = Field("", description="What it is for.", max_length=100)


class InviteRequest(JsonBody):
    """A new invite."""

    ttl_seconds: WholeNumber = Field(7 * 86400, ge=1, le=90 * 86400)


class UserAnswer(BaseModel):
    """An account."""

    id: str = Field(examples=[_ID])
    name: str = Field(examples=["ann"])
    role: str = Field(examples=["member"])
    disabled: bool
    must_change_password: bool
    totp_enabled: bool
    created_at: str = Field(examples=[_TIME])

    @classmethod
    def of(cls, user: UserSummary) -> "UserAnswer":
        """From the service's answer."""
        return cls(
            id=user.id,
            name=user.name,
            role=user.role,
            disabled=user.disabled,
            must_change_password=user.must_change_password,
            totp_enabled=user.totp_enabled,
            created_at=rfc3339(user.created_at),
        )


class UsersAnswer(BaseModel):
    """A page of accounts, the oldest first."""

    users: list[UserAnswer]
    next: str | None = Field(description="`after` of the next page.", examples=[_ID])


class OneTimePasswordAnswer(BaseModel):
    """Opens nothing but the change of it."""

    one_time_password: str = Field(description=_ONCE, examples=["abcde-fghij-kmnpq-rstuv"])


class NewUserAnswer(OneTimePasswordAnswer):
    """The new account, and its first password."""

    user: UserAnswer


class UserRef(BaseModel):
    """A user, in short."""

    id: str = Field(examples=[_ID])
    name: str = Field(examples=["ann"])


class TokenAnswer(BaseModel):
    """An API token, without the token."""

    id: str = Field(examples=[_ID])
    user: UserRef
    scopes: list[str] = Field(examples=[["chat:read"]])
    label: str
    created_at: str = Field(examples=[_TIME])
    expires_at: str = Field(examples=[_TIME])
    last_used_at: str | None = Field(description="Right to the hour.")
    revoked_at: str | None

    @classmethod
    def of(cls, token: TokenSummary) -> "TokenAnswer":
        """From the service's answer."""
        return cls(
            id=token.id,
            user=UserRef(id=token.user_id, name=token.username),
            scopes=token.scopes.split(),
            label=token.label,
            created_at=rfc3339(token.created_at),
            expires_at=rfc3339(token.expires_at),
            last_used_at=_time(token.last_used_at),
            revoked_at=_time(token.revoked_at),
        )


class TokensAnswer(BaseModel):
    """Every API token, the newest first."""

    tokens: list[TokenAnswer]


class NewTokenAnswer(BaseModel):
    """A new API token."""

    token: str = Field(description=_ONCE)
    id: str = Field(examples=[_ID])
    expires_at: str = Field(examples=[_TIME])


class InviteAnswer(BaseModel):
    """An invite, without its secret."""

    id: str = Field(examples=[_ID])
    created_at: str = Field(examples=[_TIME])
    expires_at: str = Field(examples=[_TIME])
    used_at: str | None
    used_by: str | None = Field(description="A username.")

    @classmethod
    def of(cls, invite: InviteSummary) -> "InviteAnswer":
        """From the service's answer."""
        return cls(
            id=invite.id,
            created_at=rfc3339(invite.created_at),
            expires_at=rfc3339(invite.expires_at),
            used_at=_time(invite.used_at),
            used_by=invite.used_by,
        )


class InvitesAnswer(BaseModel):
    """Every invite, the newest first."""

    invites: list[InviteAnswer]


class NewInviteAnswer(BaseModel):
    """A new invite."""

    invite: str = Field(description=_ONCE)
    id: str = Field(examples=[_ID])
    expires_at: str = Field(examples=[_TIME])


class AuditEntryAnswer(BaseModel):
    """Who did what, on whom, when, from where, and whether it was done."""

    id: str = Field(examples=[_ID])
    at: str = Field(examples=[_TIME])
    actor: str = Field(description="A user's id, `cli` or `server`.")
    actor_name: str | None
    action: str = Field(examples=["user.disable"])
    target: str = Field(description="The id of a user, a session, a token or an invite, or nothing.")
    target_name: str | None = Field(description="A user's, what a session's device called itself, or a token's label.")
    address: str
    result: str = Field(examples=["done"])
    detail: str

    @classmethod
    def of(cls, entry: AuditSummary) -> "AuditEntryAnswer":
        """From the service's answer."""
        return cls(
            id=entry.id,
            at=rfc3339(entry.at),
            actor=entry.actor,
            actor_name=entry.actor_name,
            action=entry.action,
            target=entry.target,
            target_name=entry.target_name,
            address=entry.address,
            result=entry.result,
            detail=entry.detail,
        )


class AuditAnswer(BaseModel):
    """A page of the audit log, the newest first."""

    entries: list[AuditEntryAnswer]
    next: str | None = Field(description="`before` of the next page.", examples=[_ID])


def _time(instant: float | None) -> str | None:
    return None if instant is None else rfc3339(instant)
