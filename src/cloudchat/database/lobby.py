"""The membership of the lobby, which every user has from the creation of the account on."""

from sqlalchemy import update
from sqlalchemy.orm import Session

from cloudchat.database.models import Membership, Room

LOBBY = "lobby"


def join_lobby(db: Session, user_id: str, now: float) -> None:
    """Make a new user a member of the lobby, in the transaction that creates the account.

    The room's version stays the same, and there is no notice: the rights of the other members do not change, and no
    socket can have an older state of this membership. A new version for each account would make the next message of
    every member stale.
    """
    db.add(Membership(room_id=LOBBY, user_id=user_id, role="member", joined_at=now))
    db.execute(update(Room).where(Room.id == LOBBY).values(member_count=Room.member_count + 1))
