"""Random strings as credentials. The database has only their hashes.

Refresh tokens and invites are long and only ever copied; one-time passwords and recovery codes can also be typed.
"""

import hashlib
import re
import secrets

_TOKEN_PATTERN = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_TYPEABLE = "abcdefghijkmnpqrstuvwxyz23456789"  # 32 characters, 5 bits each, without those that look alike
_GROUP_CHARACTERS = 5


def new_token() -> tuple[str, str]:
    """Return 256 random bits as 43 URL-safe characters, and the hash to store."""
    token = secrets.token_urlsafe(32)
    return token, _hash(token)


def hash_token(token: str) -> str | None:
    """Return the hash under which a token is stored; None if `token` does not have that form."""
    return _hash(token) if _TOKEN_PATTERN.fullmatch(token) else None


def typeable_secret(groups: int) -> str:
    """Return a random secret that a person can type: groups of 25 bits, joined by hyphens."""
    return "-".join("".join(secrets.choice(_TYPEABLE) for _ in range(_GROUP_CHARACTERS)) for _ in range(groups))


def _hash(token: str) -> str:
    # Plain SHA-256: a slow hash adds nothing against 256 random bits (ASVS 11.4).
    return hashlib.sha256(token.encode()).hexdigest()
