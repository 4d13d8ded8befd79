"""rooms: topics, archive, slow mode, versions, moderation, notices; a membership of the lobby for every user"""

import time
import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in (
        sa.Column("name_key", _key(192), nullable=True),
        sa.Column("topic", sa.String(250), server_default="", nullable=False),
        sa.Column("archived_at", sa.Double(), nullable=True),
        sa.Column("slow_mode_seconds", sa.Integer(), server_default="0", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("member_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_by", sa.String(22), server_default="server", nullable=False),
        sa.Column("direct_key", sa.String(64), nullable=True),
    ):
        op.add_column("rooms", column)
    op.add_column("memberships", sa.Column("muted", sa.Boolean(), server_default=sa.false(), nullable=False))
    _fill_rooms()
    op.create_index("ix_rooms_name_key", "rooms", ["name_key"], unique=True)
    op.create_index("ix_rooms_direct_key", "rooms", ["direct_key"], unique=True)
    op.create_index("ix_memberships_room_id_role", "memberships", ["room_id", "role"])
    for table in ("room_mutes", "room_bans"):
        op.create_table(
            table,
            sa.Column("room_id", sa.String(22), nullable=False),
            sa.Column("user_id", sa.String(22), nullable=False),
            sa.Column("until", sa.Double(), nullable=True),
            sa.Column("reason", sa.String(200), nullable=False),
            sa.Column("created_by", sa.String(22), nullable=False),
            sa.Column("created_at", sa.Double(), nullable=False),
            sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], ondelete="CASCADE"),
            sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
            sa.PrimaryKeyConstraint("room_id", "user_id"),
        )
        op.create_index(f"ix_{table}_user_id", table, ["user_id"])
    op.create_table(
        "room_changes",
        sa.Column("room_id", sa.String(22), nullable=False),
        sa.Column("user_id", sa.String(22), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("room_id", "user_id"),
    )
    op.create_index("ix_room_changes_at", "room_changes", ["at"])
    op.create_table(
        "room_notices",
        sa.Column("room_id", sa.String(22), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("room_id", "version"),
    )
    if op.get_bind().dialect.name == "postgresql":
        # Ranges of this key find names by their beginning. Collations other than "C" order it in other ways.
        op.alter_column("users", "name_key", type_=sa.String(192, collation="C"), existing_nullable=False)


def _key(length: int) -> sa.types.TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def _fill_rooms() -> None:
    """Make every user a member of every public room: until now, users were in them without a membership."""
    connection = op.get_bind()
    rooms = sa.table("rooms", *(sa.column(name) for name in ("id", "name", "kind", "created_at", "name_key")))
    # Of public rooms with one name, which no released version could create, the oldest gets the key.
    oldest: dict[str, str] = {}
    public = sa.select(rooms.c.id, rooms.c.name).where(rooms.c.kind == "public")
    for room_id, name in connection.execute(public.order_by(rooms.c.created_at, rooms.c.id)):
        key = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
        oldest.setdefault(key, room_id)
    for key, room_id in oldest.items():
        connection.execute(rooms.update().where(rooms.c.id == room_id).values(name_key=key))
    connection.execute(
        sa.text(
            "INSERT INTO memberships (room_id, user_id, role, joined_at) "
            "SELECT rooms.id, users.id, 'member', :now FROM rooms CROSS JOIN users "
            "WHERE rooms.kind = 'public' AND NOT EXISTS "
            "(SELECT 1 FROM memberships AS m WHERE m.room_id = rooms.id AND m.user_id = users.id)"
        ),
        {"now": time.time()},
    )
    connection.execute(
        sa.text(
            "UPDATE rooms SET member_count = (SELECT count(*) FROM memberships WHERE memberships.room_id = rooms.id)"
        )
    )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute('ALTER TABLE users ALTER COLUMN name_key TYPE VARCHAR(192) COLLATE "default"')
    for table in ("room_notices", "room_changes", "room_bans", "room_mutes"):
        op.drop_table(table)
    op.execute("DELETE FROM memberships WHERE room_id IN (SELECT id FROM rooms WHERE kind = 'public')")
    op.drop_index("ix_memberships_room_id_role", "memberships")
    op.drop_column("memberships", "muted")
    op.drop_index("ix_rooms_direct_key", "rooms")
    op.drop_index("ix_rooms_name_key", "rooms")
    for column in (
        "direct_key",
        "created_by",
        "member_count",
        "version",
        "slow_mode_seconds",
        "archived_at",
        "topic",
        "name_key",
    ):
        op.drop_column("rooms", column)
