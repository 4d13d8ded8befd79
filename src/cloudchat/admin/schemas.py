"""The administrators' JSON. Times are RFC 3339."""

from typing import Literal

from pydantic import Field

from cloudchat.http.models import EntryId, Instant, RequestModel, ResponseModel, WholeNumber

Role = Literal["member", "moderator", "admin"]
Scope = Literal["chat:read", "chat:write", "admin"]
_ONCE = "Shown now and never again."


class UserRequest(RequestModel):
    """A new account."""

    username: str = Field(examples=["ann"], max_length=128)
    role: Role = Field(examples=["member"])


class UserChange(RequestModel):
    """What is to be changed."""

    role: Role | None = None
    disabled: bool | None = None


class TokenRequest(RequestModel):
    """A new API token: its user, what it may do, and for how long."""

    user: str = Field(description="A username.", examples=["ann"], max_length=128)
    scopes: list[Scope] = Field(examples=[["chat:read", "chat:write"]], min_length=1, max_length=3)
    ttl_seconds: WholeNumber = Field(examples=[86400], ge=1, le=366 * 86400)
    label: str = Field("", description="What it is for.", max_length=100)


class InviteRequest(RequestModel):
    """A new invite."""

    ttl_seconds: WholeNumber = Field(7 * 86400, ge=1, le=90 * 86400)


class UserAnswer(ResponseModel):
    """An account."""

    id: EntryId
    name: str = Field(examples=["ann"])
    role: str = Field(examples=["member"])
    disabled: bool
    must_change_password: bool
    totp_enabled: bool
    created_at: Instant


class UsersAnswer(ResponseModel):
    """A page of accounts, the oldest first."""

    users: list[UserAnswer]
    next: EntryId | None = Field(description="`after` of the next page.")


class OneTimePasswordAnswer(ResponseModel):
    """Opens nothing but the change of it."""

    one_time_password: str = Field(description=_ONCE, examples=["abcde-fghij-kmnpq-rstuv"])


class NewUserAnswer(OneTimePasswordAnswer):
    """The new account, and its first password."""

    user: UserAnswer


class UserRef(ResponseModel):
    """A user, in short."""

    id: EntryId
    name: str = Field(examples=["ann"])


class TokenAnswer(ResponseModel):
    """An API token, without the token."""

    id: EntryId
    user: UserRef
    scopes: list[str] = Field(examples=[["chat:read"]])
    label: str
    created_at: Instant
    expires_at: Instant
    last_used_at: Instant | None = Field(description="Right to the hour.")
    revoked_at: Instant | None


class TokensAnswer(ResponseModel):
    """Every API token, the newest first."""

    tokens: list[TokenAnswer]


class NewTokenAnswer(ResponseModel):
    """A new API token."""

    token: str = Field(description=_ONCE)
    id: EntryId
    expires_at: Instant


class InviteAnswer(ResponseModel):
    """An invite, without its secret."""

    id: EntryId
    created_at: Instant
    expires_at: Instant
    used_at: Instant | None
    used_by: str | None = Field(description="A username.")


class InvitesAnswer(ResponseModel):
    """Every invite, the newest first."""

    invites: list[InviteAnswer]


class NewInviteAnswer(ResponseModel):
    """A new invite."""

    invite: str = Field(description=_ONCE)
    id: EntryId
    expires_at: Instant


class AuditEntryAnswer(ResponseModel):
    """Who did what, on whom, when, from where, and whether it was done."""

    id: EntryId
    at: Instant
    actor: str = Field(description="A user's id, `cli` or `server`.")
    actor_name: str | None
    action: str = Field(examples=["user.disable"])
    target: str = Field(description="The id of a user, a session, a token or an invite, or nothing.")
    target_name: str | None = Field(description="A user's, what a session's device called itself, or a token's label.")
    address: str
    result: str = Field(examples=["done"])
    detail: str


class AuditAnswer(ResponseModel):
    """A page of the audit log, the newest first."""

    entries: list[AuditEntryAnswer]
    next: EntryId | None = Field(description="`before` of the next page.")
