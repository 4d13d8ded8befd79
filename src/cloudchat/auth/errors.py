"""The errors of the account services. Each has its code; `protocol.errors` turns it into a response.

Every message may be shown to the user and never repeats a secret.
"""

from cloudchat.protocol.errors import ErrorCode, ServiceError

_UNPROCESSABLE = 422  # RFC 9110 §15.5.21: the body is well-formed JSON with an unacceptable value


class AccountError(ServiceError):
    """Base class of all errors below.

    Attributes:
        operator_hint: What to run next. Only the command line shows it: in a browser, a shell command is no help.
    """

    operator_hint: str = ""

    def __init__(self, message: str, *, operator_hint: str = "") -> None:
        super().__init__(message)
        self.operator_hint = operator_hint


class BadToken(AccountError):
    """The token is malformed, forged, expired, revoked, or of a kind that the route does not accept."""

    code = ErrorCode.UNAUTHENTICATED


class BadCredentials(AccountError):
    """The user is unknown or the password is wrong. The error does not say which (ASVS 6.3.8)."""

    code = ErrorCode.UNAUTHENTICATED


class SecondFactorRequired(AccountError):
    """The password is right, but the account has a second factor and the request has no code."""

    code = ErrorCode.SECOND_FACTOR_REQUIRED
    field = "totp"


class BadSecondFactor(AccountError):
    """The password is right; the code is wrong, expired or already used."""

    code = ErrorCode.UNAUTHENTICATED
    field = "totp"


class ReauthenticationFailed(AccountError):
    """A signed-in user entered a wrong password or code before a sensitive change. `field` names the wrong one.

    The status is 403: a browser treats a 401 as an expired access token, and would refresh and repeat the request.
    """

    code = ErrorCode.FORBIDDEN

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class AccountDisabled(AccountError):
    """The credentials are right, but an administrator has disabled the account."""

    code = ErrorCode.FORBIDDEN


class InvalidField(AccountError):
    """A value of the request is not acceptable. `field` names it."""

    code = ErrorCode.BAD_REQUEST
    status = _UNPROCESSABLE

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class NameTaken(AccountError):
    """The username belongs to another account, perhaps in another case, or is reserved."""

    code = ErrorCode.CONFLICT
    field = "username"


class RegistrationRefused(AccountError):
    """Registration is closed."""

    code = ErrorCode.FORBIDDEN


class InviteRefused(RegistrationRefused):
    """Registration requires an invite, and the request has none that is valid."""

    field = "invite"


class RefreshTokenSuperseded(AccountError):
    """The refresh token was exchanged a moment ago, most likely by another tab. Retry with the newer token."""

    code = ErrorCode.CONFLICT
    retry_after_ms = 500


class RefreshedTooOften(AccountError):
    """The session was refreshed far more often than a client needs. The refresh token stays valid."""

    code = ErrorCode.RATE_LIMITED
    retry_after_ms = 60_000


class NotFound(AccountError):
    """The user, session, token, invite or entry does not exist, or belongs to another user."""

    code = ErrorCode.NOT_FOUND


class PermissionDenied(AccountError):
    """The caller's scopes do not allow the action."""

    code = ErrorCode.FORBIDDEN


class StepUpRequired(AccountError):
    """The session has to prove the password or the second factor again before this change. See `auth.step_up`."""

    code = ErrorCode.STEP_UP_REQUIRED


class Conflict(AccountError):
    """The action does not fit the current state. The message says what to do first; `field` may name the reason."""

    code = ErrorCode.CONFLICT

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class PasswordHashingOverloaded(AccountError):
    """Too many passwords are waiting to be hashed. Retry in some seconds."""

    code = ErrorCode.UNAVAILABLE
    retry_after_ms = 5000
