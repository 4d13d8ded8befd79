"""Accounts: registration, login, and changes of a user's own credentials."""

import logging

from cloudchat.auth import repository
from cloudchat.auth.errors import (
    BadCredentials,
    BadSecondFactor,
    InvalidField,
    InviteRefused,
    NameTaken,
    NotFound,
    RegistrationRefused,
)
from cloudchat.auth.passwords.hashing import PasswordHasher
from cloudchat.auth.passwords.policy import same_password, validate_characters
from cloudchat.auth.passwords.verification import PasswordVerifier, VerifiedPassword
from cloudchat.auth.principal import MEMBER, Principal
from cloudchat.auth.results import SessionTokens, UserProfile, profile_of
from cloudchat.auth.second_factor.service import SecondFactorService
from cloudchat.auth.sessions.repository import end_sessions_of
from cloudchat.auth.sessions.service import SessionService
from cloudchat.auth.step_up import StepUpService
from cloudchat.auth.tokens.access_tokens import Tokens
from cloudchat.auth.tokens.opaque_tokens import hash_token, normalise_pasted_token
from cloudchat.auth.usernames import clean_username, is_reserved, trim_username
from cloudchat.core.log_rate_limit import RATE_LIMITED
from cloudchat.database.audit import record
from cloudchat.database.transactions import Database
from cloudchat.rate_limiting.login_slowdown import LoginSlowdown
from cloudchat.settings import RegistrationMode, Settings

log = logging.getLogger("cloudchat.auth")


class AccountService:
    """Everything that users do with their own accounts. Blocking: call it in threads.

    `sessions`, `second_factor` and `step_up` are the services for those parts.
    """

    def __init__(
        self,
        db: Database,
        tokens: Tokens,
        hasher: PasswordHasher,
        second_factor: SecondFactorService,
        slowdown: LoginSlowdown,
        settings: Settings,
    ) -> None:
        self._db = db
        self._hasher = hasher
        self._slowdown = slowdown
        self._registration_mode: RegistrationMode = settings.registration_mode
        self._admins_need_second_factor = settings.admins_need_second_factor
        self._password_verifier = PasswordVerifier(db, hasher, slowdown)
        self.second_factor = second_factor
        self.sessions = SessionService(db, tokens, second_factor, settings)
        self.step_up = StepUpService(db, self._password_verifier, second_factor, slowdown)

    def register(self, username: str, password: str, *, invite: str | None, address: str, now: float) -> UserProfile:
        """Create an account with the role `member`.

        Raises:
            RegistrationRefused, InviteRefused, InvalidField, NameTaken, PasswordHashingOverloaded
        """
        if self._registration_mode == "closed":
            raise RegistrationRefused("registration is closed; ask an administrator for an account")
        invite_hash = self._validate_invite(invite, now) if self._registration_mode == "invite" else None
        name = clean_username(trim_username(username))
        if is_reserved(name):
            raise NameTaken("this username is reserved")
        with self._db.read() as db:
            repository.demand_free_name(db, name)  # saves the cost of a hash; the unique keys decide races below
        password_hash = self._hasher.hash_new(password, username=name)
        with self._db.write() as db:
            user = repository.add_user(db, name=name, password_hash=password_hash, role=MEMBER, now=now)
            if invite_hash and not repository.use_invite(db, invite_hash, user_id=user.id, now=now):
                raise InviteRefused("this invite has been used or has expired; ask for another")
            record(db, now, user.id, "user.register", target=user.id, address=address)
        return profile_of(user, admins_need_second_factor=self._admins_need_second_factor)

    def login(
        self, username: str, password: str, totp: str | None = None, *, client: str, address: str, now: float
    ) -> SessionTokens:
        """Open a session. Takes the same time for an unknown user as for a wrong password.

        Raises:
            BadCredentials, TooManyAttempts, PasswordHashingOverloaded
            AccountDisabled, SecondFactorRequired, BadSecondFactor: Only if the password is right.
        """
        verified = self._password_verifier.verify_login(username, password, address=address)
        if totp and verified.user.totp_confirmed_at is not None:
            self._slowdown.check_code_attempts(verified.account, address, known_network=verified.known_network)
        try:
            tokens = self.sessions.open(
                verified.user.id, verified.password_hash, totp, client=client, address=address, now=now
            )
        except BadSecondFactor:
            self._count_wrong_code(verified, address)
            raise
        self._slowdown.succeeded(verified.account, address)
        return tokens

    def change_password(self, principal: Principal, current: str, new: str, *, address: str, now: float) -> None:
        """Set a new password and end the user's other sessions.

        Raises:
            BadCredentials: The current password is wrong.
            InvalidField, TooManyAttempts, PasswordHashingOverloaded
        """
        # First what needs no secret: a new password that is refused anyway must not cost a failed check.
        validate_characters(new)
        old_hash = self._password_verifier.verify_again(principal.user_id, current, address=address).password_hash
        if same_password(current, new):
            raise InvalidField("password", "the new password is the same as the old one")
        new_hash = self._hasher.hash_new(new, username=principal.name)
        with self._db.write() as db:
            if not repository.replace_password(
                db, principal.user_id, old_hash=old_hash, new_hash=new_hash, must_change=False
            ):
                raise BadCredentials("the current password is wrong")
            end_sessions_of(db, principal.user_id, now, "password changed", except_id=principal.session_id)
            record(db, now, principal.user_id, "password.change", target=principal.user_id, address=address)

    def begin_second_factor(self, principal: Principal, password: str, *, address: str, now: float) -> str:
        """Return a new secret for the user's authenticator app.

        Raises:
            BadCredentials, TooManyAttempts, Conflict, PasswordHashingOverloaded
        """
        self._password_verifier.verify_again(principal.user_id, password, address=address)
        return self.second_factor.begin(principal.user_id, address=address, now=now)

    def disable_second_factor(
        self, principal: Principal, password: str, totp: str, *, address: str, now: float
    ) -> None:
        """Remove the user's second factor.

        Raises:
            BadCredentials, SecondFactorRequired, BadSecondFactor, TooManyAttempts, Conflict, PasswordHashingOverloaded
        """
        verified = self._password_verifier.verify_again(principal.user_id, password, address=address)
        self._slowdown.check_code_attempts(verified.account, address, known_network=verified.known_network)
        try:
            self.second_factor.disable(principal.user_id, totp, address=address, now=now)
        except BadSecondFactor:
            self._count_wrong_code(verified, address)
            raise
        self._slowdown.succeeded(verified.account, address)

    def profile(self, user_id: str) -> UserProfile:
        """Return the user's own account. Raises NotFound."""
        with self._db.read() as db:
            user = repository.user_by_id(db, user_id)
        if user is None:
            raise NotFound("there is no such user")
        return profile_of(user, admins_need_second_factor=self._admins_need_second_factor)

    def _validate_invite(self, invite: str | None, now: float) -> str:
        invite_hash = hash_token(normalise_pasted_token(invite)) if invite else None
        with self._db.read() as db:
            if invite_hash is None or not repository.invite_is_valid(db, invite_hash, now):
                raise InviteRefused("registration needs a valid invite; ask an administrator for one")
        return invite_hash

    def _count_wrong_code(self, verified: VerifiedPassword, address: str) -> None:
        self._slowdown.code_failed(verified.account)
        log.warning("second factor refused user=%s address=%s", verified.user.id, address, extra=RATE_LIMITED)
