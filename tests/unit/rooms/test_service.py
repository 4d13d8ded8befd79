"""`RoomService.rooms_of`: which rooms a user is in."""

from cloudchat.core.ids import new_id
from cloudchat.database.models import Membership, ReadPosition, Room
from support.account_services import NOW, AccountServices


def test_new_user_is_in_the_public_lobby(services: AccountServices) -> None:
    user_id = services.register()
    (lobby,) = services.rooms.rooms_of(user_id)
    assert (lobby.id, lobby.name, lobby.kind, lobby.read_seq) == ("lobby", "lobby", "public", 0)


def test_private_room_is_listed_for_its_members_only(services: AccountServices) -> None:
    ann, bob = services.register("ann"), services.register("bob")
    room_id = new_id()
    with services.db.write() as db:
        db.add(Room(id=room_id, name="back office", kind="private", created_at=NOW + 1e9))
        db.flush()
        db.add(Membership(room_id=room_id, user_id=ann, role="member", joined_at=NOW))
        db.add(ReadPosition(user_id=ann, room_id=room_id, epoch="e1", seq=7))
    assert [(room.id, room.read_seq, room.read_epoch) for room in services.rooms.rooms_of(ann)] == [
        ("lobby", 0, ""),
        (room_id, 7, "e1"),
    ]
    assert [room.id for room in services.rooms.rooms_of(bob)] == ["lobby"]
