"""Identifiers of everything that has a row."""

import secrets


def new_id() -> str:
    """A random identifier: 22 characters of the URL-safe base64 alphabet, 128 bits.

    Random rather than counted, so that an id tells nothing about how many others exist and can't be guessed.
    Never begins with `-`: such an id would be read as an option on a command line.
    """
    while (candidate := secrets.token_urlsafe(16)).startswith("-"):
        pass
    return candidate
