"""Users for the members, written straight into the server's database.

By HTTP each would cost a password hash, and the limits on registration would make it hours. The tokens are real: signed
with the server's own key, and checked by it at each connect like any other's.
"""

import time
from pathlib import Path

from cloudchat.auth.repository import add_user
from cloudchat.auth.tokens.access_tokens import Tokens
from cloudchat.auth.tokens.keys import load_or_create
from cloudchat.core.ids import new_id
from cloudchat.database.engine import create_engine
from cloudchat.database.models import ApiToken
from cloudchat.database.transactions import Database

_SOCKETS_PER_USER = 8
_DAY = 86400


def tokens_for(members: int, state: Path) -> list[str]:
    """API tokens of new users of the server on `state`: as many as `members` sockets need at 8 sockets each.

    All names have the same length, so that all messages have.
    """
    now = time.time()
    tokens = Tokens(load_or_create(state / "keys"), access_seconds=600)
    issued: list[str] = []
    database = Database(create_engine(f"sqlite:///{state / 'cloudchat.db'}"))
    try:
        with database.write() as db:
            for number in range(-(-members // _SOCKETS_PER_USER)):
                user = add_user(db, name=f"bench{number:05d}", password_hash=None, role="member", now=now)
                row = ApiToken(
                    id=new_id(),
                    user_id=user.id,
                    scopes="chat:read chat:write",
                    label="benchmark",
                    created_at=now,
                    expires_at=now + _DAY,
                )
                db.add(row)
                issued.append(tokens.issue_api(user.id, row.id, now, int(now) + _DAY))
    finally:
        database.close()
    return issued
