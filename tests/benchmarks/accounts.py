"""Users with sessions and access tokens, for the members of a benchmark."""

import time
from pathlib import Path

from cloudchat.auth.tokens.access_tokens import Tokens
from cloudchat.auth.tokens.keys import load_or_create
from cloudchat.auth.usernames import name_skeleton, username_key
from cloudchat.core.ids import new_id
from cloudchat.database.engine import create_engine
from cloudchat.database.lobby import join_lobby
from cloudchat.database.models import LoginSession, User
from cloudchat.database.transactions import Database

TOKEN_SECONDS = 3600
"""Lifetime of the tokens. The server must have the same `CLOUDCHAT_ACCESS_TOKEN_SECONDS`."""
_DAY_SECONDS = 86400


def create_tokens(count: int, state_dir: Path, database_url: str) -> list[str]:
    """Create `count` users who have signed in, and return an access token of each.

    Registration through HTTP would hash a password for each, and would take hours under its rate limit. The tokens are
    real: signed with the server's own key, and checked by it at each connect like any other. All names have the same
    length, so that all messages have the same length.
    """
    now = time.time()
    tokens = Tokens(load_or_create(state_dir / "keys"), access_seconds=TOKEN_SECONDS)
    users = [_user(f"bench{number:05d}", now) for number in range(count)]
    sessions = [_session(user, now) for user in users]
    database = Database(create_engine(database_url))
    try:
        with database.write() as db:  # in bulk: the functions for one user take ten times as long
            db.add_all(users)
            db.flush()
            db.add_all(sessions)
            for user in users:
                join_lobby(db, user.id, now)
            return [tokens.issue_access(session.user_id, session.id, new_id(), now) for session in sessions]
    finally:
        database.close()


def _user(name: str, now: float) -> User:
    return User(
        id=new_id(),
        name=name,
        name_key=username_key(name),
        name_skeleton=name_skeleton(name),
        role="member",
        created_at=now,
    )


def _session(user: User, now: float) -> LoginSession:
    return LoginSession(
        id=new_id(),
        user_id=user.id,
        client="benchmark",
        network="127.0.0.1",
        created_at=now,
        last_used_at=now,
        idle_expires_at=now + _DAY_SECONDS,
        expires_at=now + _DAY_SECONDS,
        verified_at=now,
    )
