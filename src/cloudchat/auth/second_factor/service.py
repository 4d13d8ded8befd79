"""Set-up, verification and removal of a user's second factor."""

import logging
import re

from cloudchat.auth.errors import BadSecondFactor, Conflict, SecondFactorRequired
from cloudchat.auth.keys.vault import DecryptionError, Vault
from cloudchat.auth.principal import Principal
from cloudchat.auth.repository import update_user, user_for_update
from cloudchat.auth.second_factor import repository
from cloudchat.auth.second_factor.recovery_codes import hash_recovery_code, new_recovery_codes
from cloudchat.auth.second_factor.totp import matching_step, new_totp_secret
from cloudchat.auth.sessions.repository import end_sessions_of
from cloudchat.auth.tokens.opaque_tokens import normalise_typed_code
from cloudchat.core.invisible import remove_blank
from cloudchat.core.log_rate_limit import RATE_LIMITED
from cloudchat.database.audit import record
from cloudchat.database.tables.accounts import User
from cloudchat.database.transactions import Database, Transaction

_TOTP_CODE = re.compile(r"[0-9]{6}", re.ASCII)

log = logging.getLogger("cloudchat.auth")


class SecondFactorService:
    """The second factors of all users. Blocking: call it in threads."""

    def __init__(self, db: Database, vault: Vault) -> None:
        self._db = db
        self._vault = vault

    def begin(self, user_id: str, *, address: str, now: float) -> str:
        """Return a new secret for the user's app. It has no effect until `confirm`. Raises NotFound, Conflict."""
        secret = new_totp_secret()
        with self._db.write() as db:
            user = user_for_update(db, user_id)
            if user.totp_confirmed_at is not None:
                raise Conflict("a second factor is set up already; disable it first")
            update_user(db, user, totp_secret=self._vault.encrypt(secret, purpose=user.id))
            record(db, now, user.id, "totp.begin", target=user.id, address=address)
        return secret

    def confirm(self, principal: Principal, code: str, *, address: str, now: float) -> list[str]:
        """Enable the second factor with a code that proves that the app has the secret. End the other sessions.

        Returns:
            The recovery codes, to be shown once.

        Raises:
            NotFound, Conflict, BadSecondFactor
        """
        codes = new_recovery_codes()
        with self._db.write() as db:
            user = user_for_update(db, principal.user_id)
            if user.totp_secret is None or user.totp_confirmed_at is not None:
                raise Conflict("there is no second factor to confirm; begin with its setup")
            step = self._matching_step(user, normalise_typed_code(code), now)
            if step is None:
                raise BadSecondFactor("the code is wrong; check that the clock of the phone is right")
            update_user(db, user, totp_confirmed_at=now, totp_last_step=step)
            repository.replace_recovery_codes(db, user.id, [hash_recovery_code(plain) for plain in codes])
            # The other sessions were opened with the password alone, perhaps by a thief.
            end_sessions_of(db, user.id, now, "second factor set up", except_id=principal.session_id)
            record(db, now, user.id, "totp.enable", target=user.id, address=address)
        return codes

    def disable(self, user_id: str, code: str, *, address: str, now: float) -> None:
        """Remove the user's second factor. Raises NotFound, Conflict, SecondFactorRequired, BadSecondFactor."""
        with self._db.write() as db:
            user = user_for_update(db, user_id)
            if user.totp_confirmed_at is None:
                raise Conflict("there is no second factor to disable")
            self.verify(db, user, code, now)
            repository.remove_second_factor(db, user.id, now)
            record(db, now, user.id, "totp.disable", target=user.id, address=address)

    def verify(self, db: Transaction, user: User, code: str | None, now: float) -> None:
        """Verify a code and mark it as used, in the transaction of the allowed action. No-op without a second factor.

        The caller must have locked `user` in the transaction.

        Raises:
            SecondFactorRequired, BadSecondFactor
        """
        if user.totp_confirmed_at is None:
            return
        if not code or not remove_blank(code):
            raise SecondFactorRequired("enter the code of your authenticator app, or a recovery code")
        if not self._use_code(db, user, code, now):
            raise BadSecondFactor("the code is wrong, or was used already; wait for the next one")

    def _use_code(self, db: Transaction, user: User, code: str, now: float) -> bool:
        code = normalise_typed_code(code)
        if not _TOTP_CODE.fullmatch(code):
            used = repository.use_recovery_code(db, user.id, hash_recovery_code(code))
            if used:
                record(db, now, user.id, "totp.recovery_code", target=user.id)
            return used
        step = self._matching_step(user, code, now)
        # Each step is accepted once, so that an observed code is worthless (RFC 6238 §5.2).
        return step is not None and repository.use_step(db, user.id, step)

    def _matching_step(self, user: User, code: str, now: float) -> int | None:
        try:
            return matching_step(self._vault.decrypt(user.totp_secret or "", purpose=user.id), code, now)
        except DecryptionError as error:
            # Without a trace, which adds nothing: the message says what to fix.
            log.error("%s user=%s", error, user.id, extra=RATE_LIMITED)  # noqa: TRY400
            return None
