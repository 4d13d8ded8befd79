"""Verify entered passwords. No other module does, so that all checks have the same duration and the same limits."""

import logging

from msgspec import Struct

from cloudchat.auth import repository
from cloudchat.auth.errors import BadCredentials
from cloudchat.auth.passwords.hashing import PasswordHasher
from cloudchat.auth.sessions.repository import has_session_from
from cloudchat.auth.usernames import lookup_key
from cloudchat.core.client_network import client_network
from cloudchat.core.log_rate_limit import RATE_LIMITED
from cloudchat.database.tables.accounts import User
from cloudchat.database.transactions import Database
from cloudchat.rate_limiting.login_slowdown import LoginSlowdown

log = logging.getLogger("cloudchat.auth")


class VerifiedPassword(Struct, frozen=True):
    """A user whose password was just verified.

    `account` is the username's key, for the rate limits. `known_network` says whether the user has signed in from the
    client's network before.
    """

    user: User
    account: str
    password_hash: str
    known_network: bool


class PasswordVerifier:
    """Verifies passwords under the login rate limits. Blocking: call it in threads."""

    def __init__(self, db: Database, hasher: PasswordHasher, slowdown: LoginSlowdown) -> None:
        self._db = db
        self._hasher = hasher
        self._slowdown = slowdown

    def verify_login(self, username: str, password: str, *, address: str) -> VerifiedPassword:
        """Verify the password of a login. An unknown user takes the same time as a known one.

        The attempt counts as a failure until the caller calls `LoginSlowdown.succeeded`.

        Raises:
            TooManyAttempts, BadCredentials, PasswordHashingOverloaded
        """
        account = _account_of(username)
        with self._db.read() as db:
            user = repository.user_by_name(db, username)
            known_network = has_session_from(db, user.id if user else "", client_network(address))
        verified, stronger_hash = self._verify(user, account, password, address, known_network)
        if verified is None:
            # Do not log the entered name: people sometimes type their password into the wrong field.
            log.warning("login refused user=%s address=%s", user.id if user else "unknown", address, extra=RATE_LIMITED)
            raise BadCredentials("unknown username or wrong password")
        return self._upgrade(verified, stronger_hash) if stronger_hash else verified

    def verify_again(self, user_id: str, password: str, *, address: str) -> VerifiedPassword:
        """Verify the password of a signed-in user before a change that a stolen token must not make (ASVS 7.5.1).

        If the user has a second factor, the attempt counts as a failure until the caller calls
        `LoginSlowdown.succeeded`: a right password must not reset the count of wrong codes.

        Raises:
            TooManyAttempts, BadCredentials, PasswordHashingOverloaded
        """
        user, account, known_network = self._signed_in(user_id, address)
        verified, _ = self._verify(user, account, password, address, known_network)
        if verified is None:
            log.warning("password check refused user=%s address=%s", user_id, address, extra=RATE_LIMITED)
            raise BadCredentials("the current password is wrong")
        if verified.user.totp_confirmed_at is None:
            self._slowdown.succeeded(account, address)
        return verified

    def count_attempt(self, user_id: str, *, address: str) -> tuple[str, bool]:
        """Count an attempt of a signed-in user to enter a code without the password, or raise TooManyAttempts.

        Returns:
            `account` and `known_network` for the next calls of `LoginSlowdown`.
        """
        user, account, known_network = self._signed_in(user_id, address)
        self._slowdown.count_attempt(account, address, exists=user is not None, known_network=known_network)
        return account, known_network

    def _signed_in(self, user_id: str, address: str) -> tuple[User | None, str, bool]:
        with self._db.read() as db:
            user = repository.user_by_id(db, user_id)
            known_network = has_session_from(db, user_id, client_network(address))
        return user, user.name_key if user else "", known_network

    def _verify(
        self, user: User | None, account: str, password: str, address: str, known_network: bool
    ) -> tuple[VerifiedPassword | None, str | None]:
        """Return the verified user, or None if the password is wrong; and a stronger hash to store, if any."""
        exists = user is not None
        self._slowdown.count_attempt(account, address, exists=exists, known_network=known_network)
        password_hash = user.password_hash if user else None
        matches, stronger_hash = self._hasher.verify(password, password_hash)
        if user is None or password_hash is None or not matches:
            self._slowdown.password_failed(account, exists=exists)
            return None, None
        return VerifiedPassword(user, account, password_hash, known_network), stronger_hash

    def _upgrade(self, verified: VerifiedPassword, stronger_hash: str) -> VerifiedPassword:
        user = verified.user
        with self._db.write() as db:
            repository.replace_password(
                db,
                user.id,
                old_hash=verified.password_hash,
                new_hash=stronger_hash,
                must_change=user.must_change_password,
            )
        return VerifiedPassword(user, verified.account, stronger_hash, verified.known_network)


def _account_of(username: str) -> str:
    return lookup_key(username) or ""  # no account can have such a name: all these attempts share one count
