"""usernames have a skeleton, by which look-alikes are found"""

import sqlalchemy as sa
from alembic import op

from cloudchat.auth.usernames import MAX_SKELETON_CHARACTERS, name_skeleton

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("name_skeleton", sa.String(MAX_SKELETON_CHARACTERS), nullable=True))
    users = sa.table("users", *(sa.column(name) for name in ("id", "name", "created_at", "name_skeleton")))
    # Of users whose names look alike already, the oldest gets the skeleton. The others keep their names, and NULL,
    # which a unique index allows any number of times.
    oldest: dict[str, str] = {}
    rows = op.get_bind().execute(sa.select(users.c.id, users.c.name).order_by(users.c.created_at, users.c.id))
    for user_id, name in rows:
        oldest.setdefault(name_skeleton(name), user_id)
    if oldest:
        fill = users.update().where(users.c.id == sa.bindparam("user")).values(name_skeleton=sa.bindparam("skeleton"))
        op.get_bind().execute(fill, [{"user": user_id, "skeleton": skeleton} for skeleton, user_id in oldest.items()])
    op.create_index("ix_users_name_skeleton", "users", ["name_skeleton"], unique=True)


def downgrade() -> None:
    op.drop_index("ix_users_name_skeleton", "users")
    op.drop_column("users", "name_skeleton")
