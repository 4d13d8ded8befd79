"""The rules for new passwords, from NIST SP 800-63B-4: length and a blocklist; no composition rules, no expiry.

`blocklist` is loaded with the first new password.
"""

import contextlib
import unicodedata

from cloudchat.auth.errors import InvalidField
from cloudchat.auth.tokens.opaque_tokens import typeable_secret

MIN_CHARACTERS = 15
MAX_CHARACTERS = 256

_ONE_TIME_PASSWORD_GROUPS = 4


def normalise(password: str) -> str:
    """Return the password in NFKC: another keyboard may type it in another form (NIST SP 800-63B-4 §3.1.1.2).

    Raises:
        InvalidField: The password is far too long to normalise, or has lone surrogates.
    """
    if len(password) > 4 * MAX_CHARACTERS:
        raise InvalidField("password", f"a password must have at most {MAX_CHARACTERS} characters")
    if any("\ud800" <= character <= "\udfff" for character in password):
        raise InvalidField("password", "a password must not contain lone surrogates")
    return unicodedata.normalize("NFKC", password)


def validate_characters(password: str) -> str:
    """Check the length and the characters of a new password, and return it normalised. Raises InvalidField."""
    normalised = normalise(password)
    # Both forms count for the minimum: in NFKC, one character may become eighteen.
    if min(len(password), len(normalised)) < MIN_CHARACTERS or len(normalised) > MAX_CHARACTERS:
        raise InvalidField("password", f"a password must have {MIN_CHARACTERS} to {MAX_CHARACTERS} characters")
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in normalised):
        raise InvalidField("password", "a password must not contain control characters")
    return normalised


def validate_strength(password: str, username: str) -> None:
    """Check a new password against the blocklist. Takes milliseconds of CPU time. Raises InvalidField."""
    # Its tables take 12 MiB, and 20 ms to load. Most processes never see a new password.
    from cloudchat.auth.passwords.blocklist import is_guessable

    if is_guessable(password, username):
        advice = "a few unrelated words are better, and a repeated word counts once"
        raise InvalidField("password", f"this password is too easy to guess; {advice}")


def same_password(one: str, other: str) -> bool:
    """Return whether both are equal after normalisation. Raises InvalidField."""
    return normalise(one) == normalise(other)


def new_one_time_password() -> str:
    """Return a random password of 100 bits that this policy accepts. The user must change it at the first login."""
    while True:
        password = typeable_secret(_ONE_TIME_PASSWORD_GROUPS)
        # One of 700 has groups that are mostly digits at their ends, which do not count: the first start failed then.
        with contextlib.suppress(InvalidField):
            validate_strength(password, username="")
            return password
