"""What can go wrong with accounts. Each message may be shown to the user; none repeats a secret."""

from cloudchat.protocol.errors import ErrorCode, ServiceError


class AccountError(ServiceError):
    """Any of the below."""


class BadToken(AccountError):
    """The token is malformed, forged, expired, revoked or of a kind that is not accepted here."""

    code = ErrorCode.UNAUTHENTICATED


class BadCredentials(AccountError):
    """Unknown user or wrong password; which of both is not told (ASVS 6.3.8)."""

    code = ErrorCode.UNAUTHENTICATED


class SecondFactorRequired(AccountError):
    """The password is right, and the account has a second factor, which did not come with it."""

    code = ErrorCode.SECOND_FACTOR_REQUIRED
    field = "totp"


class BadSecondFactor(AccountError):
    """The password is right; the code is wrong, too old, or was used before."""

    code = ErrorCode.UNAUTHENTICATED
    field = "totp"


class AccountDisabled(AccountError):
    """The credentials are right, but an administrator has disabled the account."""

    code = ErrorCode.FORBIDDEN


class InvalidField(AccountError):
    """A username, a password or an invite that can't be accepted; `field` names it."""

    status = 422

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class NameTaken(AccountError):
    """Somebody has that username already, perhaps in other upper and lower case; or the server keeps it for itself."""

    code = ErrorCode.CONFLICT
    field = "username"


class RegistrationRefused(AccountError):
    """Registration is closed, or needs a valid invite."""

    code = ErrorCode.FORBIDDEN


class RefreshedJustNow(AccountError):
    """The refresh token was exchanged a moment ago, most likely by another tab; ask again with the newer one."""

    code = ErrorCode.CONFLICT
    retry_after_ms = 500


class NotFound(AccountError):
    """The user, session or token named does not exist, or is not the caller's."""

    code = ErrorCode.NOT_FOUND


class NotAllowed(AccountError):
    """The caller's own rights do not reach that far."""

    code = ErrorCode.FORBIDDEN


class Conflict(AccountError):
    """What is asked for does not go with how things are; the message says what to do first, `field` may say where."""

    code = ErrorCode.CONFLICT

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class PasswordHashingOverloaded(AccountError):
    """Too many passwords wait to be checked; try again in a second."""

    code = ErrorCode.UNAVAILABLE
    retry_after_ms = 1000
