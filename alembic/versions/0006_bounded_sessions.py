"""sessions and refresh tokens: indexes for every query of a login and a refresh, families, and step-up"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_LIVE = sa.text("ended_at IS NULL")
_ENDED = sa.text("ended_at IS NOT NULL")


def upgrade() -> None:
    op.add_column("sessions", sa.Column("family_hash", sa.String(64), nullable=True))
    op.add_column("sessions", sa.Column("verified_at", sa.Double(), nullable=True))
    op.create_index("ix_sessions_family_hash", "sessions", ["family_hash"], unique=True)
    op.create_index("ix_sessions_user_id_network", "sessions", ["user_id", "network"])
    op.drop_index("ix_sessions_user_id", "sessions")
    for name, columns, condition in (
        ("ix_sessions_live", ["user_id", "last_used_at"], _LIVE),
        ("ix_sessions_idle", ["idle_expires_at"], _LIVE),
        ("ix_sessions_ended", ["user_id", "ended_at"], _ENDED),
    ):
        op.create_index(name, "sessions", columns, sqlite_where=condition, postgresql_where=condition)
    # Before this version, a session kept each of its refresh tokens for as long as itself: a million, after an attack.
    # The tokens of ended sessions are useless. Deleted before the indexes are made, which is faster.
    op.drop_index("ix_refresh_tokens_session_id", "refresh_tokens")
    tokens = sa.table("refresh_tokens", sa.column("session_id"))
    sessions = sa.table("sessions", sa.column("id"), sa.column("ended_at"))
    ended = sa.select(sessions.c.id).where(sessions.c.ended_at.is_not(None))
    op.execute(tokens.delete().where(tokens.c.session_id.in_(ended)))
    op.create_index("ix_refresh_tokens_session_id_rotated_at", "refresh_tokens", ["session_id", "rotated_at"])


def downgrade() -> None:
    op.create_index("ix_refresh_tokens_session_id", "refresh_tokens", ["session_id"])
    op.drop_index("ix_refresh_tokens_session_id_rotated_at", "refresh_tokens")
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"])
    for name in ("live", "idle", "ended", "user_id_network", "family_hash"):
        op.drop_index(f"ix_sessions_{name}", "sessions")
    op.drop_column("sessions", "verified_at")
    op.drop_column("sessions", "family_hash")
