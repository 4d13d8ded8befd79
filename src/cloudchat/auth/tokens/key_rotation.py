"""Signing keys that change while servers run.

A rotation only adds a file. Every process that shares the folder looks at it every few seconds, and at once when it
meets a `kid` that it does not know, so a token is good everywhere from the moment it is signed; a key goes when nothing
that it signed can still live (NIST SP 800-57 part 1 §5.3: a verification period beyond the signing period).
"""

import logging
import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from cloudchat.auth.tokens.keys import KeyFolderError, KeyRing, create_key, key_files, load_or_create, locked

LOOK_EVERY_SECONDS = 2.0
KEPT_SECONDS = 367 * 86400
"""From when a key stopped signing: a day more than the longest life of a token (tokens.API_TOKEN_MOST_SECONDS)."""

log = logging.getLogger("cloudchat.auth")


class LiveKeyRing:
    """The ring in a folder as it is now. Safe to share between threads. Made: raises KeyFolderError."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = threading.Lock()
        self._ring = load_or_create(directory)
        # As of nothing: whatever was changed while it was read is seen at the first look.
        self._changed_at = 0
        self._looked_at = 0.0

    def current(self, *, look_now: bool = False) -> KeyRing:
        """The ring, at most `LOOK_EVERY_SECONDS` old; `look_now` for a `kid` that it lacks. Costs a stat."""
        now = time.monotonic()
        if look_now or now - self._looked_at > LOOK_EVERY_SECONDS:
            with self._lock:
                self._looked_at = now
                self._look()
        return self._ring

    def _look(self) -> None:
        try:
            changed_at = self._directory.stat().st_mtime_ns
            if changed_at != self._changed_at:
                self._ring = load_or_create(self._directory)
                self._changed_at = changed_at
        except (KeyFolderError, OSError):
            # Whoever is signed in stays so; a start would refuse, and say what to mend.
            log.warning("the key folder can not be read; the keys in memory stay in use")


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a rotation did: the `kid` that signs from now on, how many older ones still verify, how many went."""

    signing_kid: str
    kept: int
    removed: int


def rotate(directory: Path, now: float, *, forget_old: bool = False) -> Rotation:
    """Make a new signing key; remove those whose last token has ended, or with `forget_old` all others.

    Raises KeyFolderError.
    """
    load_or_create(directory)
    try:
        with locked(directory):
            old = key_files(directory)
            new = create_key(directory)
            newest = max((path.stat().st_mtime for path in old), default=0.0)
            if newest >= new.stat().st_mtime:  # made while the clock was ahead
                os.utime(new, (newest + 1, newest + 1))
            # A key signed until the next one was made.
            until = [path.stat().st_mtime for path in [*old[1:], new]]
            gone = [path for path, ended in zip(old, until, strict=True) if forget_old or now > ended + KEPT_SECONDS]
            for path in gone:
                path.unlink()
    except OSError as error:
        raise KeyFolderError(f"cannot use the key folder {directory}: {error.strerror}; check its owner") from error
    return Rotation(new.stem, len(old) - len(gone), len(gone))
