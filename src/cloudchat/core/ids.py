"""Identifiers: of database rows, and of the HTTP request that is being processed."""

import secrets
from contextvars import ContextVar

REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)
"""Set by the middleware for the length of a request; the log adds it to every line, from any thread."""


def new_id() -> str:
    """Return a random identifier: 22 characters of the URL-safe base64 alphabet, 128 bits.

    It is random and not sequential so that an id does not reveal how many others exist and cannot be guessed. It never
    begins with `-`, because a command line would read such an id as an option.
    """
    while (candidate := secrets.token_urlsafe(16)).startswith("-"):
        pass
    return candidate
