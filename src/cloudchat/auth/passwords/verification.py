"""Is it the user's password? Asked in one place, so that every question is as slow, as even and as limited."""

import logging
from dataclasses import dataclass

from cloudchat.auth import repository
from cloudchat.auth.errors import BadCredentials, InvalidField
from cloudchat.auth.passwords.hashing import Passwords
from cloudchat.auth.sessions.repository import signed_in_from
from cloudchat.auth.usernames import clean_username, username_key
from cloudchat.core.client_network import client_network
from cloudchat.core.log_rate_limit import RATE_LIMITED
from cloudchat.database.models import User
from cloudchat.database.transactions import Database
from cloudchat.rate_limiting.login_slowdown import LoginSlowdown

log = logging.getLogger("cloudchat.auth")


@dataclass(frozen=True, slots=True)
class Checked:
    """A user whose password was just found right. `known`: they signed in from this network before."""

    user: User
    account: str
    password_hash: str
    known: bool


class PasswordCheck:
    """Blocking: for threads."""

    def __init__(self, db: Database, passwords: Passwords, slowdown: LoginSlowdown) -> None:
        self._db = db
        self._passwords = passwords
        self._slowdown = slowdown

    def of_name(self, username: str, password: str, *, address: str) -> Checked:
        """For a login. Takes as long for an unknown user. Counts as a failure until `slowdown.succeeded`.

        Raises TooManyAttempts, BadCredentials, PasswordHashingOverloaded.
        """
        account = _key(username)
        with self._db.read() as db:
            user = repository.user_by_name(db, username)
            known = signed_in_from(db, user.id if user else "", client_network(address))
        self._slowdown.count_attempt(account, address, known_network=known)
        password_hash = user.password_hash if user else None
        fits, better_hash = self._passwords.verify(password, password_hash)
        if user is None or password_hash is None or not fits:
            self._slowdown.password_failed(account)
            # Never the name that was typed: people type their password into the wrong field.
            log.warning("login refused user=%s address=%s", user.id if user else "unknown", address, extra=RATE_LIMITED)
            raise BadCredentials("unknown username or wrong password")
        if better_hash:
            password_hash = self._replace(user, password_hash, better_hash)
        return Checked(user, account, password_hash, known)

    def again(self, user_id: str, password: str, *, address: str) -> Checked:
        """For somebody who is signed in, before a change that a stolen token must not make (ASVS 7.5.1).

        With a second factor set up it counts as a failure until `slowdown.succeeded`: a right password must not make
        the wrong codes forgotten. Raises TooManyAttempts, BadCredentials, PasswordHashingOverloaded.
        """
        with self._db.read() as db:
            user = repository.user_by_id(db, user_id)
            known = signed_in_from(db, user_id, client_network(address))
        account = user.name_key if user else ""
        self._slowdown.count_attempt(account, address, known_network=known)
        password_hash = user.password_hash if user else None
        fits, _ = self._passwords.verify(password, password_hash)
        if user is None or password_hash is None or not fits:
            self._slowdown.password_failed(account)
            log.warning("password check refused user=%s address=%s", user_id, address, extra=RATE_LIMITED)
            raise BadCredentials("the current password is wrong")
        if user.totp_confirmed_at is None:
            self._slowdown.succeeded(account, address)
        return Checked(user, account, password_hash, known)

    def _replace(self, user: User, old_hash: str, new_hash: str) -> str:
        with self._db.write() as db:
            repository.replace_password(
                db, user.id, old_hash=old_hash, new_hash=new_hash, must_change=user.must_change_password
            )
        return new_hash


def _key(username: str) -> str:
    try:
        return username_key(clean_username(username))
    except InvalidField:
        return ""  # nobody's name: all of these share one count
