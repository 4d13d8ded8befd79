"""SQL queries for what is stored about one person: to delete it with the account, and to export it."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Table, delete, func, insert, or_, select, tuple_, update

from cloudchat.archive.event_ids import at_ms_of
from cloudchat.auth.usernames import name_skeleton, username_key
from cloudchat.core.timestamps import rfc3339
from cloudchat.database.tables.accounts import (
    User,
    api_tokens,
    audit_log,
    erasures,
    invites,
    refresh_tokens,
    sessions,
    users,
)
from cloudchat.database.tables.archive import archived_edits, archived_events, archived_reactions
from cloudchat.database.tables.rooms import RestrictionColumns, memberships, read_positions, room_bans, room_mutes
from cloudchat.database.transactions import Transaction

PAGE_SIZE = 500

Item = dict[str, Any]
Section = Item | Iterator[Item]
Cursor = tuple[Any, ...] | None
"""The place of the last row of a page; None before the first page, and after the last."""
ReadPage = Callable[[Transaction, str, Cursor], tuple[list[Item], Cursor]]

# --- Erasure


def name_is_taken(db: Transaction, name: str) -> bool:
    """Return whether a user has this name, or one that looks like it."""
    taken = or_(users.c.name_key == username_key(name), users.c.name_skeleton == name_skeleton(name))
    return db.scalar(select(users.c.id).where(taken)) is not None


def delete_account_data(db: Transaction, user_id: str) -> None:
    """Delete the sessions, tokens, read positions and restrictions of a user, and the label of their invite."""
    own_sessions = select(sessions.c.id).where(sessions.c.user_id == user_id)
    db.execute(delete(refresh_tokens).where(refresh_tokens.c.session_id.in_(own_sessions)))
    for table in (sessions, api_tokens, read_positions, room_mutes, room_bans):
        db.execute(delete(table).where(table.c.user_id == user_id))
    db.execute(update(invites).where(invites.c.used_by == user_id).values(label=""))


def add_erasure(db: Transaction, user_id: str, now: float) -> None:
    """Insert the order to erase what the user has written."""
    db.execute(insert(erasures).values(user_id=user_id, ordered_at=now))


def erasure_is_finished(db: Transaction, user_id: str) -> bool | None:
    """Return whether a user is erased; None if no erasure was ordered."""
    order = db.execute(select(erasures.c.finished_at).where(erasures.c.user_id == user_id)).first()
    return None if order is None else order.finished_at is not None


def count_texts(db: Transaction, user_id: str) -> int:
    """Return how many archived messages of the user have a text."""
    mine = archived_events.c.user_id == user_id, archived_events.c.text != ""
    return db.scalar(select(func.count()).select_from(archived_events).where(*mine)) or 0


# --- Export


def account(user: User) -> Item:
    """Return the account, without hashes and secrets."""
    return {
        "id": user.id,
        "name": user.name,
        "role": user.role,
        "created_at": rfc3339(user.created_at),
        "disabled_at": _instant(user.disabled_at),
        "second_factor_since": _instant(user.totp_confirmed_at),
    }


def _sessions(db: Transaction, user_id: str, after: Cursor) -> tuple[list[Item], Cursor]:
    rows = _page(db, sessions, sessions.c.user_id == user_id, (sessions.c.id,), after)
    items = [
        {
            "device": row.client,
            "network": row.network,
            "created_at": rfc3339(row.created_at),
            "last_used_at": rfc3339(row.last_used_at),
            "ended_at": _instant(row.ended_at),
        }
        for row in rows
    ]
    return items, _cursor(rows, "id")


def _api_tokens(db: Transaction, user_id: str, after: Cursor) -> tuple[list[Item], Cursor]:
    rows = _page(db, api_tokens, api_tokens.c.user_id == user_id, (api_tokens.c.id,), after)
    items = [
        {
            "label": row.label,
            "scopes": row.scopes.split(),
            "created_at": rfc3339(row.created_at),
            "expires_at": rfc3339(row.expires_at),
            "last_used_at": _instant(row.last_used_at),
            "revoked_at": _instant(row.revoked_at),
        }
        for row in rows
    ]
    return items, _cursor(rows, "id")


def _invites(db: Transaction, user_id: str, after: Cursor) -> tuple[list[Item], Cursor]:
    """Return the invite with which the user has registered."""
    rows = _page(db, invites, invites.c.used_by == user_id, (invites.c.id,), after)
    items = [
        {"label": row.label, "created_at": rfc3339(row.created_at), "used_at": _instant(row.used_at)} for row in rows
    ]
    return items, _cursor(rows, "id")


def _memberships(db: Transaction, user_id: str, after: Cursor) -> tuple[list[Item], Cursor]:
    rows = _page(db, memberships, memberships.c.user_id == user_id, (memberships.c.room_id,), after)
    items = [
        {"room": row.room_id, "role": row.role, "joined_at": rfc3339(row.joined_at), "muted": row.muted} for row in rows
    ]
    return items, _cursor(rows, "room_id")


def _read_positions(db: Transaction, user_id: str, after: Cursor) -> tuple[list[Item], Cursor]:
    rows = _page(db, read_positions, read_positions.c.user_id == user_id, (read_positions.c.room_id,), after)
    return [{"room": row.room_id, "seq": row.seq} for row in rows], _cursor(rows, "room_id")


def _restrictions(table: Table[RestrictionColumns]) -> ReadPage:
    def read(db: Transaction, user_id: str, after: Cursor) -> tuple[list[Item], Cursor]:
        rows = _page(db, table, table.c.user_id == user_id, (table.c.room_id,), after)
        items = [
            {
                "room": row.room_id,
                "reason": row.reason,
                "created_at": rfc3339(row.created_at),
                "until": _instant(row.until),
            }
            for row in rows
        ]
        return items, _cursor(rows, "room_id")

    return read


def _audit_entries(db: Transaction, user_id: str, after: Cursor) -> tuple[list[Item], Cursor]:
    concerned = or_(audit_log.c.actor == user_id, audit_log.c.target == user_id)
    rows = _page(db, audit_log, concerned, (audit_log.c.at, audit_log.c.id), after)
    items = [
        {
            "at": rfc3339(row.at),
            "by": "you" if row.actor == user_id else "an administrator or the server",
            "action": row.action,
            "result": row.result,
            "address": row.address if row.actor == user_id else "",
            "detail": row.detail,
        }
        for row in rows
    ]
    return items, _cursor(rows, "at", "id")


def _messages(db: Transaction, user_id: str, after: Cursor) -> tuple[list[Item], Cursor]:
    """Return messages with their earlier texts, and notices of what the user has done in rooms."""
    events = archived_events.c
    rows = _page(db, archived_events, events.user_id == user_id, (events.id,), after)
    earlier: dict[tuple[str, int], list[Item]] = {}
    edits = archived_edits.c
    for chunk in {row.room_id for row in rows}:
        seqs = [row.seq for row in rows if row.room_id == chunk]
        found = select(edits.seq, edits.at, edits.text).where(edits.room_id == chunk, edits.seq.in_(seqs))
        for edit in db.execute(found.order_by(edits.seq, edits.edit_seq)):
            earlier.setdefault((chunk, edit.seq), []).append({"at": rfc3339(edit.at), "text": edit.text})
    items = [
        {
            "type": "notice" if row.notice else "message",
            "room": row.room_id,
            "seq": row.seq,
            "at": rfc3339(at_ms_of(row.id) / 1000),
            **({} if row.notice else {"text": row.text}),
            **json.loads(row.fields),
            **({"earlier_texts": texts} if (texts := earlier.get((row.room_id, row.seq))) else {}),
        }
        for row in rows
    ]
    return items, _cursor(rows, "id")


def _reactions(db: Transaction, user_id: str, after: Cursor) -> tuple[list[Item], Cursor]:
    own = archived_reactions.c
    rows = _page(db, archived_reactions, own.user_id == user_id, (own.room_id, own.seq, own.emoji), after)
    items = [{"room": row.room_id, "seq": row.seq, "emoji": row.emoji} for row in rows]
    return items, _cursor(rows, "room_id", "seq", "emoji")


SECTIONS: Mapping[str, ReadPage] = {
    "sessions": _sessions,
    "api_tokens": _api_tokens,
    "invites": _invites,
    "memberships": _memberships,
    "read_positions": _read_positions,
    "mutes": _restrictions(room_mutes),
    "bans": _restrictions(room_bans),
    "audit_entries": _audit_entries,
    "messages": _messages,
    "reactions": _reactions,
}
"""The parts of an export that are lists, by name: how a page of each is read."""


def _page(
    db: Transaction,
    table: Table[Any],
    condition: ColumnElement[bool],
    order: tuple[ColumnElement[Any], ...],
    after: Cursor,
) -> list[Any]:
    query = select(table).where(condition).order_by(*order).limit(PAGE_SIZE)
    if after is not None:
        query = query.where(tuple_(*order) > after)
    return list(db.execute(query))


def _cursor(rows: list[Any], *columns: str) -> Cursor:
    return tuple(getattr(rows[-1], column) for column in columns) if len(rows) == PAGE_SIZE else None


def _instant(at: float | None) -> str | None:
    return None if at is None else rfc3339(at)
