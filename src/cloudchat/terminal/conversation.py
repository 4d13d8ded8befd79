"""What is known of the user's rooms: messages in their current form, what is unread, who types. Sans-I/O."""

import msgspec
from msgspec import Struct, field

from cloudchat.client import (
    Connected,
    Deleted,
    Disconnected,
    Edited,
    Gap,
    HistoryPage,
    JoinRefused,
    Message,
    Notice,
    Reaction,
    ReadElsewhere,
    Room,
    RoomAdded,
    RoomChanged,
    RoomEvent,
    RoomRemoved,
    Typing,
    Update,
    User,
)

MAX_ROWS = 1000
"""Per room. When more arrive, the oldest are dropped; `/older` loads them again."""
TYPING_SECONDS = 6.0
"""Twice the interval at which a server repeats `typing`."""


class Row(Struct):
    """A message or notice in its current form. `as_of` is the seq up to which changes are in it."""

    event: Message | Notice
    as_of: int
    text: str = ""
    is_edited: bool = False
    is_deleted: bool = False
    mentions_user: bool = False
    reactions: dict[str, int] = field(default_factory=dict)
    """How many users have reacted with each emoji."""


class RoomView:
    """One room. Times are seconds of a monotonic clock."""

    def __init__(self, room: Room, user: User) -> None:
        self.room = room
        self.rows: dict[int, Row] = {}
        """By seq, in order."""
        self.more_before = True
        """Whether there are older messages that are not loaded."""
        self._user = user
        self._typing: dict[str, float] = {}

    @property
    def name(self) -> str:
        """The name of the room; of a direct room, the names of the other people."""
        return self.room.name or ", ".join(user.name for user in self.room.users) or self.room.id

    @property
    def last_seq(self) -> int:
        """The seq of the newest row, 0 if there is none."""
        return next(reversed(self.rows), 0)

    @property
    def unread(self) -> list[Row]:
        """The messages of others that the user has not read."""
        return [row for seq, row in self.rows.items() if seq > self.room.read and self._is_of_another(row)]

    @property
    def unread_label(self) -> str:
        """How many messages are unread, as a text; with `+` if there may be more than were loaded."""
        count = len(self.unread)
        oldest = next(iter(self.rows), 0)
        return f"{count}+" if count and self.more_before and oldest > self.room.read + 1 else str(count or "")

    @property
    def has_unread_mention(self) -> bool:
        """Whether an unread message mentions the user."""
        return any(row.mentions_user for row in self.unread)

    def own_messages(self) -> list[Row]:
        """Return the user's own messages, the newest first."""
        rows = reversed(self.rows.values())
        return [row for row in rows if isinstance(row.event, Message) and row.event.user.id == self._user.id]

    def typing(self, now: float) -> list[str]:
        """Return the names of those who type."""
        return [name for name, until in self._typing.items() if until > now]

    # -- changes ------------------------------------------------------------------------------------------------------

    def read_up_to(self, seq: int) -> None:
        """Record how far the user has read."""
        if seq > self.room.read:
            self.room = _with_read(self.room, seq)

    def put(self, room: Room) -> None:
        """Take over a new state of the room. The read marker never goes back."""
        self.room = _with_read(room, max(room.read, self.room.read))

    def apply(self, event: RoomEvent | Typing, now: float) -> None:
        """Apply an event."""
        match event:
            case Typing(user=user):
                self._typing[user.name] = now + TYPING_SECONDS
            case Message() | Notice():
                self._typing.pop(event.user.name, None)
                self.rows[event.seq] = self._row(event, event.seq)
                while len(self.rows) > MAX_ROWS:
                    del self.rows[next(iter(self.rows))]
                    self.more_before = True
            case Edited() | Deleted() | Reaction():
                row = self.rows.get(event.target)
                if row is not None and row.as_of < event.seq:
                    row.as_of = event.seq
                    self._change(row, event)

    def add_page(self, page: HistoryPage) -> None:
        """Add older messages. What is there already is at least as new."""
        for event in page.events:
            if event.seq not in self.rows and isinstance(event, Message | Notice):
                self.rows[event.seq] = self._row(event, page.as_of)
        self.rows = dict(sorted(self.rows.items()))
        self.more_before = page.more_before

    def clear(self) -> None:
        """Drop all messages, because the numbering has changed or events are missing."""
        self.rows.clear()
        self.more_before = True

    def _row(self, event: Message | Notice, as_of: int) -> Row:
        if isinstance(event, Notice):
            return Row(event, as_of)
        return Row(
            event,
            as_of,
            event.text,
            is_edited=event.edited_at is not None,
            is_deleted=event.deleted_at is not None,
            mentions_user=event.mentions_user(self._user.id),
            reactions={reaction.emoji: reaction.count for reaction in event.reactions},
        )

    def _change(self, row: Row, event: Edited | Deleted | Reaction) -> None:
        match event:
            case Edited():
                row.text, row.is_edited = event.text, True
                row.mentions_user = self._user.id in event.mentions or event.mentions_room
            case Deleted():
                row.text, row.is_deleted, row.mentions_user = "", True, False
                row.reactions.clear()
            case Reaction(emoji=emoji, on=on):
                count = row.reactions.get(emoji, 0) + (1 if on else -1)
                if count > 0:
                    row.reactions[emoji] = count
                else:
                    row.reactions.pop(emoji, None)

    def _is_of_another(self, row: Row) -> bool:
        return isinstance(row.event, Message) and row.event.user.id != self._user.id and not row.is_deleted


