"""What can go wrong with accounts. Each message may be shown to the user; none repeats a secret."""


class AccountError(Exception):
    """Any of the below."""


class BadToken(AccountError):
    """The token is malformed, forged, expired, revoked or of a kind that is not accepted here."""


class BadCredentials(AccountError):
    """Unknown user or wrong password; which of both is not told (ASVS 6.3.8)."""


class SecondFactorRequired(AccountError):
    """The password is right, and the account has a second factor, which did not come with it."""


class BadSecondFactor(AccountError):
    """The password is right; the code is wrong, too old, or was used before."""


class TooManyAttempts(AccountError):
    """Too many failures; nothing was checked. `seconds` is when to come again."""

    def __init__(self, seconds: float) -> None:
        super().__init__("too many failed attempts; wait a little")
        self.seconds = seconds


class AccountDisabled(AccountError):
    """The credentials are right, but an administrator has disabled the account."""


class InvalidField(AccountError):
    """A username, a password or an invite that can't be accepted; `field` names it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class NameTaken(AccountError):
    """Somebody has that username already, perhaps in other upper and lower case; or the server keeps it for itself."""


class RegistrationRefused(AccountError):
    """Registration is closed, or needs a valid invite."""


class RefreshedJustNow(AccountError):
    """The refresh token was exchanged a moment ago, most likely by another tab; ask again with the newer one."""


class NotFound(AccountError):
    """The user, session or token named does not exist, or is not the caller's."""


class NotAllowed(AccountError):
    """The caller's own rights do not reach that far."""


class Conflict(AccountError):
    """What is asked for does not go with how things are; the message says what to do first, `field` may say where."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class PasswordHashingOverloaded(AccountError):
    """Too many passwords wait to be checked; try again in a second."""
