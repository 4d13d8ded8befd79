"""SQL query for unread messages in many rooms at once."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import BigInteger, String, case, column, func, or_, select, values

from cloudchat.database.tables.archive import archived_events
from cloudchat.database.transactions import Transaction


class UnreadRange(NamedTuple):
    """Seqs of a room: from `start` on, before `end`."""

    room_id: str
    start: int
    end: int


class ArchivedUnread(NamedTuple):
    """How many messages are unread, and how many of them mention the user."""

    messages: int
    mentions: int


def count_unread(db: Transaction, user_id: str, ranges: Sequence[UnreadRange]) -> dict[str, ArchivedUnread]:
    """Count the messages of others in one range of each room that are not deleted. Rooms without any are left out."""
    events = archived_events.c
    named = values(column("room_id", String), column("start_seq", BigInteger), column("end_seq", BigInteger))
    asked = named.data([tuple(one) for one in ranges]).cte("asked")
    # In JSON the quotes of a text are escaped, so that no text looks like a field. No other field of a message has ids.
    is_mention = or_(events.fields.like('%"mentions_room":true%'), events.fields.like(f'%"mentions":[%"{user_id}"%'))
    in_range = (events.room_id == asked.c.room_id) & (events.seq >= asked.c.start_seq) & (events.seq < asked.c.end_seq)
    counted = (
        select(asked.c.room_id, func.count().label("messages"), func.count(case((is_mention, 1))).label("mentions"))
        .join_from(asked, archived_events, in_range)
        .where(~events.notice, events.text != "", events.user_id != user_id)
        .group_by(asked.c.room_id)
    )
    return {row.room_id: ArchivedUnread(row.messages, row.mentions) for row in db.execute(counted)}
