"""The table of permissions. tests/integration/rooms/test_permissions.py walks it over HTTP."""

from pathlib import Path

import pytest

from cloudchat.auth.principal import CHAT_READ, CHAT_WRITE, SCOPES_OF_ROLE, Principal
from cloudchat.rooms.permissions import (
    DESCRIPTIONS,
    MEMBER_ROLES,
    OPERATOR,
    Command,
    Kind,
    Role,
    acting_role,
    may,
    server_role_of,
)
from cloudchat.rooms.permissions_page import render
from support.documents import CHECKOUT

PAGE = CHECKOUT / "docs" / "permissions.md"


def test_the_page_is_that_of_the_code() -> None:
    assert Path(PAGE).read_text() == render(), "run: python -m cloudchat.rooms.permissions_page > docs/permissions.md"


def test_every_command_is_described() -> None:
    assert set(DESCRIPTIONS) == set(Command)


@pytest.mark.parametrize("kind", Kind)
def test_a_higher_role_may_do_what_a_lower_one_may(kind: Kind) -> None:
    for command in Command:
        allowed = [may(command, kind, role, "member") for role in (None, *reversed(MEMBER_ROLES))]
        first = allowed.index(True) if True in allowed else len(allowed)
        assert all(allowed[first:]) or command is Command.JOIN


@pytest.mark.parametrize("kind", [Kind.PRIVATE, Kind.DIRECT])
@pytest.mark.parametrize("server_role", ["admin", "moderator"])
def test_closed_rooms_ignore_the_roles_of_the_server(kind: Kind, server_role: str) -> None:
    for command in set(Command) - {Command.TAKE_OWNERSHIP}:
        for role in (None, *MEMBER_ROLES):
            assert may(command, kind, role, server_role) == may(command, kind, role, "member")


def test_only_an_administrator_takes_ownership_and_only_of_a_private_room() -> None:
    allowed = [
        (kind, server_role)
        for kind in Kind
        for server_role in ("member", "moderator", "admin", OPERATOR)
        for role in (None, *MEMBER_ROLES)
        if may(Command.TAKE_OWNERSHIP, kind, role, server_role)
    ]
    assert set(allowed) == {(Kind.PRIVATE, "admin")}


def test_higher_of_two_roles_counts_in_public_rooms() -> None:
    assert acting_role("public", "owner", "moderator") == Role.OWNER
    assert acting_role("public", "reader", "moderator") == Role.MODERATOR
    assert acting_role("public", None, "admin") == Role.OWNER
    assert acting_role("public", None, "member") == Role.VISITOR
    assert acting_role("private", "reader", "admin") == Role.READER


def test_administrator_without_the_scope_acts_as_a_member() -> None:
    def principal(scopes: frozenset[str]) -> Principal:
        return Principal("u1", "chief", "admin", scopes, "s1", 0, "api")

    assert server_role_of(principal(SCOPES_OF_ROLE["admin"])) == "admin"
    assert server_role_of(principal(frozenset({CHAT_READ, CHAT_WRITE}))) == "member"
