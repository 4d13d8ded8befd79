"""refresh tokens store the hash of their parent token"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("refresh_tokens", sa.Column("parent_hash", sa.String(64), nullable=True))
    # Before this version, a rotation wrote the same timestamp into both rows, so the parent of an existing token can be
    # found by it. min() because the subquery must return at most one row.
    tokens = sa.table(
        "refresh_tokens",
        *(sa.column(name) for name in ("token_hash", "session_id", "created_at", "rotated_at", "parent_hash")),
    )
    parents = tokens.alias("parents")
    op.execute(
        tokens.update().values(
            parent_hash=sa.select(sa.func.min(parents.c.token_hash))
            .where(parents.c.session_id == tokens.c.session_id, parents.c.rotated_at == tokens.c.created_at)
            .scalar_subquery()
        )
    )
    op.create_index("ix_refresh_tokens_parent_hash", "refresh_tokens", ["parent_hash"])


def downgrade() -> None:
    op.drop_index("ix_refresh_tokens_parent_hash", "refresh_tokens")
    op.drop_column("refresh_tokens", "parent_hash")
