"""The JSON bodies of `/api/auth` and `/api/me`. Times are RFC 3339."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from cloudchat.auth import usernames
from cloudchat.auth.passwords import policy
from cloudchat.auth.principal import STEP_UP_SECONDS
from cloudchat.auth.results import SessionTokens
from cloudchat.http.models import EntryId, Instant, RequestModel, ResponseModel
from cloudchat.settings import RegistrationMode

# The rules for names and passwords are not part of the schema: `usernames` and `passwords.policy` have better messages.
Username = Annotated[
    str,
    Field(
        description=f"{usernames.MIN_CHARACTERS} to {usernames.MAX_CHARACTERS} letters, digits and marks of one "
        "script, dots, underscores and hyphens. Case and blanks around the name do not matter.",
        examples=["ann"],
        max_length=128,
        json_schema_extra={"minLength": usernames.MIN_CHARACTERS, "maxLength": usernames.MAX_CHARACTERS},
    ),
]
EnteredPassword = Annotated[
    str,
    # An empty field is a mistake of the form: it is refused before it counts as a failed check.
    Field(description="The user's password.", examples=["five purple kettles sing"], min_length=1, max_length=1024),
]
NewPassword = Annotated[
    str,
    Field(
        description=f"{policy.MIN_CHARACTERS} to {policy.MAX_CHARACTERS} characters that are not easy to guess. There "
        "are no other rules.",
        examples=["five purple kettles sing"],
        max_length=1024,
        json_schema_extra={"minLength": policy.MIN_CHARACTERS},
    ),
]
TotpCode = Annotated[
    str,
    Field(description="A code of the authenticator app, or a recovery code.", examples=["123456"], max_length=128),
]


_REFRESH_TOKEN = "gZ0vV3mB7yQ1sJ9tKcXe5uLwR2aHnD8f"  # noqa: S105 (an example)


class RegisterRequest(RequestModel):
    """A new account."""

    username: Username
    password: NewPassword
    invite: str | None = Field(
        None,
        description="Required where registration needs an invite.",
        max_length=256,
        examples=["wTfnLGqMGWzzHd6EqTUQ-Pm0cVnW4p2hYt8sRkXbJzA"],
    )


class LoginRequest(RequestModel):
    """A login with a password, and with a second factor if the account has one."""

    username: Username
    password: EnteredPassword
    totp: TotpCode | None = None
    refresh: Literal["cookie", "body"] = Field(
        "cookie",
        description="Where the response has the refresh token. Browsers use the cookie; other clients use the body.",
    )


class RefreshRequest(RequestModel):
    """The refresh token of a client without cookies. A browser sends `{}` and the cookie."""

    # Long enough for an access token sent by mistake: the response is then 401 as for any wrong token, and not 422.
    refresh_token: str | None = Field(
        None, description="Only without the cookie.", max_length=4096, examples=[_REFRESH_TOKEN]
    )


class PasswordRequest(RequestModel):
    """A new password for the current user."""

    current_password: EnteredPassword
    new_password: NewPassword


class ConfigResponse(ResponseModel):
    """What a client needs to know before anyone signs in."""

    registration: RegistrationMode = Field(description="Who can create an account.")


class StepUpRequest(RequestModel):
    """The password or a code of the second factor; with both, both must be right."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    password: EnteredPassword | SkipJsonSchema[None] = None
    totp: TotpCode | SkipJsonSchema[None] = None


class StepUpResponse(BaseModel):
    """The session can change credentials and roles now."""

    expires_in: int = Field(description="For how many seconds.", examples=[STEP_UP_SECONDS])


class UserResponse(ResponseModel):
    """A user."""

    id: EntryId
    name: str = Field(examples=["ann"])
    role: str = Field(description="`member`, `moderator` or `admin`.", examples=["member"])
    must_change_password: bool = Field(
        description="The password is a one-time password. Sessions have no scopes until it is changed.",
        examples=[False],
    )
    totp_enabled: bool = Field(description="A login needs a second factor.", examples=[False])


class ProfileResponse(UserResponse):
    """The user's own account."""

    must_set_up_totp: bool = Field(
        description="Sessions of this administrator lack the scope `admin` until a second factor is set up.",
        examples=[False],
    )


class RegisterResponse(BaseModel):
    """The new account. The next step is a login."""

    user: ProfileResponse


class SessionTokensResponse(BaseModel):
    """The tokens of a session. Keep the access token in memory, and refresh it before it expires."""

    access_token: str = Field(
        description="For the header `Authorization: Bearer`, and for the socket.", examples=["header.claims.signature"]
    )
    expires_in: int = Field(description="The lifetime of the access token in seconds.", examples=[600])
    user: ProfileResponse
    refresh_token: str | None = Field(
        None,
        description="Only if the client asked for it in the body. It can be exchanged once.",
        examples=[_REFRESH_TOKEN],
    )

    @classmethod
    def of(cls, tokens: SessionTokens, *, in_body: bool) -> "SessionTokensResponse":
        """Return the response. The refresh token is either in the body or in the cookie, never in both."""
        return cls(
            access_token=tokens.access_token,
            expires_in=tokens.expires_in,
            user=ProfileResponse.of(tokens.user),
            refresh_token=tokens.refresh_token if in_body else None,
        )


class MeResponse(ProfileResponse):
    """The current user, and the scopes of the request's token."""

    scopes: list[str] = Field(examples=[["chat:read", "chat:write"]])


class SessionResponse(ResponseModel):
    """One of the user's sessions."""

    id: EntryId
    client: str = Field(
        description="The User-Agent of the login.", examples=["Mozilla/5.0 (X11; Linux x86_64) Firefox/145.0"]
    )
    created_at: Instant
    last_used_at: Instant = Field(description="The last refresh.")
    expires_at: Instant = Field(description="Each refresh extends it, up to the session's absolute end.")
    current: bool = Field(description="Whether this request belongs to the session.", examples=[True])


class SessionsResponse(BaseModel):
    """The user's sessions, most recently used first."""

    sessions: list[SessionResponse]
