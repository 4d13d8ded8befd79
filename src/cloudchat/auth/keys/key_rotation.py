"""Rotation of the signing keys while servers run.

A rotation adds a file. Each process that shares the directory checks it every few seconds, and immediately when a token
has an unknown `kid`, so every process accepts a token from the moment it is signed. A key is deleted when no token that
it signed can still be valid (NIST SP 800-57 part 1 §5.3: the verification period is longer than the signing period).
"""

import logging
import os
import threading
import time
from pathlib import Path

from msgspec import Struct

from cloudchat.auth.keys.key_folder import KeyFolderError, key_files, open_key_folder
from cloudchat.auth.keys.signing_keys import KeyRing, create_key, load_or_create
from cloudchat.core.log_rate_limit import RATE_LIMITED

RELOAD_SECONDS = 2.0
RETENTION_SECONDS = 367 * 86400
"""Counted from when a key stopped signing: a day more than access_tokens.MAX_API_TOKEN_SECONDS."""

log = logging.getLogger("cloudchat.auth")


class LiveKeyRing:
    """The key ring of a directory, reloaded when the directory changes. Safe to share between threads."""

    def __init__(self, directory: Path) -> None:
        """Load the ring or create it. Raises KeyFolderError."""
        self._directory = directory
        self._lock = threading.Lock()
        self._ring = load_or_create(directory)
        # Zero, so that the first check loads the ring again: the directory may have changed while it was read.
        self._changed_at = 0
        self._checked_at = 0.0

    def current(self, *, reload: bool = False) -> KeyRing:
        """Return the ring, at most `RELOAD_SECONDS` old. `reload` checks the directory now, for an unknown `kid`."""
        now = time.monotonic()
        if reload or now - self._checked_at > RELOAD_SECONDS:
            with self._lock:
                self._checked_at = now
                self._reload_if_changed()
        return self._ring

    def _reload_if_changed(self) -> None:
        try:
            changed_at = self._directory.stat().st_mtime_ns
            if changed_at != self._changed_at:
                self._ring = load_or_create(self._directory)
                self._changed_at = changed_at
        except (KeyFolderError, OSError):
            # Existing sessions continue. A start would fail, with an error that says what to fix.
            log.warning("the key directory cannot be read; the keys in memory stay in use", extra=RATE_LIMITED)


class Rotation(Struct, frozen=True):
    """The result of a rotation: the `kid` that signs now, how many older keys still verify, how many were removed."""

    signing_kid: str
    retained: int
    removed: int


def rotate(directory: Path, now: float, *, forget_old: bool = False) -> Rotation:
    """Create a new signing key, and remove the keys whose last token has expired.

    Args:
        forget_old: Remove all older keys, for example after a theft. Their tokens become invalid.

    Raises:
        KeyFolderError: The directory or a key cannot be used.
    """
    load_or_create(directory)
    with open_key_folder(directory):
        old = key_files(directory)
        new = create_key(directory)
        newest = max((path.stat().st_mtime for path in old), default=0.0)
        if newest >= new.stat().st_mtime:  # the clock was ahead when the old key was made
            os.utime(new, (newest + 1, newest + 1))
        # Each key signed until the next one was made.
        signed_until = [path.stat().st_mtime for path in [*old[1:], new]]
        expired = [
            path for path, until in zip(old, signed_until, strict=True) if forget_old or now > until + RETENTION_SECONDS
        ]
        for path in expired:
            path.unlink()
    return Rotation(new.stem, len(old) - len(expired), len(expired))
