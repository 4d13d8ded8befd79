"""Accounts: who may register and sign in, and whom a token speaks for."""

import logging

from cloudchat.auth import repository
from cloudchat.auth.errors import (
    AccountDisabled,
    BadCredentials,
    BadSecondFactor,
    BadToken,
    InvalidField,
    NameTaken,
    NotFound,
    RegistrationRefused,
)
from cloudchat.auth.passwords.hashing import Passwords
from cloudchat.auth.passwords.verification import Checked, PasswordCheck
from cloudchat.auth.principal import ADMINISTER, MEMBER, SCOPES_OF_ROLE, Principal
from cloudchat.auth.results import Profile, SignIn, must_set_up_totp, profile_of
from cloudchat.auth.second_factor.service import SecondFactor
from cloudchat.auth.sessions.repository import TokenStatus, api_token_standing, end_sessions_of, session_standing
from cloudchat.auth.sessions.service import SessionService
from cloudchat.auth.tokens.access_tokens import ACCESS, API, Tokens
from cloudchat.auth.tokens.opaque_tokens import hash_secret
from cloudchat.auth.tokens.token_last_used import TokenLastUsed
from cloudchat.auth.usernames import clean_username, is_reserved
from cloudchat.core.log_rate_limit import RATE_LIMITED
from cloudchat.database.audit import record
from cloudchat.database.models import User
from cloudchat.database.transactions import Database
from cloudchat.rate_limiting.login_slowdown import LoginSlowdown
from cloudchat.settings import RegistrationMode, Settings

log = logging.getLogger("cloudchat.auth")


