"""A URL as it may be shown: in a log, in an error, on a screen."""

from urllib.parse import urlsplit


def redact_url(url: str) -> str:
    """The URL without user, password, query and fragment: redis-py takes a password in the query too."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return "(unreadable URL)"
    return f"{parts.scheme}://{host}{parts.path}"
