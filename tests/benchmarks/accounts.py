"""Users with sessions and access tokens, for the members of a benchmark."""

import time
from pathlib import Path

from cloudchat.auth.repository import add_user
from cloudchat.auth.sessions.repository import create_session
from cloudchat.auth.tokens.access_tokens import Tokens
from cloudchat.auth.tokens.keys import load_or_create
from cloudchat.core.ids import new_id
from cloudchat.database.engine import create_engine
from cloudchat.database.transactions import Database

TOKEN_SECONDS = 3600
"""Lifetime of the tokens. The server must have the same `CLOUDCHAT_ACCESS_TOKEN_SECONDS`."""


def create_tokens(count: int, state_dir: Path, database_url: str) -> list[str]:
    """Create `count` users who have signed in, and return an access token of each.

    Registration through HTTP would hash a password for each, and would take hours under its rate limit. The tokens are
    real: signed with the server's own key, and checked by it at each connect like any other. All names have the same
    length, so that all messages have the same length.
    """
    now = time.time()
    tokens = Tokens(load_or_create(state_dir / "keys"), access_seconds=TOKEN_SECONDS)
    issued: list[str] = []
    database = Database(create_engine(database_url))
    try:
        with database.write() as db:
            for number in range(count):
                user = add_user(db, name=f"bench{number:05d}", password_hash=None, role="member", now=now)
                session = create_session(
                    db,
                    user_id=user.id,
                    client="benchmark",
                    network="127.0.0.1",
                    family_hash=None,
                    now=now,
                    idle_seconds=86400,
                    absolute_seconds=86400,
                )
                issued.append(tokens.issue_access(user.id, session.id, new_id(), now))
    finally:
        database.close()
    return issued
