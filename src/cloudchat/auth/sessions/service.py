"""Login sessions: created by a login, continued with refresh tokens, ended by their user.

Each exchange of a refresh token locks the session's row: of two concurrent exchanges, the second sees the first one's
result. `refresh_rotation` decides about a token that is presented twice. A token is deleted when it has been dead for
longer than the grace period; presented after that, it is recognised by the family that all tokens of a session share,
and ends the session as well. So a session has few rows, however often it is refreshed.
"""

import logging

from cloudchat.auth.errors import (
    AccountDisabled,
    BadCredentials,
    BadToken,
    NotFound,
    RefreshedTooOften,
    RefreshTokenSuperseded,
)
from cloudchat.auth.repository import user_by_id
from cloudchat.auth.results import SessionSummary, SessionTokens, profile_of
from cloudchat.auth.second_factor.service import SecondFactorService
from cloudchat.auth.sessions import repository
from cloudchat.auth.sessions.refresh_rotation import Decision, decide
from cloudchat.auth.tokens.access_tokens import Tokens
from cloudchat.auth.tokens.opaque_tokens import hash_family, hash_token, new_refresh_token
from cloudchat.core.client_network import client_network
from cloudchat.core.ids import new_id
from cloudchat.core.log_rate_limit import RATE_LIMITED
from cloudchat.database.audit import record
from cloudchat.database.tables.accounts import LoginSession, User
from cloudchat.database.transactions import Database
from cloudchat.settings import Settings

DEAD_TOKEN_RETENTION_SECONDS = 60
"""Longer than the grace period by more than the clocks of two servers differ."""
MAX_ROTATIONS = 300
"""Exchanges of one session in `DEAD_TOKEN_RETENTION_SECONDS`, from all addresses together. A client needs one in
minutes; each is a row."""

log = logging.getLogger("cloudchat.auth")


class SessionService:
    """Opens, refreshes, lists and ends sessions. Blocking: call it in threads."""

    def __init__(self, db: Database, tokens: Tokens, second_factor: SecondFactorService, settings: Settings) -> None:
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
    ) -> SessionTokens:
        """Open a session for a user whose password was just verified against `password_hash`.

        Raises:
            AccountDisabled, SecondFactorRequired, BadSecondFactor
            BadCredentials: The password was changed after it was verified.
        """
        refresh_token, refresh_hash = new_refresh_token()
        with self._db.write() as db:
            user = user_by_id(db, user_id, for_update=True)
            if user is None or user.password_hash != password_hash:
                raise BadCredentials("unknown username or wrong password")
            if user.disabled_at is not None:
                raise AccountDisabled("this account is disabled; ask an administrator")
            self._second_factor.verify(db, user, totp, now)
            session = repository.create_session(
                db,
                user_id=user_id,
                client=client,
                network=client_network(address),
                family_hash=hash_family(refresh_token),
                now=now,
                idle_seconds=self._idle_seconds,
                absolute_seconds=self._absolute_seconds,
            )
            repository.add_refresh_token(db, token_hash=refresh_hash, session_id=session.id, now=now)
            record(db, now, user_id, "session.open", target=session.id, address=address)
        return self._session_tokens(user, session, refresh_token, now)

    def refresh(self, refresh_token: str, *, address: str, now: float) -> SessionTokens:
        """Exchange a refresh token for a new one and a new access token.

        Raises:
            BadToken, RefreshTokenSuperseded, AccountDisabled
        """
        token_hash, family_hash = hash_token(refresh_token), hash_family(refresh_token)
        if token_hash is None or family_hash is None:
            raise BadToken("sign in again")
        dead_before = now - max(DEAD_TOKEN_RETENTION_SECONDS, 2 * self._grace_seconds)
        with self._db.write() as db:
            session = repository.session_of_refresh_token(db, token_hash, for_update=True)
            state = repository.refresh_token_state(db, token_hash) if session else None
            if state is None:
                session = repository.session_of_family(db, family_hash)
            user = user_by_id(db, session.user_id) if session else None
            if session is None or user is None:
                raise BadToken("sign in again")
            if user.disabled_at is not None:
                raise AccountDisabled("this account is disabled; ask an administrator")
            if session.ended_at is not None or now >= min(session.expires_at, session.idle_expires_at):
                raise BadToken("this session has ended; sign in again")
            # A token of the session without a row died long ago.
            decision = decide(state, now, self._grace_seconds) if state else Decision.REVOKE
            if decision is Decision.WAIT:
                raise RefreshTokenSuperseded("this session was refreshed a moment ago; use the newer token")
            if decision is Decision.REVOKE:
                # Do not raise inside the block: the rollback would undo the revocation.
                repository.end_session(db, session.id, now, "refresh token used twice")
                record(db, now, user.id, "session.reuse", target=session.id, address=address)
            else:
                if repository.count_rotations(db, session.id, dead_before, at_most=MAX_ROTATIONS) == MAX_ROTATIONS:
                    raise RefreshedTooOften("this session was refreshed too often; wait a minute")
                same_family = session.family_hash == family_hash
                # Sessions of older versions have no family: it begins with the first exchange.
                successor, successor_hash = new_refresh_token(after=refresh_token if same_family else None)
                repository.mark_rotated(db, token_hash, now)
                repository.add_refresh_token(
                    db, token_hash=successor_hash, session_id=session.id, now=now, parent_hash=token_hash
                )
                repository.delete_dead_refresh_tokens(db, session.id, dead_before)
                session = repository.continue_session(
                    db, session, now, family_hash=hash_family(successor), idle_seconds=self._idle_seconds
                )
        if decision is Decision.REVOKE:
            fields = user.id, session.id, address
            log.warning("refresh token used twice user=%s session=%s address=%s", *fields, extra=RATE_LIMITED)
            raise BadToken("this session has ended; sign in again")
        if state is not None and state.used_at is not None:
            fields = user.id, session.id, address
            log.info("refresh token exchanged again user=%s session=%s address=%s", *fields, extra=RATE_LIMITED)
        return self._session_tokens(user, session, successor, now)

    def end_by_refresh_token(self, refresh_token: str, *, address: str, now: float) -> None:
        """End the session of a refresh token, even of one that was exchanged. Ignore an unknown token."""
        token_hash, family_hash = hash_token(refresh_token), hash_family(refresh_token)
        if token_hash is None or family_hash is None:
            return
        with self._db.write() as db:
            session = repository.session_of_refresh_token(db, token_hash)
            session = session or repository.session_of_family(db, family_hash)
            if session and repository.end_session(db, session.id, now, "logout"):
                record(db, now, session.user_id, "session.end", target=session.id, address=address)

    def end(self, user_id: str, session_id: str, *, reason: str, address: str, now: float) -> None:
        """End one of the user's sessions. Raises NotFound."""
        with self._db.write() as db:
            if not repository.end_session(db, session_id, now, reason, user_id=user_id):
                raise NotFound("there is no such session")
            record(db, now, user_id, "session.end", target=session_id, address=address)

    def list(self, user_id: str, *, current: str, now: float) -> list[SessionSummary]:
        """Return the user's live sessions, most recently used first. `current` is the id of the caller's session."""
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

    def _session_tokens(self, user: User, session: LoginSession, refresh_token: str, now: float) -> SessionTokens:
        return SessionTokens(
            user=profile_of(user, admins_need_second_factor=self._admins_need_second_factor),
            session_id=session.id,
            access_token=self._tokens.issue_access(user.id, session.id, new_id(), now),
            expires_in=self._access_seconds,
            refresh_token=refresh_token,
            refresh_expires_in=int(min(session.idle_expires_at, session.expires_at) - now),
        )
