"""Find secrets in a log. No server of any test may log one (ASVS 14.2.1, 16.2.5)."""

import re

from support.accounts import PASSWORD

_SECRETS = (
    r"(?<![\w-])eyJ[\w-]{10,}\.eyJ",  # a JWT; an id may contain these letters, too
    r"(?<![\w-])[\w-]{43}(?![\w-])",  # a refresh token, an invite
    r"\$argon2",
    r"cloudchat\.token\.",
    r"[Bb]earer \w",
    r"cloudchat-refresh",  # the cookie
    r"BEGIN \w*PRIVATE KEY",
    re.escape(PASSWORD),
)
_ANY_SECRET = re.compile("|".join(_SECRETS))


def secret_in(log: str) -> str | None:
    """Return the first line with a secret; None if there is none."""
    return next((line for line in log.splitlines() if _ANY_SECRET.search(line)), None)
