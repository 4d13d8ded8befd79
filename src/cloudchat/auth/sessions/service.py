"""Login sessions: opened by a login, kept alive by refresh tokens, ended by their user.

Each exchange of a refresh token locks its session's row: of two at once, the second one sees what the first one did.
What becomes of a token that is presented twice says auth/sessions/refresh_rotation.py.
"""

import logging

from cloudchat.auth.errors import AccountDisabled, BadCredentials, BadToken, NotFound, RefreshedJustNow
from cloudchat.auth.repository import user_by_id
from cloudchat.auth.results import SessionSummary, SignIn, profile_of
from cloudchat.auth.second_factor.service import SecondFactor
from cloudchat.auth.sessions import refresh_repository, repository
from cloudchat.auth.sessions.refresh_rotation import Verdict, decide
from cloudchat.auth.tokens.access_tokens import Tokens
from cloudchat.auth.tokens.opaque_tokens import hash_secret, new_secret
from cloudchat.core.client_network import client_network
from cloudchat.core.ids import new_id
from cloudchat.database.audit import record
from cloudchat.database.models import LoginSession, User
from cloudchat.database.transactions import Database
from cloudchat.settings import Settings

log = logging.getLogger("cloudchat.auth")


class SessionService:
    """Opens, refreshes, lists and ends sessions. Blocking: for threads."""

    def __init__(self, db: Database, tokens: Tokens, second_factor: SecondFactor, settings: Settings) -> None:
        self._db = db
        self._tokens = tokens
        self._second_factor = second_factor
        self._access_seconds = settings.access_token_seconds
        self._idle_seconds = settings.refresh_idle_seconds
        self._grace_seconds = settings.refresh_grace_seconds
        self._absolute_seconds = settings.refresh_absolute_seconds
        self._admins_need_second_factor = settings.admins_need_second_factor

    def open(
        self, user_id: str, password_hash: str, totp: str | None, *, client: str, address: str, now: float
    ) -> SignIn:
        """A new session for a user whose password was just found to fit `password_hash`.

        Raises AccountDisabled, SecondFactorRequired, BadSecondFactor, and BadCredentials if the password was changed
        since it was checked.
        """
        secret, secret_hash = new_secret()
        with self._db.write() as db:
            user = user_by_id(db, user_id, to_change=True)
            if user is None or user.password_hash != password_hash:
                raise BadCredentials("unknown username or wrong password")
            if user.disabled_at is not None:
                raise AccountDisabled("this account is disabled; ask an administrator")
            self._second_factor.demand(db, user, totp, now)
            session = repository.open_session(
                db,
                user_id=user_id,
                client=client,
                network=client_network(address),
                now=now,
                idle_seconds=self._idle_seconds,
                absolute_seconds=self._absolute_seconds,
            )
            refresh_repository.add_refresh_token(db, token_hash=secret_hash, session_id=session.id, now=now)
            record(db, now, user_id, "session.open", target=session.id, address=address)
        return self._sign_in(user, session, secret, now)

    def refresh(self, refresh_token: str, *, address: str, now: float) -> SignIn:
        """Exchange a refresh token for a new one and a new access token.

        Raises BadToken, RefreshedJustNow, AccountDisabled.
        """
        token_hash = hash_secret(refresh_token)
        secret, secret_hash = new_secret()
        with self._db.write() as db:
            session = (
                refresh_repository.session_of_refresh_token(db, token_hash, to_change=True) if token_hash else None
            )
            link = refresh_repository.state_of(db, token_hash) if token_hash and session else None
            user = user_by_id(db, session.user_id) if session else None
            if token_hash is None or session is None or link is None or user is None:
                raise BadToken("sign in again")
            if user.disabled_at is not None:
                raise AccountDisabled("this account is disabled; ask an administrator")
            if session.ended_at is not None or now >= min(session.expires_at, session.idle_expires_at):
                raise BadToken("this session has ended; sign in again")
            verdict = decide(link, now, self._grace_seconds)
            if verdict is Verdict.WAIT:
                raise RefreshedJustNow("this session was refreshed a moment ago; use the newer token")
            if verdict is Verdict.REVOKE:
                # Not by an exception within the block: it would undo the very revocation.
                repository.end_session(db, session.id, now, "refresh token used twice")
                record(db, now, user.id, "session.reuse", target=session.id, address=address)
            else:
                refresh_repository.mark_used(db, token_hash, now)
                refresh_repository.add_refresh_token(
                    db, token_hash=secret_hash, session_id=session.id, now=now, parent_hash=token_hash
                )
                refresh_repository.forget_old_links(db, session.id, now - self._idle_seconds)
                session.last_used_at = now
                session.idle_expires_at = min(now + self._idle_seconds, session.expires_at)
        if verdict is Verdict.REVOKE:
            log.warning("refresh token used twice user=%s session=%s address=%s", user.id, session.id, address)
            raise BadToken("this session has ended; sign in again")
        if link.used_at is not None:
            log.info("refresh answered once more user=%s session=%s address=%s", user.id, session.id, address)
        return self._sign_in(user, session, secret, now)

    def end_by_refresh_token(self, refresh_token: str, *, address: str, now: float) -> None:
        """End the session that a refresh token, even a used one, belongs to. Quiet about an unknown one."""
        token_hash = hash_secret(refresh_token)
        with self._db.write() as db:
            session = refresh_repository.session_of_refresh_token(db, token_hash) if token_hash else None
            if session and repository.end_session(db, session.id, now, "logout"):
                record(db, now, session.user_id, "session.end", target=session.id, address=address)

    def end(self, user_id: str, session_id: str, *, because: str, address: str, now: float) -> None:
        """End one of the user's sessions. Raises NotFound."""
        with self._db.write() as db:
            if not repository.end_session(db, session_id, now, because, user_id=user_id):
                raise NotFound("there is no such session")
            record(db, now, user_id, "session.end", target=session_id, address=address)

    def list(self, user_id: str, *, current: str, now: float) -> list[SessionSummary]:
        """The user's live sessions, the newest use first."""
        with self._db.read() as db:
            return [
                SessionSummary(
                    id=session.id,
                    client=session.client,
                    created_at=session.created_at,
                    last_used_at=session.last_used_at,
                    expires_at=min(session.expires_at, session.idle_expires_at),
                    current=session.id == current,
                )
                for session in repository.live_sessions(db, user_id, now)
            ]

    def _sign_in(self, user: User, session: LoginSession, secret: str, now: float) -> SignIn:
        return SignIn(
            user=profile_of(user, admins_need_second_factor=self._admins_need_second_factor),
            session_id=session.id,
            access_token=self._tokens.issue_access(user.id, session.id, new_id(), now),
            expires_in=self._access_seconds,
            refresh_token=secret,
            refresh_expires_in=int(min(session.idle_expires_at, session.expires_at) - now),
        )
