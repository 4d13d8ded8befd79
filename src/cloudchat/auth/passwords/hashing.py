"""Passwords: which are allowed, and their hashes. The only module that imports `passlib`.

argon2id with m = 19 MiB, t = 2, p = 1 (OWASP's first choice), rules after NIST SP 800-63B-4: length and a blocklist, no
composition rules, no expiry.
"""

import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager

from passlib.context import CryptContext  # type: ignore[import-untyped]

from cloudchat.auth.errors import InvalidField, PasswordHashingOverloaded
from cloudchat.auth.passwords.common_passwords import is_guessable

MIN_CHARACTERS = 15
MAX_CHARACTERS = 256

_AT_ONCE = 2  # 19 MiB and 40 ms of one core each
_MAX_WAITING = 30  # below the thread pool's 40: a flood of logins leaves threads to everything else


class Passwords:
    """Checks and hashes. Blocking, tens of milliseconds: for threads, never for the event loop."""

    def __init__(self, memory_kib: int = 19 * 1024) -> None:
        """`memory_kib` is what one guess costs; less is for tests that are about something else."""
        self._context = CryptContext(
            schemes=["argon2"],
            argon2__type="ID",
            argon2__memory_cost=memory_kib,
            argon2__time_cost=2,
            argon2__parallelism=1,
        )
        self._slots = threading.BoundedSemaphore(_AT_ONCE)
        self._room = threading.BoundedSemaphore(_AT_ONCE + _MAX_WAITING)
        # The first use loads argon2 and makes the dummy hash; done now, the first unknown user takes no longer
        # than the others.
        self._context.dummy_verify()

    def hash_new(self, password: str, *, username: str) -> str:
        """The hash of a password that someone chose. Raises InvalidField, PasswordHashingOverloaded."""
        typed, password = password, _normalised(password)
        # Both forms: normalised, one character may become eighteen.
        if min(len(typed), len(password)) < MIN_CHARACTERS or len(password) > MAX_CHARACTERS:
            raise InvalidField("password", f"a password has {MIN_CHARACTERS} to {MAX_CHARACTERS} characters")
        if any(unicodedata.category(character) in ("Cc", "Cs") for character in password):
            raise InvalidField("password", "a password has no control characters")
        with self._slot():
            if is_guessable(password, username):
                raise InvalidField("password", "this password is too easy to guess; a few unrelated words are better")
            return str(self._context.hash(password))

    def verify(self, password: str, password_hash: str | None) -> tuple[bool, str | None]:
        """Whether the password fits, and the hash to store instead if the old one is of weaker parameters.

        Takes as long for a user who does not exist (`password_hash` None) as for one who does.
        Raises PasswordHashingOverloaded.
        """
        with self._slot():
            try:
                password = _normalised(password)
            except InvalidField:
                password, password_hash = "", None
            if password_hash is None or len(password) > MAX_CHARACTERS:
                self._context.dummy_verify()
                return False, None
            fits, better = self._context.verify_and_update(password, password_hash)
            return bool(fits), better

    def same(self, one: str, other: str) -> bool:
        """Whether both are the same password, however typed. Raises InvalidField."""
        return _normalised(one) == _normalised(other)

    @contextmanager
    def _slot(self) -> Iterator[None]:
        if not self._room.acquire(blocking=False):
            raise PasswordHashingOverloaded("too many people are signing in at this moment; try again in a second")
        try:
            with self._slots:
                yield
        finally:
            self._room.release()


def _normalised(password: str) -> str:
    # The same password typed on another keyboard may arrive in another form (NIST SP 800-63B-4 §3.1.1.2).
    if len(password) > 4 * MAX_CHARACTERS:
        raise InvalidField("password", f"a password has at most {MAX_CHARACTERS} characters")
    if any("\ud800" <= character <= "\udfff" for character in password):
        raise InvalidField("password", "a password has no lone surrogates")
    return unicodedata.normalize("NFKC", password)
