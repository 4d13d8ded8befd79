"""Recovery codes: each replaces one code of the authenticator app. The database has only their hashes."""

import hashlib

from cloudchat.auth.tokens.opaque_tokens import normalise_typed_code, typeable_secret

RECOVERY_CODES = 10
_CODE_GROUPS = 5


def new_recovery_codes() -> list[str]:
    """Return a new set of codes, 125 bits each: a plain hash is enough from 112 bits on (ASVS 6.5.2)."""
    return [typeable_secret(_CODE_GROUPS) for _ in range(RECOVERY_CODES)]


def hash_recovery_code(code: str) -> str:
    """Return the hash to store and to look up, whatever the case and the spaces of an entered code."""
    plain = normalise_typed_code(code)
    return hashlib.sha256(f"recovery:{plain}".encode(errors="replace")).hexdigest()
