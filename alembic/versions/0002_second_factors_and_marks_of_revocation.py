"""second factors, and timestamps of revocations"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Each process queries these columns every two seconds. The indexes keep the query fast in large tables.
_MARKS = (("users", "access_changed_at"), ("sessions", "ended_at"), ("api_tokens", "revoked_at"))


def upgrade() -> None:
    op.add_column("users", sa.Column("access_changed_at", sa.Double(), nullable=True))
    op.add_column("users", sa.Column("totp_secret", sa.String(255), nullable=True))
    op.add_column("users", sa.Column("totp_confirmed_at", sa.Double(), nullable=True))
    op.add_column("users", sa.Column("totp_last_step", sa.BigInteger(), nullable=True))
    op.add_column("sessions", sa.Column("network", sa.String(64), server_default="", nullable=False))
    op.add_column("audit_log", sa.Column("result", sa.String(16), server_default="done", nullable=False))
    for table, column in _MARKS:
        op.create_index(f"ix_{table}_{column}", table, [column])
    op.create_table(
        "recovery_codes",
        sa.Column("code_hash", sa.String(64), nullable=False),
        sa.Column("user_id", sa.String(22), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("code_hash"),
    )
    op.create_index("ix_recovery_codes_user_id", "recovery_codes", ["user_id"])


def downgrade() -> None:
    op.drop_table("recovery_codes")
    for table, column in _MARKS:
        op.drop_index(f"ix_{table}_{column}", table)
    op.drop_column("audit_log", "result")
    op.drop_column("sessions", "network")
    for column in ("totp_last_step", "totp_confirmed_at", "totp_secret", "access_changed_at"):
        op.drop_column("users", column)
