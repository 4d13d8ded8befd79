"""Step-up: before a change of credentials or roles, the session has to prove again who is at the keyboard (ASVS 7.5.3).

A stolen session or access token must not be enough to create administrators, or to take over other accounts. A login
counts as the first proof.
"""

import logging

from cloudchat.auth import repository
from cloudchat.auth.errors import (
    BadCredentials,
    BadSecondFactor,
    BadToken,
    Conflict,
    InvalidField,
)
from cloudchat.auth.passwords.verification import PasswordVerifier
from cloudchat.auth.principal import Principal
from cloudchat.auth.second_factor.service import SecondFactorService
from cloudchat.auth.sessions.repository import mark_verified
from cloudchat.core.log_rate_limit import RATE_LIMITED
from cloudchat.database.audit import REFUSED, record
from cloudchat.database.transactions import Database
from cloudchat.rate_limiting.login_slowdown import LoginSlowdown

log = logging.getLogger("cloudchat.auth")


class StepUpService:
    """Verifies the password or the second factor of a signed-in user. Blocking: call it in threads."""

    def __init__(
        self, db: Database, verifier: PasswordVerifier, second_factor: SecondFactorService, slowdown: LoginSlowdown
    ) -> None:
        self._db = db
        self._verifier = verifier
        self._second_factor = second_factor
        self._slowdown = slowdown

    def verify(self, principal: Principal, *, password: str | None, code: str | None, address: str, now: float) -> None:
        """Verify the password, the code of the second factor, or both, and store the proof in the session.

        Raises:
            BadCredentials, BadSecondFactor, SecondFactorRequired, TooManyAttempts, PasswordHashingOverloaded
            InvalidField: Neither was given.
            Conflict: A code was given for an account without a second factor.
            BadToken: The session has ended.
        """
        if password is None and code is None:
            raise InvalidField("password", "enter your password or a code of your authenticator app")
        try:
            self._verify(principal, password, code, address, now)
        except (BadCredentials, BadSecondFactor) as error:
            with self._db.write() as db:
                record(
                    db,
                    now,
                    principal.user_id,
                    "session.step_up",
                    target=principal.session_id,
                    address=address,
                    detail=str(error),
                    result=REFUSED,
                )
            raise

    def _verify(self, principal: Principal, password: str | None, code: str | None, address: str, now: float) -> None:
        if password is not None:
            verified = self._verifier.verify_again(principal.user_id, password, address=address)
            account, known_network = verified.account, verified.known_network
        else:
            account, known_network = self._verifier.count_attempt(principal.user_id, address=address)
        if code is not None:
            self._slowdown.check_code_attempts(account, address, known_network=known_network)
        try:
            with self._db.write() as db:
                user = repository.user_for_update(db, principal.user_id)
                if code is not None:
                    if user.totp_confirmed_at is None:  # every code would be right
                        raise Conflict("this account has no second factor; enter the password", field="totp")
                    self._second_factor.verify(db, user, code, now)
                if not mark_verified(db, principal.session_id, now):
                    raise BadToken("this session has ended; sign in again")
                record(db, now, user.id, "session.step_up", target=principal.session_id, address=address)
        except BadSecondFactor:
            self._slowdown.code_failed(account)
            log.warning("second factor refused user=%s address=%s", principal.user_id, address, extra=RATE_LIMITED)
            raise
        if code is not None:
            self._slowdown.succeeded(account, address)
