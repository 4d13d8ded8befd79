"""What must be in no log that any test has a server write (ASVS 14.2.1, 16.2.5)."""

import re

from support.accounts import PASSWORD

_SECRETS = (
    r"(?<![\w-])eyJ[\w-]{10,}\.eyJ",  # a JWT; an id may have these letters, too
    r"(?<![\w-])[\w-]{43}(?![\w-])",  # a refresh token, an invite
    r"\$argon2",
    r"cloudchat\.token\.",
    r"[Bb]earer \w",
    r"cloudchat-refresh",  # the cookie
    r"BEGIN \w*PRIVATE KEY",
    re.escape(PASSWORD),
)
_ANY = re.compile("|".join(_SECRETS))


def secret_in(log: str) -> str | None:
    """The first line that tells a secret."""
    return next((line for line in log.splitlines() if _ANY.search(line)), None)
