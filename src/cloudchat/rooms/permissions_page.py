"""Render docs/permissions.md from the table: `python -m cloudchat.rooms.permissions_page > docs/permissions.md`."""

from cloudchat.auth.principal import ADMIN, MEMBER, MODERATOR
from cloudchat.rooms.permissions import DESCRIPTIONS, MEMBER_ROLES, Command, Kind, Role, may

_HEAD = """\
# Permissions in rooms

`rooms/permissions.py` has this table, and HTTP routes and sockets use it. This page is generated from it: change the
code, then run `python -m cloudchat.rooms.permissions_page > docs/permissions.md`.

The first columns are the roles of members; in direct rooms all have the role `member`. The others are users who are not
members: of the server's role `member`, `moderator` and `admin`. In public rooms, the server's moderators and
administrators act as moderators and owners; as members, they have the higher one of their two roles. An administrator's
token without the scope `admin` counts as that of a member.

Some rules do not depend on the role alone:

- An archived room is read-only. Only its members, roles, mutes and bans can change, and it can be restored.
- A muted user can read only. Slow mode does not limit moderators and owners.
- A banned user cannot be added and cannot join until the ban ends.
- Moderators act on users of a lower role only. An owner can remove another owner.
- The last owner of a private room that has other members cannot leave and keeps the role.
- Every user is a member of the lobby: no user can leave it, be removed from it or be banned from it.
- A user who may not see a room gets the same answer, `not_found`, as for a room that does not exist.
"""
_SERVER_ROLES = (MEMBER, MODERATOR, ADMIN)


def render() -> str:
    """Return the page."""
    lines = [_HEAD]
    for kind in Kind:
        roles = [Role.MEMBER] if kind is Kind.DIRECT else MEMBER_ROLES
        columns = [*roles, "no member", "server moderator", "server admin"]
        lines += [f"## {kind.capitalize()} rooms", "", f"| command | {' | '.join(columns)} |"]
        lines.append("| --- |" + " --- |" * len(columns))
        for command in Command:
            allowed = [may(command, kind, role, MEMBER) for role in roles]
            allowed += [may(command, kind, None, server_role) for server_role in _SERVER_ROLES]
            cells = " | ".join("yes" if cell else "–" for cell in allowed)
            lines.append(f"| {DESCRIPTIONS[command]} | {cells} |")
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    print(render(), end="")
