"""Which texts a message can have."""

import unicodedata

from cloudchat.core.invisible import has_visible_text
from cloudchat.protocol.errors import Error, ErrorCode, error


def text_error(text: str, max_chars: int, *, id: str | None = None) -> Error | None:
    """Return the error of a text that no message may have, else None. The error repeats the `id` of the command."""
    if len(text) > max_chars:
        message = f"a message may have at most {max_chars} characters, this one has {len(text)}"
        return error(ErrorCode.TOO_LARGE, message, id=id, field="text")
    if not has_visible_text(text):
        return error(ErrorCode.BAD_REQUEST, "a message needs text", id=id, field="text")
    if not is_printable(text):
        message = "a message must not contain control characters except tab, newline and carriage return"
        return error(ErrorCode.BAD_REQUEST, message, id=id, field="text")
    return None


def is_printable(text: str) -> bool:
    """Return whether `text` has no control character (Unicode Cc) except tab, newline and carriage return.

    NUL and escape sequences are harmless in a browser, but not in a terminal client or in a log.
    """
    if text.isprintable():  # implemented in C, and true for nearly every message
        return True
    return not any(unicodedata.category(c) == "Cc" and c not in "\t\n\r" for c in text)
