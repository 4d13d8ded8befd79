"""The rules for new passwords, from NIST SP 800-63B-4: length and a blocklist; no composition rules, no expiry.

The blocklist comes with the package `zxcvbn`.
"""

import threading
import unicodedata

from zxcvbn import zxcvbn  # type: ignore[import-untyped]
from zxcvbn.matching import L33T_TABLE  # type: ignore[import-untyped]

from cloudchat.auth.errors import InvalidField
from cloudchat.auth.tokens.opaque_tokens import typeable_secret

MIN_CHARACTERS = 15
MAX_CHARACTERS = 256

_ONE_TIME_PASSWORD_GROUPS = 4

_CONTEXT_WORDS = ("cloudchat", "chat")
# Only a prefix is checked; the rest can only make a password harder to guess. The cost of zxcvbn grows with the square
# of the length, and doubles with each distinct character that may stand for a letter: 64 characters with 20 such
# characters take seconds.
_MAX_CHECKED_CHARACTERS = 64
_MAX_CHECKED_CHARACTERS_IF_MANY_SUBSTITUTIONS = 20
_MAX_SUBSTITUTIONS = 8
# zxcvbn's own table, because the cost depends on the characters that zxcvbn treats as substitutions.
_SUBSTITUTIONS = {character for characters in L33T_TABLE.values() for character in characters}
_MIN_SCORE = 2  # scores 0 and 1 are within 10⁶ guesses, which an attacker can try online
_zxcvbn_lock = threading.Lock()  # zxcvbn stores the context words of a call in a global variable


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
    if is_guessable(password, username):
        raise InvalidField("password", "this password is too easy to guess; a few unrelated words are better")


def is_guessable(password: str, username: str) -> bool:
    """Return whether the password is mostly common words, keyboard rows, repetitions, or the user's own name."""
    checked = password[:_MAX_CHECKED_CHARACTERS]
    if len(_SUBSTITUTIONS.intersection(checked)) > _MAX_SUBSTITUTIONS:
        checked = checked[:_MAX_CHECKED_CHARACTERS_IF_MANY_SUBSTITUTIONS]
    with _zxcvbn_lock:
        result = zxcvbn(checked, user_inputs=[username, *_CONTEXT_WORDS])
    return int(result["score"]) < _MIN_SCORE


def same_password(one: str, other: str) -> bool:
    """Return whether both are equal after normalisation. Raises InvalidField."""
    return normalise(one) == normalise(other)


def new_one_time_password() -> str:
    """Return a random password of 100 bits, long enough for this policy. The user must change it at the first login."""
    return typeable_secret(_ONE_TIME_PASSWORD_GROUPS)
