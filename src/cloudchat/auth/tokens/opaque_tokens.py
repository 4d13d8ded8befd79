"""Secrets that are random strings: refresh tokens and invites. Only their hash is stored."""

import hashlib
import re
import secrets

_SHAPE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


def new_secret() -> tuple[str, str]:
    """256 random bits as 43 URL-safe characters, and their hash."""
    secret = secrets.token_urlsafe(32)
    return secret, _hash(secret)


def hash_secret(secret: str) -> str | None:
    """What is stored and looked up instead of the secret; None for what was never one of ours."""
    return _hash(secret) if _SHAPE.fullmatch(secret) else None


def _hash(secret: str) -> str:
    # Plain SHA-256: against 256 random bits a slow hash adds nothing (ASVS 11.4).
    return hashlib.sha256(secret.encode()).hexdigest()