class Conversation:
    """All rooms of the user, and the state of the connection."""

    def __init__(self) -> None:
        self.user: User | None = None
        self.rooms: dict[str, RoomView] = {}
        self.status = "connecting …"
        """The state of the connection; empty while connected."""

    def apply(self, update: Update, now: float) -> None:
        """Apply an update of the client."""
        match update:
            case Connected(user=user, rooms=rooms):
                self.status, self.user = "", user
                for id in self.rooms.keys() - {room.id for room in rooms}:
                    del self.rooms[id]
                for room in rooms:
                    self._put(room, user)
            case Disconnected(reason=reason, retry_in_seconds=seconds):
                self.status = f"not connected, next attempt in {seconds:.0f} s: {reason}"
            case RoomAdded(room=room) | RoomChanged(room=room) if self.user is not None:
                self._put(room, self.user)
            case RoomRemoved(room=id) | JoinRefused(room=id):
                self.rooms.pop(id, None)
            case Gap(room=id) if id in self.rooms:
                self.rooms[id].clear()
            case ReadElsewhere(room=id, seq=seq) if id in self.rooms:
                self.rooms[id].read_up_to(seq)
            case RoomEvent(room=id) | Typing(room=id) if id in self.rooms:
                self.rooms[id].apply(update, now)

    def named(self, name: str) -> list[RoomView]:
        """Return the room with this id, or those with this name, without regard to case."""
        if name in self.rooms:
            return [self.rooms[name]]
        names = name.casefold(), _without_sign(name)
        return [view for view in self.rooms.values() if view.name.casefold() in names]

    def find(self, name: str) -> RoomView | None:
        """Return the first room with this id or name; else with a name that begins so."""
        start = _without_sign(name)
        starting = (view for view in self.rooms.values() if view.name.casefold().startswith(start))
        return next(iter([*self.named(name), *starting]), None)

    def _put(self, room: Room, user: User) -> None:
        if room.id in self.rooms:
            self.rooms[room.id].put(room)
        else:
            self.rooms[room.id] = RoomView(room, user)


def _without_sign(name: str) -> str:
    return name.casefold().lstrip("#@")


def _with_read(room: Room, read: int) -> Room:
    return msgspec.structs.replace(room, read=read)
