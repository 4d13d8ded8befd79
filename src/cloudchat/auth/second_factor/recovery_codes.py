"""Secrets that people copy by hand and use once: first passwords, and recovery codes of a second factor."""

import hashlib
import secrets

_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # 32 characters, none of which is misread
_PASSWORD_GROUPS, _CODE_GROUPS, _GROUP_CHARACTERS = 4, 5, 5


def new_one_time_password() -> str:
    """100 bits, long enough for the rules of passwords."""
    return _groups(_PASSWORD_GROUPS)


def new_recovery_code() -> str:
    """125 bits: from 112 on, a plain hash is enough to keep it by (ASVS 6.5.2)."""
    return _groups(_CODE_GROUPS)


def hash_recovery_code(code: str) -> str:
    """What is stored instead, however the code is typed."""
    plain = "".join(filter(str.isalnum, code.lower()))
    return hashlib.sha256(f"recovery:{plain}".encode(errors="replace")).hexdigest()


def _groups(count: int) -> str:
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP_CHARACTERS)) for _ in range(count))
