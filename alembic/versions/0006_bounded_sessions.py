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
    op.create_index("ix_refresh_tokens_session_id_rotated_at", "refresh_tokens", ["session_id", "rotated_at"])
    op.drop_index("ix_refresh_tokens_session_id", "refresh_tokens")


def downgrade() -> None:
    op.create_index("ix_refresh_tokens_session_id", "refresh_tokens", ["session_id"])
    op.drop_index("ix_refresh_tokens_session_id_rotated_at", "refresh_tokens")
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"])
    for name in ("live", "idle", "ended", "user_id_network", "family_hash"):
        op.drop_index(f"ix_sessions_{name}", "sessions")
    op.drop_column("sessions", "verified_at")
    op.drop_column("sessions", "family_hash")
