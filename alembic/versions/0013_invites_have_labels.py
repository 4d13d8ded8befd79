"""invites have labels: whom each one is for"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("invites", sa.Column("label", sa.String(100), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("invites", "label")
