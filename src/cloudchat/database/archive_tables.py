"""The tables of the archive: every message and notice of all time, in its current form.

`archived_events.id` is the event's time, so that the newest hits of a search are the first rows of an index, and a time
is a range of ids. See `archive/event_ids.py`.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.engine.default import DefaultExecutionContext

from cloudchat.core.search_terms import search_terms
from cloudchat.database.account_tables import users
from cloudchat.database.columns import metadata
from cloudchat.database.room_tables import rooms

all_tables = metadata
"""With the tables of accounts and rooms, which this module loads."""

# SQLite makes only an INTEGER PRIMARY KEY the name of its own row id, which the full-text index needs.
_EventId = BigInteger().with_variant(Integer, "sqlite")


def _terms(context: DefaultExecutionContext) -> str:
    return search_terms(context.get_current_parameters()["text"])  # type: ignore[no-untyped-call]


def _room_id() -> Column[str]:
    return Column("room_id", String(22), ForeignKey(rooms.c.id, ondelete="CASCADE"), primary_key=True)


archived_events = Table(
    "archived_events",
    metadata,
    Column("id", _EventId, primary_key=True, autoincrement=False),
    Column("room_id", String(22), ForeignKey(rooms.c.id, ondelete="CASCADE"), nullable=False),
    Column("seq", BigInteger, nullable=False),
    # The author of a message, or the user who made the change that a notice reports. Not a foreign key: `cli` and
    # `server` are no users.
    Column("user_id", String(22), nullable=False),
    Column("notice", Boolean, nullable=False),
    Column("text", Text, nullable=False),  # empty for notices and for deleted messages
    # The other fields of the event as JSON, in their order, without type, room, epoch, seq, at, text, and without the
    # user's id and name. A message has edited_at and deleted_at here, too. Reactions have their own table.
    Column("fields", Text, nullable=False),
    # The words of the text as the search index has them: `search_terms(text)`. An INSERT adds them by itself; an UPDATE
    # of the text must set them, too. Migration 0009 has the indexes of them.
    Column("terms", Text, nullable=False, server_default="", default=_terms),
    UniqueConstraint("room_id", "seq", name="uq_archived_events_room_id_seq"),
    Index("ix_archived_events_user_id", "user_id", "id"),
)

archived_reactions = Table(
    "archived_reactions",
    metadata,
    _room_id(),
    Column("seq", BigInteger, primary_key=True),  # of the message
    Column("emoji", String(32), primary_key=True),
    Column("user_id", String(22), primary_key=True),
    # A message lists its emoji in the order of their first use, and their users in the order of their reactions.
    Column("emoji_seq", BigInteger, nullable=False),  # of the reaction since which the message has had this emoji
    Column("reaction_seq", BigInteger, nullable=False),
    Index("ix_archived_reactions_user_id", "user_id"),
)

archived_edits = Table(
    "archived_edits",
    metadata,
    # The earlier texts of messages. Those of a deleted message are deleted.
    _room_id(),
    Column("seq", BigInteger, primary_key=True),  # of the message
    Column("edit_seq", BigInteger, primary_key=True),  # of the edit that replaced this text
    Column("at", Double, nullable=False),  # since when it was the text
    Column("text", Text, nullable=False),
)

archive_heads = Table(
    "archive_heads",
    metadata,
    # Every event of the room's log up to `seq` is in the archive. The transaction that adds events to the archive
    # raises it from the value that it expects, so that no event is folded twice, by however many processes.
    _room_id(),
    Column("epoch", String(64), nullable=False),
    Column("seq", BigInteger, nullable=False),
)

archive_epochs = Table(
    "archive_epochs",
    metadata,
    # The events of a room from `first_seq` to the next one have this epoch.
    _room_id(),
    Column("first_seq", BigInteger, primary_key=True),
    Column("epoch", String(64), nullable=False),
)

imports = Table(
    "imports",
    metadata,
    # A room that was imported: `source` is `cloudchat` or `slack`, `source_id` the digest of the file or the id of the
    # channel. How far an import is says the archived head of its room. Until it is finished, nobody can find the room.
    Column("source", String(16), primary_key=True),
    Column("source_id", String(64), primary_key=True),
    Column("fingerprint", String(64), nullable=False),  # of the content: an interrupted import continues only with it
    Column("room_id", String(22), ForeignKey(rooms.c.id, ondelete="CASCADE"), nullable=False),
    Column("started_at", Double, nullable=False),
    Column("finished_at", Double),
)

imported_users = Table(
    "imported_users",
    metadata,
    # Who a user of an imported room is here, so that all imports from one source have the same authors.
    Column("source", String(16), primary_key=True),
    Column("source_id", String(64), primary_key=True),
    Column("user_id", String(22), ForeignKey(users.c.id, ondelete="CASCADE"), nullable=False),
)
