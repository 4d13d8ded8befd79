"""Accounts: who may register and sign in, and whom a token speaks for."""

import logging

from cloudchat.auth import repository
from cloudchat.auth.errors import (
    AccountDisabled,
    BadCredentials,
    BadToken,
    InvalidField,
    NameTaken,
    NoSuchThing,
    RegistrationRefused,
)
from cloudchat.auth.passwords import Passwords
from cloudchat.auth.principal import MEMBER, SCOPES_OF_ROLE, Principal
from cloudchat.auth.random_tokens import hash_secret
from cloudchat.auth.session_repository import api_token_standing, end_sessions_of, session_standing
from cloudchat.auth.session_service import SessionService
from cloudchat.auth.sign_in import Profile, SignIn, profile_of
from cloudchat.auth.tokens import ACCESS, Tokens
from cloudchat.auth.usernames import clean_username, is_reserved
from cloudchat.database.audit import record
from cloudchat.database.transactions import Database
from cloudchat.settings import RegistrationMode, Settings

log = logging.getLogger("cloudchat.auth")


class AccountService:
    """Everything about one's own account. Blocking: for threads."""

    def __init__(self, db: Database, tokens: Tokens, passwords: Passwords, settings: Settings) -> None:
        self._db = db
        self._tokens = tokens
        self._passwords = passwords
        self._mode: RegistrationMode = settings.registration_mode
        self.sessions = SessionService(
            db,
            tokens,
            access_seconds=settings.access_token_seconds,
            idle_seconds=settings.refresh_idle_seconds,
            absolute_seconds=settings.refresh_absolute_seconds,
        )

    def register(self, username: str, password: str, *, invite: str | None, address: str, now: float) -> Profile:
        """A new member. Raises RegistrationRefused, InvalidField, NameTaken, HashingBusy."""
        if self._mode == "closed":
            raise RegistrationRefused("registration is closed; ask an administrator for an account")
        invite_hash = self._checked_invite(invite, now) if self._mode == "invite" else None
        name = clean_username(username)
        if is_reserved(name):
            raise InvalidField("username", "this username is reserved")
        with self._db.read() as db:
            if repository.user_by_name(db, name):  # before the cost of a hash; the unique key decides below
                raise NameTaken("this username is taken")
        password_hash = self._passwords.hash_new(password, username=name)
        with self._db.write() as db:
            user = repository.add_user(db, name=name, password_hash=password_hash, role=MEMBER, now=now)
            if invite_hash and not repository.use_invite(db, invite_hash, user_id=user.id, now=now):
                raise RegistrationRefused("this invite has been used or has expired; ask for another")
            record(db, now, user.id, "user.register", target=user.id, address=address)
        log.info("user registered user=%s address=%s", user.id, address)
        return profile_of(user)

    def login(self, username: str, password: str, *, client: str, address: str, now: float) -> SignIn:
        """A new session. Takes as long for an unknown user as for a wrong password.

        Raises BadCredentials, AccountDisabled (only to who knows the password), HashingBusy.
        """
        with self._db.read() as db:
            user = repository.user_by_name(db, username)
        password_hash = user.password_hash if user else None
        fits, better_hash = self._passwords.verify(password, password_hash)
        if user is None or password_hash is None or not fits:
            # Never the name that was typed: people type their password into the wrong field.
            log.warning("login refused user=%s address=%s", user.id if user else "unknown", address)
            raise BadCredentials("unknown username or wrong password")
        if better_hash:
            with self._db.write() as db:
                repository.replace_password(
                    db,
                    user.id,
                    old_hash=password_hash,
                    new_hash=better_hash,
                    must_change=user.must_change_password,
                )
            password_hash = better_hash
        return self.sessions.open(user.id, password_hash, client=client, address=address, now=now)

    def change_password(self, principal: Principal, current: str, new: str, *, address: str, now: float) -> None:
        """Set a new password, and end the user's other sessions.

        Raises BadCredentials (the current one is wrong), InvalidField, HashingBusy.
        """
        with self._db.read() as db:
            user = repository.user_by_id(db, principal.user_id)
        old_hash = user.password_hash if user else None
        fits, _ = self._passwords.verify(current, old_hash)
        if old_hash is None or not fits:
            log.warning("password change refused user=%s address=%s", principal.user_id, address)
            raise BadCredentials("the current password is wrong")
        if self._passwords.same(current, new):
            raise InvalidField("password", "the new password is the old one")
        new_hash = self._passwords.hash_new(new, username=principal.name)
        with self._db.write() as db:
            if not repository.replace_password(
                db, principal.user_id, old_hash=old_hash, new_hash=new_hash, must_change=False
            ):
                raise BadCredentials("the current password is wrong")
            end_sessions_of(db, principal.user_id, now, "password changed", except_id=principal.session_id)
            record(db, now, principal.user_id, "password.change", target=principal.user_id, address=address)
        log.info("password changed user=%s address=%s", principal.user_id, address)

    def profile(self, user_id: str) -> Profile:
        """The user's own data. Raises NoSuchThing."""
        with self._db.read() as db:
            user = repository.user_by_id(db, user_id)
        if user is None:
            raise NoSuchThing("there is no such user")
        return profile_of(user)

    def authenticate(self, token: str, now: float) -> Principal:
        """Whom an access or API token speaks for at `now`. One SQL query, so that a revocation holds at once.

        Raises BadToken, AccountDisabled.
        """
        claims = self._tokens.verify(token, now)
        with self._db.read() as db:
            if claims.kind == ACCESS:
                standing = session_standing(db, claims.session_id, claims.user_id)
            else:
                standing = api_token_standing(db, claims.token_id, claims.user_id)
        if standing is None:
            raise BadToken("the token is not valid")
        user = standing.user
        if user.disabled_at is not None:
            raise AccountDisabled("this account is disabled; ask an administrator")
        if standing.revoked or now >= standing.expires_at:
            raise BadToken("the token has been revoked or has expired")
        scopes = SCOPES_OF_ROLE.get(user.role, frozenset())
        if standing.scopes is not None:
            scopes &= frozenset(standing.scopes.split())
        return Principal(
            user_id=user.id,
            name=user.name,
            role=user.role,
            # A one-time password opens one door only: the one to a password of the user's own.
            scopes=frozenset() if user.must_change_password else scopes,
            session_id=claims.session_id or claims.token_id,
            expires_at=min(claims.expires_at, standing.expires_at),
            kind=claims.kind,
        )

    def _checked_invite(self, invite: str | None, now: float) -> str:
        invite_hash = hash_secret(invite) if invite else None
        with self._db.read() as db:
            if invite_hash is None or not repository.invite_is_good(db, invite_hash, now):
                raise RegistrationRefused("registration needs a valid invite; ask an administrator for one")
        return invite_hash
