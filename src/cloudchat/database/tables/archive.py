"""The tables of the archive: every message and notice of all time, in its current form.

`archived_events.id` is the event's time, so that the newest hits of a search are the first rows of an index, and a time
is a range of ids. See `archive/event_ids.py`.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    Named,
    String,
    Table,
    Text,
    TypedColumns,
    UniqueConstraint,
)
from sqlalchemy.engine.default import DefaultExecutionContext

from cloudchat.core.search_terms import search_terms
from cloudchat.database.tables.accounts import users
from cloudchat.database.tables.columns import INSTANT, metadata, reference
from cloudchat.database.tables.rooms import rooms

all_tables = metadata
"""With the tables of accounts and rooms, which this module loads."""

# SQLite makes only an INTEGER PRIMARY KEY the name of its own row id, which the full-text index needs.
_EVENT_ID = BigInteger().with_variant(Integer, "sqlite")

# --- Messages and notices


def _terms(context: DefaultExecutionContext) -> str:
    return search_terms(context.get_current_parameters()["text"])  # type: ignore[no-untyped-call]


class ArchivedEventColumns(TypedColumns):
    """A message in its current form, or a notice."""

    id: Named[int] = Column(_EVENT_ID, primary_key=True, autoincrement=False)
    room_id: Named[str] = reference(rooms)
    seq: Named[int] = Column(BigInteger)
    # The author of a message, or the user who made the change that a notice reports. Not a foreign key: `cli` and
    # `server` are no users.
    user_id: Named[str] = Column(String(22))
    notice: Named[bool] = Column(Boolean)
    text: Named[str] = Column(Text)  # empty for notices and for deleted messages
    # The other fields of the event as JSON, in their order, without type, room, epoch, seq, at, text, and without the
    # user's id and name. A message has edited_at and deleted_at here, too. Reactions have their own table.
    fields: Named[str] = Column(Text)
    # The words of the text as the search index has them: `search_terms(text)`. An INSERT adds them by itself; an UPDATE
    # of the text must set them, too. Migration 0009 has the indexes of them.
    terms: Named[str] = Column(Text, server_default="", default=_terms)


archived_events = Table(
    "archived_events",
    metadata,
    ArchivedEventColumns,
    UniqueConstraint("room_id", "seq", name="uq_archived_events_room_id_seq"),
    Index("ix_archived_events_user_id", "user_id", "id"),
)


class ArchivedReactionColumns(TypedColumns):
    """A reaction of a user to a message.

    A message lists its emoji in the order of their first use, and their users in the order of their reactions.
    """

    room_id: Named[str] = reference(rooms, primary_key=True)
    seq: Named[int] = Column(BigInteger, primary_key=True)  # of the message
    emoji: Named[str] = Column(String(32), primary_key=True)
    user_id: Named[str] = Column(String(22), primary_key=True)
    emoji_seq: Named[int] = Column(BigInteger)  # of the reaction since which the message has had this emoji
    reaction_seq: Named[int] = Column(BigInteger)


archived_reactions = Table(
    "archived_reactions", metadata, ArchivedReactionColumns, Index("ix_archived_reactions_user_id", "user_id")
)


class ArchivedEditColumns(TypedColumns):
    """An earlier text of a message. Those of a deleted message are deleted."""

    room_id: Named[str] = reference(rooms, primary_key=True)
    seq: Named[int] = Column(BigInteger, primary_key=True)  # of the message
    edit_seq: Named[int] = Column(BigInteger, primary_key=True)  # of the edit that replaced this text
    at: Named[float] = Column(INSTANT)  # since when it was the text
    text: Named[str] = Column(Text)


archived_edits = Table("archived_edits", metadata, ArchivedEditColumns)

# --- The state of the archive


class ArchiveHeadColumns(TypedColumns):
    """Every event of the room's log up to `seq` is in the archive.

    The transaction that adds events to the archive raises it from the value that it expects, so that no event is folded
    twice, by however many processes.
    """

    room_id: Named[str] = reference(rooms, primary_key=True)
    epoch: Named[str] = Column(String(64))
    seq: Named[int] = Column(BigInteger)


archive_heads = Table("archive_heads", metadata, ArchiveHeadColumns)


class ArchiveEpochColumns(TypedColumns):
    """The events of a room from `first_seq` to the next one have this epoch."""

    room_id: Named[str] = reference(rooms, primary_key=True)
    first_seq: Named[int] = Column(BigInteger, primary_key=True)
    epoch: Named[str] = Column(String(64))


archive_epochs = Table("archive_epochs", metadata, ArchiveEpochColumns)

# --- Imports


class ImportColumns(TypedColumns):
    """A room that was imported.

    `source` is `cloudchat` or `slack`, `source_id` the digest of the file or the id of the channel. The archived head
    of the room says how far the import is. Until it is finished, no user can find the room.
    """

    source: Named[str] = Column(String(16), primary_key=True)
    source_id: Named[str] = Column(String(64), primary_key=True)
    fingerprint: Named[str] = Column(String(64))  # of the content: an interrupted import continues only with it
    room_id: Named[str] = reference(rooms)
    started_at: Named[float] = Column(INSTANT)
    finished_at: Named[float | None] = Column(INSTANT)


imports = Table("imports", metadata, ImportColumns)


class ImportedUserColumns(TypedColumns):
    """Who a user of an imported room is here, so that all imports from one source have the same authors."""

    source: Named[str] = Column(String(16), primary_key=True)
    source_id: Named[str] = Column(String(64), primary_key=True)
    user_id: Named[str] = reference(users)


imported_users = Table("imported_users", metadata, ImportedUserColumns)
