"""What handshakes read of the database: sessions, and what was revoked. Both have a thread of their own."""

import time
from collections.abc import Mapping, Sequence
from functools import partial

from cloudchat.auth.authentication import Authenticator
from cloudchat.auth.errors import AccountError, BadToken
from cloudchat.auth.keys.key_rotation import LiveKeyRing
from cloudchat.auth.principal import Principal
from cloudchat.auth.sessions.revocations import Revocations, revocations_since
from cloudchat.database.read_thread import ReadThread
from cloudchat.database.transactions import Database, Transaction
from cloudchat.realtime.opening.session_directory import ChatSession
from cloudchat.rooms.summaries.repository import rooms_of_users


class SessionReads:
    """The reads of one process. Both methods raise `DatabaseUnavailable`."""

    def __init__(self, db: Database, authenticator: Authenticator, keys: LiveKeyRing) -> None:
        self._thread = ReadThread(db, "sessions")
        self._authenticator = authenticator
        self._keys = keys

    async def sessions(self, tokens: Sequence[str]) -> Mapping[str, ChatSession | AccountError]:
        """Return the session of each token, or why it has none."""
        return await self._thread.run(partial(self._sessions, tokens))

    async def revocations_since(self, since: float) -> Revocations:
        """Return the revocations since an instant (seconds since 1970)."""
        return await self._thread.run(partial(revocations_since, keys=self._keys, since=since))

    def close(self) -> None:
        """Close the connection to the database."""
        self._thread.close()

    def _sessions(self, tokens: Sequence[str], db: Transaction) -> Mapping[str, ChatSession | AccountError]:
        now = time.time()
        found: dict[str, ChatSession | AccountError] = dict.fromkeys(tokens, BadToken("the token is not valid"))
        verified = self._authenticator.verify_all(tokens, now)
        if not verified:
            return found
        principals = self._authenticator.principals_of(db, verified, now)
        users = {outcome.user_id for outcome in principals.values() if isinstance(outcome, Principal)}
        rooms = rooms_of_users(db, users)
        for token, outcome in principals.items():
            found[token] = ChatSession(outcome, rooms[outcome.user_id]) if isinstance(outcome, Principal) else outcome
        return found
