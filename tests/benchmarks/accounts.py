"""Users with sessions, access tokens and rooms, for the members of a benchmark."""

import time
from pathlib import Path

from sqlalchemy import insert

from cloudchat.auth.keys.signing_keys import load_or_create
from cloudchat.auth.tokens.access_tokens import Tokens
from cloudchat.auth.usernames import name_skeleton, username_key
from cloudchat.core.ids import new_id
from cloudchat.database.engine import create_engine
from cloudchat.database.lobby import join_lobby
from cloudchat.database.tables.accounts import LoginSession, User, sessions, users
from cloudchat.database.tables.rooms import Membership, memberships, rooms
from cloudchat.database.transactions import Database, Transaction

TOKEN_SECONDS = 3600
"""Lifetime of the tokens. The server must have the same `CLOUDCHAT_ACCESS_TOKEN_SECONDS`."""
_DAY_SECONDS = 86400


def create_tokens(count: int, state_dir: Path, database_url: str, *, room_members: int = 0) -> list[str]:
    """Create `count` users who have signed in, and return an access token of each.

    With `room_members`, the users are also members of rooms with that many members each, in their order. The rooms have
    the ids of the load generator, `bench-00000` and so on.

    Registration through HTTP would hash a password for each, and would take hours under its rate limit. The tokens are
    real: signed with the server's own key, and checked by it at each connect like any other. All names have the same
    length, so that all messages have the same length.
    """
    now = time.time()
    tokens = Tokens(load_or_create(state_dir / "keys"), access_seconds=TOKEN_SECONDS)
    people = [_user(f"bench{number:05d}", now) for number in range(count)]
    signed_in = [_session(user, now) for user in people]
    database = Database(create_engine(database_url))
    try:
        with database.write() as db:  # in bulk: the functions for one user take ten times as long
            db.execute(insert(users), [user._asdict() for user in people])
            db.execute(insert(sessions), [session._asdict() for session in signed_in])
            for user in people:
                join_lobby(db, user.id, now)
            for first in range(0, count, room_members) if room_members else ():
                _add_room(db, f"bench-{first // room_members:05}", people[first : first + room_members], now)
            return [tokens.issue_access(session.user_id, session.id, new_id(), now) for session in signed_in]
    finally:
        database.close()


def _user(name: str, now: float) -> User:
    return User(
        id=new_id(),
        name=name,
        name_key=username_key(name),
        name_skeleton=name_skeleton(name),
        password_hash=None,
        role="member",
        must_change_password=False,
        created_at=now,
    )


def _add_room(db: Transaction, room_id: str, people: list[User], now: float) -> None:
    room = {"id": room_id, "name": room_id, "kind": "private", "created_at": now, "member_count": len(people)}
    db.execute(insert(rooms).values(room))
    members = [Membership(room_id, user.id, "member", now) for user in people]
    db.execute(insert(memberships), [member._asdict() for member in members])


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
