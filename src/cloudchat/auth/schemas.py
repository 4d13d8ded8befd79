"""The account routes' JSON. Times are RFC 3339."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from cloudchat.auth.passwords.hashing import MIN_CHARACTERS
from cloudchat.auth.results import SignIn
from cloudchat.http.models import EntryId, Instant, RequestModel, ResponseModel

_USERNAME = "2 to 32 letters, digits, dots, underscores, hyphens."
_PASSWORD = "15 to 256 characters, no common ones; nothing else is demanded of it."  # noqa: S105 (a description)


# The length is checked by auth/passwords/hashing.py, whose words are better than a schema's.
NewPassword = Annotated[
    str,
    Field(
        description=_PASSWORD,
        examples=["five purple kettles sing"],
        max_length=1024,
        json_schema_extra={"minLength": MIN_CHARACTERS},
    ),
]


class RegisterRequest(RequestModel):
    """A new account."""

    username: str = Field(description=_USERNAME, examples=["ann"], max_length=128)
    password: NewPassword
    invite: str | None = Field(None, description="Where registration is by invite.", max_length=128)


class LoginRequest(RequestModel):
    """A login. `"refresh": "body"` is for programs: the refresh token comes in the answer, and no cookie is set."""

    username: str = Field(examples=["ann"], max_length=128)
    password: str = Field(examples=["five purple kettles sing"], max_length=1024)
    totp: str | None = Field(
        None, description="The second factor, where there is one: a code of the app, or a recovery code.", max_length=64
    )
    refresh: Literal["cookie", "body"] = "cookie"


class RefreshRequest(RequestModel):
    """Empty in a browser, whose cookie says it."""

    # An access token by mistake is a wrong token, as any other, and no wrong form.
    refresh_token: str | None = Field(None, max_length=4096)


class PasswordRequest(RequestModel):
    """A change of one's own password."""

    current_password: str = Field(max_length=1024)
    new_password: NewPassword


class UserAnswer(ResponseModel):
    """A user."""

    id: EntryId
    name: str = Field(examples=["ann"])
    role: str = Field(examples=["member"])
    must_change_password: bool = Field(description="Until it is changed, sessions of this user hold no scope.")
    totp_enabled: bool = Field(description="Whether a login needs a second factor.")
    must_set_up_totp: bool = Field(description="Until there is one, sessions of this administrator can't administer.")


class RegisterAnswer(BaseModel):
    """The new account. Log in next."""

    user: UserAnswer


class SignInAnswer(BaseModel):
    """A session: keep the access token in memory, and refresh it before it expires."""

    access_token: str = Field(description="For `Authorization: Bearer` and for the socket.")
    expires_in: int = Field(description="Seconds that the access token is good for.", examples=[600])
    user: UserAnswer
    refresh_token: str | None = Field(None, description='Only with `"refresh": "body"`; good for one exchange.')

    @classmethod
    def of(cls, sign_in: SignIn, *, in_body: bool) -> "SignInAnswer":
        """From the service's answer; the refresh token goes into the body or into the cookie, never both."""
        return cls(
            access_token=sign_in.access_token,
            expires_in=sign_in.expires_in,
            user=UserAnswer.of(sign_in.user),
            refresh_token=sign_in.refresh_token if in_body else None,
        )


class MeAnswer(UserAnswer):
    """Oneself, and what the token of this request may do."""

    scopes: list[str] = Field(examples=[["chat:read", "chat:write"]])


class SessionAnswer(ResponseModel):
    """One of one's own sessions."""

    id: EntryId
    client: str = Field(description="What the device called itself.")
    created_at: Instant
    last_used_at: Instant
    expires_at: Instant = Field(description="Unless it is used before.")
    current: bool = Field(description="Whether it is this request's.")


class SessionsAnswer(BaseModel):
    """One's own sessions, the newest use first."""

    sessions: list[SessionAnswer]
