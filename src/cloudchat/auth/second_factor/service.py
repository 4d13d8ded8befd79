"""A second factor: codes of an authenticator app, and ten recovery codes for the day it is lost."""

import logging
import re

from cloudchat.auth.errors import BadSecondFactor, Conflict, NotFound, SecondFactorRequired
from cloudchat.auth.principal import Principal
from cloudchat.auth.repository import user_by_id
from cloudchat.auth.second_factor import repository
from cloudchat.auth.second_factor.recovery_codes import hash_recovery_code, new_recovery_code
from cloudchat.auth.second_factor.totp import new_totp_secret, step_of_code
from cloudchat.auth.sessions.repository import end_sessions_of
from cloudchat.auth.vault import Vault, VaultError
from cloudchat.database.audit import record
from cloudchat.database.models import User
from cloudchat.database.transactions import Database, Transaction

RECOVERY_CODES = 10
_SIX_DIGITS = re.compile(r"[0-9]{6}", re.ASCII)

log = logging.getLogger("cloudchat.auth")


class SecondFactor:
    """Sets it up, asks for it, takes it away. Blocking: for threads."""

    def __init__(self, db: Database, vault: Vault) -> None:
        self._db = db
        self._vault = vault

    def begin(self, user_id: str, *, address: str, now: float) -> str:
        """A new secret for the user's app; it counts once `confirm` was given a code of it. Raises Conflict."""
        secret = new_totp_secret()
        with self._db.write() as db:
            user = _user(db, user_id)
            if user.totp_confirmed_at is not None:
                raise Conflict("a second factor is set up already; disable it first")
            user.totp_secret = self._vault.lock(secret, purpose=user.id)
            record(db, now, user.id, "totp.begin", target=user.id, address=address)
        return secret

    def confirm(self, principal: Principal, code: str, *, address: str, now: float) -> list[str]:
        """Prove that the app has the secret. Returns the recovery codes; the user's other sessions end.

        Raises Conflict, BadSecondFactor.
        """
        codes = [new_recovery_code() for _ in range(RECOVERY_CODES)]
        with self._db.write() as db:
            user = _user(db, principal.user_id)
            if user.totp_secret is None or user.totp_confirmed_at is not None:
                raise Conflict("there is no second factor to confirm; begin with its setup")
            step = self._step(user, code, now)
            if step is None:
                raise BadSecondFactor("the code is wrong; is the clock of the phone right?")
            user.totp_confirmed_at = now
            user.totp_last_step = step
            repository.replace_recovery_codes(db, user.id, [hash_recovery_code(plain) for plain in codes])
            # Whoever else signed in with the password alone has to come again.
            end_sessions_of(db, user.id, now, "second factor set up", except_id=principal.session_id)
            record(db, now, user.id, "totp.enable", target=user.id, address=address)
        return codes

    def disable(self, user_id: str, code: str, *, address: str, now: float) -> None:
        """Take it away, for its user, who must have one. Raises Conflict, BadSecondFactor."""
        with self._db.write() as db:
            user = _user(db, user_id)
            if user.totp_confirmed_at is None:
                raise Conflict("there is no second factor to disable")
            self.demand(db, user, code, now)
            repository.remove_second_factor(db, user, now)
            record(db, now, user.id, "totp.disable", target=user.id, address=address)

    def demand(self, db: Transaction, user: User, code: str | None, now: float) -> None:
        """Use a code up, in the transaction of what it opens; `user` must be locked in it. Nothing if none is set up.

        Raises SecondFactorRequired, BadSecondFactor.
        """
        if user.totp_confirmed_at is None:
            return
        if not code or not code.strip():
            raise SecondFactorRequired("enter the code of your authenticator app, or a recovery code")
        if not self._spend(db, user, code, now):
            raise BadSecondFactor("the code is wrong, or was used already; wait for the next one")

    def _spend(self, db: Transaction, user: User, code: str, now: float) -> bool:
        typed = code.replace(" ", "")
        if not _SIX_DIGITS.fullmatch(typed):
            spent = repository.use_recovery_code(db, user.id, hash_recovery_code(typed))
            if spent:
                record(db, now, user.id, "totp.recovery_code", target=user.id)
            return spent
        step = self._step(user, typed, now)
        # A code that was seen over a shoulder is worth nothing: each step counts once (RFC 6238 §5.2).
        if step is None or step <= (user.totp_last_step or 0):
            return False
        user.totp_last_step = step
        return True

    def _step(self, user: User, code: str, now: float) -> int | None:
        try:
            return step_of_code(self._vault.unlock(user.totp_secret or "", purpose=user.id), code, now)
        except VaultError as error:
            log.error("%s user=%s", error, user.id)  # noqa: TRY400 (the line says what to mend; the trace says nothing)
            return None


def _user(db: Transaction, user_id: str) -> User:
    user = user_by_id(db, user_id, to_change=True)
    if user is None:
        raise NotFound("there is no such user")
    return user
