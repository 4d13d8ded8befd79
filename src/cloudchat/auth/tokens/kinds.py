"""The two kinds of tokens. Not in `access_tokens`, which loads the cryptography: few commands need that."""

ACCESS = "access"
"""Of a login session, for minutes."""
API = "api"
"""Of a program, for days."""
MAX_API_TOKEN_SECONDS = 366 * 86400
