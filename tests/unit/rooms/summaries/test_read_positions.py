"""How far users have read, in SQL."""

from cloudchat.core.stream_position import StreamPosition
from cloudchat.rooms.summaries.read_position_repository import ReadPositions
from support.chat_rooms import Rooms
from support.databases import on_both

pytestmark = on_both


def at(seq: int, epoch: str = "e1") -> StreamPosition:
    return StreamPosition(epoch, seq)


def test_positions_of_a_user_are_those_that_were_saved_last(rooms: Rooms) -> None:
    ann, bob = rooms.ids["ann"], rooms.ids["bob"]
    first, second = rooms.create("ann"), rooms.create("ann", name="other")
    positions = ReadPositions(rooms.services.db)
    assert positions.of_user(ann) == {}
    positions.advance({(ann, first): at(3), (ann, second): at(1), (bob, first): at(9)})
    positions.advance({(ann, first): at(2), (ann, second): at(4)})
    assert positions.of_user(ann) == {first: at(3), second: at(4)}
    assert positions.of_user(bob) == {first: at(9)}


def test_a_late_position_of_an_earlier_epoch_moves_no_marker_back(rooms: Rooms) -> None:
    """After a failover of the store two processes can know different epochs for a moment."""
    ann, room = rooms.ids["ann"], rooms.create("ann")
    positions = ReadPositions(rooms.services.db)
    positions.advance({(ann, room): at(3, "e1")})
    assert positions.advance({(ann, room): at(9, "e2")}) == {(ann, room): 9}
    assert positions.advance({(ann, room): at(4, "e1")}) == {(ann, room): 9}
    assert positions.of_user(ann) == {room: at(9, "e2")}
