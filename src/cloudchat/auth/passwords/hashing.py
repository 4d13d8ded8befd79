"""Password hashes: argon2id with m = 19 MiB, t = 2, p = 1 (OWASP's first choice). The only importer of `passlib`."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from cloudchat.auth.errors import InvalidField, PasswordHashingOverloaded
from cloudchat.auth.passwords.policy import MAX_CHARACTERS, normalise, validate_characters, validate_strength

MAX_CONCURRENT_HASHES = 2  # each takes 19 MiB and 40 ms of one core
MAX_WAITING_HASHES = 30  # less than the thread pool's 40: a flood of logins leaves threads for other requests


class PasswordHasher:
    """Hashes and verifies passwords. Blocks for tens of milliseconds: call it in threads, never on the event loop."""

    def __init__(self, memory_kib: int = 19 * 1024) -> None:
        """Create a hasher. `memory_kib` is the cost of one guess; only tests that are not about hashing use less."""
        self._memory_kib = memory_kib
        self._running = threading.BoundedSemaphore(MAX_CONCURRENT_HASHES)
        self._admitted = threading.BoundedSemaphore(MAX_CONCURRENT_HASHES + MAX_WAITING_HASHES)

    @cached_property
    def _context(self) -> Any:
        """The library with its parameters and the hash that an unknown user's password is compared with.

        Created for the first password, because it takes 60 ms. That one takes longer for a known and for an unknown
        user alike, so its duration does not show whether the user exists.
        """
        from passlib.context import CryptContext  # type: ignore[import-untyped]

        context = CryptContext(
            schemes=["argon2"],
            argon2__type="ID",
            argon2__memory_cost=self._memory_kib,
            argon2__time_cost=2,
            argon2__parallelism=1,
        )
        context.dummy_verify()
        return context

    def hash_new(self, password: str, *, username: str) -> str:
        """Validate a new password and return its hash. Raises InvalidField, PasswordHashingOverloaded."""
        password = validate_characters(password)
        with self._slot():
            validate_strength(password, username)
            return str(self._context.hash(password))

    def verify(self, password: str, password_hash: str | None) -> tuple[bool, str | None]:
        """Return whether the password matches, and a stronger hash to store if the old one has weaker parameters.

        Takes the same time for an unknown user (`password_hash` is None). Raises PasswordHashingOverloaded.
        """
        with self._slot():
            try:
                password = normalise(password)
            except InvalidField:
                password, password_hash = "", None
            if password_hash is None or len(password) > MAX_CHARACTERS:
                self._context.dummy_verify()
                return False, None
            matches, stronger_hash = self._context.verify_and_update(password, password_hash)
            return bool(matches), stronger_hash

    @contextmanager
    def _slot(self) -> Iterator[None]:
        if not self._admitted.acquire(blocking=False):
            raise PasswordHashingOverloaded("too many people are signing in at this moment; try again in a second")
        try:
            with self._running:
                yield
        finally:
            self._admitted.release()
