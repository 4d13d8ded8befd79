"""the archive: every message and notice in its current form, with reactions and earlier texts"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("rooms", sa.Column("retention_days", sa.Integer(), server_default="0", nullable=False))
    op.add_column("users", sa.Column("erased_at", sa.Double(), nullable=True))
    op.create_table(
        "archived_events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
        _room_id(),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.String(22), nullable=False),
        sa.Column("notice", sa.Boolean(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        _in_a_room(),
        sa.UniqueConstraint("room_id", "seq", name="uq_archived_events_room_id_seq"),
    )
    op.create_index("ix_archived_events_user_id", "archived_events", ["user_id", "id"])
    op.create_table(
        "archived_reactions",
        _room_id(),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("emoji", sa.String(32), nullable=False),
        sa.Column("user_id", sa.String(22), nullable=False),
        sa.Column("emoji_seq", sa.BigInteger(), nullable=False),
        sa.Column("reaction_seq", sa.BigInteger(), nullable=False),
        _in_a_room(),
        sa.PrimaryKeyConstraint("room_id", "seq", "emoji", "user_id"),
    )
    op.create_index("ix_archived_reactions_user_id", "archived_reactions", ["user_id"])
    op.create_table(
        "archived_edits",
        _room_id(),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("edit_seq", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        _in_a_room(),
        sa.PrimaryKeyConstraint("room_id", "seq", "edit_seq"),
    )
    op.create_table(
        "archive_heads",
        _room_id(),
        sa.Column("epoch", sa.String(64), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        _in_a_room(),
        sa.PrimaryKeyConstraint("room_id"),
    )
    op.create_table(
        "archive_epochs",
        _room_id(),
        sa.Column("first_seq", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.String(64), nullable=False),
        _in_a_room(),
        sa.PrimaryKeyConstraint("room_id", "first_seq"),
    )


def _room_id() -> sa.Column[str]:
    return sa.Column("room_id", sa.String(22), nullable=False)


def _in_a_room() -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], ondelete="CASCADE")


def downgrade() -> None:
    for table in ("archive_epochs", "archive_heads", "archived_edits", "archived_reactions", "archived_events"):
        op.drop_table(table)
    op.drop_column("users", "erased_at")
    op.drop_column("rooms", "retention_days")
