"""The membership of the lobby, which every user has from the creation of the account on."""

from sqlalchemy import insert, update

from cloudchat.database.tables.rooms import memberships, rooms
from cloudchat.database.transactions import Transaction

LOBBY = "lobby"


def join_lobby(db: Transaction, user_id: str, now: float) -> None:
    """Make a new user a member of the lobby, in the transaction that creates the account.

    The room's version stays the same, and there is no notice: the rights of the other members do not change, and no
    socket can have an older state of this membership. A new version for each account would make the next message of
    every member stale.
    """
    db.execute(insert(memberships).values(room_id=LOBBY, user_id=user_id, role="member", joined_at=now))
    db.execute(update(rooms).where(rooms.c.id == LOBBY).values(member_count=rooms.c.member_count + 1))
