"""Records: their fields must be the columns of their tables, in the same order, because they are made from rows."""

from typing import Any, NamedTuple

import pytest
from sqlalchemy import Table

from cloudchat.database.tables.accounts import LoginSession, User, sessions, users
from cloudchat.database.tables.rooms import Membership, Restriction, Room, memberships, room_bans, room_mutes, rooms


@pytest.mark.parametrize(
    ("record", "table"),
    [
        (User, users),
        (LoginSession, sessions),
        (Room, rooms),
        (Membership, memberships),
        (Restriction, room_mutes),
        (Restriction, room_bans),
    ],
)
def test_a_record_has_the_columns_of_its_table(record: type[NamedTuple], table: Table[Any]) -> None:
    assert record._fields == tuple(table.c.keys())
    types = record.__annotations__
    assert {name for name in types if type(None) in getattr(types[name], "__args__", ())} == {
        column.name for column in table.c if column.nullable
    }


def test_a_user_in_a_log_shows_no_secret() -> None:
    user = User("id1", "Ann", "ann", None, "hash", "member", False, 1.0, totp_secret="secret")
    assert repr(user) == "User('id1')"
    assert str(user._replace(name="Bob")) == "User('id1')"
