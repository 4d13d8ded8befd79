"""Random strings as credentials. The database has only their hashes.

Refresh tokens and invites are long and only ever copied; one-time passwords and recovery codes can also be typed. All
refresh tokens of a session begin alike: by this family, a token is known to be an old one of the session after its row
was deleted.
"""

import hashlib
import re
import secrets
import unicodedata

from cloudchat.core.invisible import remove_blank

_TOKEN_PATTERN = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_FAMILY_CHARACTERS = 21  # 126 random bits; the other 22 characters are 132, new in each token
_TYPEABLE = "abcdefghijkmnpqrstuvwxyz23456789"  # 32 characters, 5 bits each, without those that look alike
_GROUP_CHARACTERS = 5


def new_token() -> tuple[str, str]:
    """Return 256 random bits as 43 URL-safe characters, and the hash to store."""
    token = secrets.token_urlsafe(32)
    return token, _hash(token)


def new_refresh_token(after: str | None = None) -> tuple[str, str]:
    """Return a refresh token and the hash to store. Its family is that of the token `after`, or a new one."""
    token = secrets.token_urlsafe(32)
    if after is not None:
        token = after[:_FAMILY_CHARACTERS] + token[_FAMILY_CHARACTERS:]
    return token, _hash(token)


def hash_family(refresh_token: str) -> str | None:
    """Return the hash under which the family of a token is stored; None if the token has not the form of one."""
    return _hash(refresh_token[:_FAMILY_CHARACTERS]) if _TOKEN_PATTERN.fullmatch(refresh_token) else None


def hash_token(token: str) -> str | None:
    """Return the hash under which a token is stored; None if `token` does not have that form."""
    return _hash(token) if _TOKEN_PATTERN.fullmatch(token) else None


def typeable_secret(groups: int) -> str:
    """Return a random secret that a person can type: groups of 25 bits, joined by hyphens."""
    return "-".join("".join(secrets.choice(_TYPEABLE) for _ in range(_GROUP_CHARACTERS)) for _ in range(groups))


def normalise_pasted_token(text: str) -> str:
    """Return a token as it was issued, without what copying adds: white space, invisible characters, other dashes."""
    plain = unicodedata.normalize("NFKC", remove_blank(text))
    return "".join("-" if _is_dash(character) else character for character in plain)


def normalise_typed_code(text: str) -> str:
    """Return the letters and digits of a code that a person typed, in lower case; the digits of any script in ASCII.

    Spaces, hyphens and invisible characters do not matter: apps and people group codes in many ways.
    """
    plain = unicodedata.normalize("NFKC", text).lower()
    return "".join(
        str(unicodedata.decimal(character)) if character.isdecimal() else character
        for character in plain
        if character.isalnum()
    )


def _is_dash(character: str) -> bool:
    return unicodedata.category(character) == "Pd" or character == "\N{MINUS SIGN}"


def _hash(token: str) -> str:
    # Plain SHA-256: a slow hash adds nothing against 256 random bits (ASVS 11.4).
    return hashlib.sha256(token.encode()).hexdigest()