class AccountService:
    """Everything about one's own account. Blocking: for threads."""

    def __init__(
        self,
        db: Database,
        tokens: Tokens,
        passwords: Passwords,
        second_factor: SecondFactor,
        slowdown: LoginSlowdown,
        settings: Settings,
    ) -> None:
        self._db = db
        self._tokens = tokens
        self._passwords = passwords
        self._slowdown = slowdown
        self._mode: RegistrationMode = settings.registration_mode
        self._admins_need_second_factor = settings.admins_need_second_factor
        self._password_check = PasswordCheck(db, passwords, slowdown)
        self._token_uses = TokenLastUsed(db)
        self.second_factor = second_factor
        self.sessions = SessionService(db, tokens, second_factor, settings)

    def register(self, username: str, password: str, *, invite: str | None, address: str, now: float) -> Profile:
        """A new member. Raises RegistrationRefused, InvalidField, NameTaken, PasswordHashingOverloaded."""
        if self._mode == "closed":
            raise RegistrationRefused("registration is closed; ask an administrator for an account")
        invite_hash = self._checked_invite(invite, now) if self._mode == "invite" else None
        name = clean_username(username)
        if is_reserved(name):
            raise NameTaken("this username is reserved")
        with self._db.read() as db:
            if repository.user_by_name(db, name):  # before the cost of a hash; the unique key decides below
                raise NameTaken("this username is taken")
        password_hash = self._passwords.hash_new(password, username=name)
        with self._db.write() as db:
            user = repository.add_user(db, name=name, password_hash=password_hash, role=MEMBER, now=now)
            if invite_hash and not repository.use_invite(db, invite_hash, user_id=user.id, now=now):
                raise RegistrationRefused("this invite has been used or has expired; ask for another")
            record(db, now, user.id, "user.register", target=user.id, address=address)
        return profile_of(user, admins_need_second_factor=self._admins_need_second_factor)

    def login(
        self, username: str, password: str, totp: str | None = None, *, client: str, address: str, now: float
    ) -> SignIn:
        """A new session. Takes as long for an unknown user as for a wrong password.

        Raises BadCredentials, TooManyAttempts, PasswordHashingOverloaded; and, only when the password is right,
        AccountDisabled, SecondFactorRequired, BadSecondFactor.
        """
        checked = self._password_check.of_name(username, password, address=address)
        if totp and checked.user.totp_confirmed_at is not None:
            self._slowdown.check_code_attempts(checked.account, address, known_network=checked.known)
        try:
            sign_in = self.sessions.open(
                checked.user.id, checked.password_hash, totp, client=client, address=address, now=now
            )
        except BadSecondFactor:
            self._code_refused(checked, address)
            raise
        self._slowdown.succeeded(checked.account, address)
        return sign_in

    def change_password(self, principal: Principal, current: str, new: str, *, address: str, now: float) -> None:
        """Set a new password, and end the user's other sessions.

        Raises BadCredentials (the current one is wrong), InvalidField, TooManyAttempts, PasswordHashingOverloaded.
        """
        old_hash = self._password_check.again(principal.user_id, current, address=address).password_hash
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

    def begin_second_factor(self, principal: Principal, password: str, *, address: str, now: float) -> str:
        """Return a new secret for the user's authenticator app.

        Raises BadCredentials, TooManyAttempts, Conflict, PasswordHashingOverloaded.
        """
        self._password_check.again(principal.user_id, password, address=address)
        return self.second_factor.begin(principal.user_id, address=address, now=now)

    def disable_second_factor(
        self, principal: Principal, password: str, totp: str, *, address: str, now: float
    ) -> None:
        """Go back to the password alone.

        Raises BadCredentials, SecondFactorRequired, BadSecondFactor, TooManyAttempts, Conflict,
        PasswordHashingOverloaded.
        """
        checked = self._password_check.again(principal.user_id, password, address=address)
        self._slowdown.check_code_attempts(checked.account, address, known_network=checked.known)
        try:
            self.second_factor.disable(principal.user_id, totp, address=address, now=now)
        except BadSecondFactor:
            self._code_refused(checked, address)
            raise
        self._slowdown.succeeded(checked.account, address)

    def close(self) -> None:
        """Write what waits to be written; to be called before the database is closed."""
        self._token_uses.close()

    def profile(self, user_id: str) -> Profile:
        """The user's own data. Raises NotFound."""
        with self._db.read() as db:
            user = repository.user_by_id(db, user_id)
        if user is None:
            raise NotFound("there is no such user")
        return profile_of(user, admins_need_second_factor=self._admins_need_second_factor)

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
        if claims.kind == API:
            self._token_uses.note(claims.token_id, standing.last_used_at, now)
        return Principal(
            user_id=user.id,
            name=user.name,
            role=user.role,
            scopes=self._scopes(user, standing),
            session_id=claims.session_id or claims.token_id,
            expires_at=min(claims.expires_at, standing.expires_at),
            kind=claims.kind,
            rights_of=user.access_changed_at,
            key_id=claims.key_id,
        )

    def _code_refused(self, checked: Checked, address: str) -> None:
        self._slowdown.code_failed(checked.account)
        log.warning("second factor refused user=%s address=%s", checked.user.id, address, extra=RATE_LIMITED)

    def _scopes(self, user: User, standing: TokenStatus) -> frozenset[str]:
        scopes = SCOPES_OF_ROLE.get(user.role, frozenset())
        if standing.scopes is not None:
            # An API token was issued by who held these scopes, to a program: it types no password, and no codes.
            return scopes & frozenset(standing.scopes.split())
        if user.must_change_password:
            return frozenset()  # a one-time password opens one door only: the one to a password of the user's own
        if must_set_up_totp(user, admins_need_second_factor=self._admins_need_second_factor):
            scopes -= {ADMINISTER}
        return scopes

    def _checked_invite(self, invite: str | None, now: float) -> str:
        invite_hash = hash_secret(invite) if invite else None
        with self._db.read() as db:
            if invite_hash is None or not repository.invite_is_good(db, invite_hash, now):
                raise RegistrationRefused("registration needs a valid invite; ask an administrator for one")
        return invite_hash
